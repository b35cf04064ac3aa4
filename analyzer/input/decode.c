/*
 * Decoder of event columns; see decode.h. The strict twin of preload/columns.c: the model in include/trace_columns.h is
 * the same, here are the checks. Whatever the payload gives (numbers of stacks, distances) is checked before the
 * model sees it.
 */
#include "decode.h"

#include <errno.h>

#include "../../include/trace_columns.h"
#include "../../include/trace_wire.h"

_Static_assert(DECODE_MAX_EVENTS == COLUMNS_EVENTS_MAX, "one limit");
_Static_assert(DECODE_COLUMNS == COLUMN_COUNT, "a name for each column");

const char *const decode_column_names[DECODE_COLUMNS] = {
    [COLUMN_TOKENS] = "tokens",       [COLUMN_ESCAPES] = "escapes", [COLUMN_STACKS] = "stacks",   [COLUMN_SIZES] = "sizes",
    [COLUMN_ADDRESSES] = "addresses", [COLUMN_BLOCKS] = "blocks",   [COLUMN_FOREIGN] = "foreign", [COLUMN_OTHERS] = "others",
    [COLUMN_CONTROLS] = "controls",   [COLUMN_STAMPS] = "stamps",   [COLUMN_EDGES] = "edges",
};

struct decode_state {
    struct columns_model model;
    struct columns_context *context; /* of the event at work */
    uint32_t index;                  /* of the event at work */
    uint64_t other_operand;
    uint32_t other_stack;
    bool ordered;
    struct wire_reader column[COLUMN_COUNT];
    struct trace_event *events;
};

struct head {
    uint64_t layout, scale, count;
    struct wire_reader column[COLUMN_COUNT];
};

size_t decode_state_size(void) { return sizeof(struct decode_state); }

static int read_head(struct head *head, const uint8_t *raw, size_t length) {
    struct wire_reader r = wire_reader(raw, length);
    uint64_t lengths[COLUMN_COUNT];
    head->layout = wire_get_varint(&r);
    head->scale = wire_get_varint(&r);
    head->count = wire_get_varint(&r);
    for (unsigned c = 0; c < COLUMN_COUNT; c++) lengths[c] = wire_get_varint(&r);
    for (unsigned c = 0; c < COLUMN_COUNT; c++) {
        if (lengths[c] > wire_left(&r)) return -EBADMSG;
        head->column[c] = wire_reader(wire_get_bytes(&r, (size_t)lengths[c]), (size_t)lengths[c]);
    }
    bool valid = !r.failed && !wire_left(&r) && !(head->layout & ~(uint64_t)COLUMNS_LAYOUT_ORDERED);
    return valid && head->scale >= 6 && head->scale <= 15 && head->count <= 1u << head->scale ? 0 : -EBADMSG;
}

int decode_column_sizes(const uint8_t *raw, size_t length, uint32_t *sizes, size_t count) {
    struct head head;
    int result = read_head(&head, raw, length);
    for (size_t c = 0; !result && c < count && c < COLUMN_COUNT; c++) sizes[c] = (uint32_t)wire_left(&head.column[c]);
    return result;
}

static uint64_t take_varint(struct decode_state *d, enum columns_column column) { return wire_get_varint(&d->column[column]); }

/* The number of the event's stack; false if there is none. */
static bool take_stack(struct decode_state *d, unsigned choice, uint32_t *number, uint32_t *id) {
    struct columns_model *m = &d->model;
    if (choice == STACK_NEW) {
        *id = m->last_new_id + (uint32_t)wire_unzigzag(take_varint(d, COLUMN_STACKS));
        *number = columns_add_stack(m, *id);
        return true;
    }
    uint64_t known = choice == STACK_KNOWN ? take_varint(d, COLUMN_STACKS) : columns_stack_guess(m, d->context, choice);
    if (!known || known >= m->stacks_used) return false;
    *number = (uint32_t)known;
    *id = m->stacks[known].id;
    return true;
}

static uint64_t take_size(struct decode_state *d, unsigned choice, uint32_t stack) {
    if (choice == SIZE_GIVEN) return take_varint(d, COLUMN_SIZES);
    return choice == SIZE_OF_STACK ? d->model.stacks[stack].size : d->context->size;
}

static uint64_t take_address(struct decode_state *d, unsigned choice, uint64_t size) {
    if (choice != ADDRESS_GIVEN) return columns_address_guess(&d->model, choice, columns_class(size));
    return columns_unpack_delta(take_varint(d, COLUMN_ADDRESSES), d->model.last_given);
}

static bool take_alloc(struct decode_state *d, struct trace_event *event, unsigned token) {
    unsigned address_choice = token % ADDRESS_CHOICES;
    token /= ADDRESS_CHOICES;
    uint32_t stack;
    if (!take_stack(d, token / SIZE_CHOICES, &stack, &event->stack)) return false;
    event->size = take_size(d, token % SIZE_CHOICES, stack);
    event->address = take_address(d, address_choice, event->size);
    columns_alloc(&d->model, d->context, d->index, address_choice, stack, event->size, event->address);
    return true;
}

/* An event whose block may still end: it must have made one. */
static bool is_open_block(const struct trace_event *event) {
    bool made = event->kind == TRACE_EVENT_ALLOC || event->kind == TRACE_EVENT_REALLOC_IN;
    return made && !event->partner && columns_is_block(event->kind, event->flags);
}

static bool take_free(struct decode_state *d, struct trace_event *event, unsigned choice) {
    uint64_t block = choice == BLOCK_GIVEN ? d->index - take_varint(d, COLUMN_BLOCKS) : columns_block_guess(&d->model, d->context, choice);
    if (block >= d->index || !is_open_block(&d->events[block])) return false;
    event->partner = d->index - (uint32_t)block;
    d->events[block].partner = event->partner;
    event->address = d->events[block].address;
    columns_free(&d->model, d->context, d->index, (uint32_t)block);
    return true;
}

static bool take_free_foreign(struct decode_state *d, struct trace_event *event, unsigned choice) {
    struct columns_model *m = &d->model;
    if (choice == FOREIGN_STEP) event->address = columns_foreign_guess(m);
    else event->address = columns_unpack_delta(take_varint(d, COLUMN_FOREIGN), m->foreign);
    columns_free_foreign(m, d->index, event->address);
    return true;
}

/* What a token says: the kind, and the function for the rest of the group. */
struct token_group {
    uint16_t end;
    uint8_t kind;
    bool (*take)(struct decode_state *, struct trace_event *, unsigned choice);
};

static const struct token_group token_groups[] = {
    {TOKEN_REALLOC_IN, TRACE_EVENT_ALLOC, take_alloc},
    {TOKEN_FREE, TRACE_EVENT_REALLOC_IN, take_alloc},
    {TOKEN_FREE_FOREIGN, TRACE_EVENT_FREE, take_free},
    {TOKEN_REALLOC_OUT, TRACE_EVENT_FREE, take_free_foreign},
    {TOKEN_REALLOC_OUT_FOREIGN, TRACE_EVENT_REALLOC_OUT, take_free},
    {TOKEN_ESCAPE, TRACE_EVENT_REALLOC_OUT, take_free_foreign},
};

static bool take_block(struct decode_state *d, struct trace_event *event, unsigned token) {
    unsigned first = 0;
    for (size_t g = 0; g < sizeof token_groups / sizeof token_groups[0]; g++) {
        if (token < token_groups[g].end) {
            if (event->flags && event->kind != token_groups[g].kind) return false;
            event->kind = token_groups[g].kind;
            return token_groups[g].take(d, event, token - first);
        }
        first = token_groups[g].end;
    }
    return false;
}

static unsigned take_token(struct decode_state *d) {
    d->context = columns_context(&d->model);
    unsigned token = columns_token_of(d->context, wire_get_u8(&d->column[COLUMN_TOKENS]));
    if (token < TOKEN_END) columns_learn_token(d->context, token);
    return token;
}

static bool take_other(struct decode_state *d, struct trace_event *event) {
    if (columns_is_control(event->kind)) {
        event->address = take_varint(d, COLUMN_CONTROLS);
        event->size = take_varint(d, COLUMN_CONTROLS);
        return !(event->address >> TRACE_EVENT_OPERAND_BITS);
    }
    event->address = columns_unpack_delta(take_varint(d, COLUMN_OTHERS), d->other_operand);
    event->size = take_varint(d, COLUMN_OTHERS);
    event->stack = d->other_stack + (uint32_t)wire_unzigzag(take_varint(d, COLUMN_OTHERS));
    d->other_operand = event->address;
    d->other_stack = event->stack;
    return event->kind != 0;
}

static bool take_escape(struct decode_state *d, struct trace_event *event) {
    event->kind = wire_get_u8(&d->column[COLUMN_ESCAPES]);
    event->flags = wire_get_u8(&d->column[COLUMN_ESCAPES]);
    if (event->flags & TRACE_EVENT_INTERPOLATED) return false;
    columns_remember(&d->model, 0x30000u + event->kind);
    if (!columns_is_block(event->kind, event->flags)) return take_other(d, event);
    return event->flags && take_block(d, event, take_token(d));
}

static bool take_event(struct decode_state *d, struct trace_event *event) {
    *event = (struct trace_event){0};
    unsigned token = take_token(d);
    return token == TOKEN_ESCAPE ? take_escape(d, event) : take_block(d, event, token);
}

/* Positions that are stamped because of edges come from a list, ascending. */
struct edge_list {
    struct wire_reader *from;
    uint64_t next; /* UINT64_MAX: no more */
};

static void edge_advance(struct edge_list *list, uint64_t base) {
    list->next = wire_left(list->from) ? base + wire_get_varint(list->from) : UINT64_MAX;
}

static bool take_mark(struct edge_list *list, uint32_t index) {
    if (list->next != index) return false;
    edge_advance(list, index);
    return true;
}

static void fill_between(struct trace_event *events, uint32_t from, uint32_t to) {
    for (uint32_t i = from + 1; i < to; i++) {
        events[i].stamp = columns_interpolate(events[from].stamp, events[to].stamp, i - from, to - from);
        events[i].flags |= TRACE_EVENT_INTERPOLATED;
    }
}

/* False when the list of edges goes on after the last event. */
static bool take_stamps(struct decode_state *d, uint32_t count) {
    struct edge_list edges = {.from = &d->column[COLUMN_EDGES]};
    uint32_t last = 0;
    uint64_t stamp = 0;
    edge_advance(&edges, 0);
    for (uint32_t i = 0; i < count; i++) {
        bool edge = take_mark(&edges, i);
        bool alone = d->ordered && !d->events[i].partner;
        if (!edge && !columns_is_stamped(i, count, d->events[i].kind, alone)) continue;
        stamp += (uint64_t)wire_unzigzag(take_varint(d, COLUMN_STAMPS));
        d->events[i].stamp = stamp;
        fill_between(d->events, last, i);
        last = i;
    }
    return edges.next == UINT64_MAX;
}

/* Every byte must have been used, and none missed. */
static bool all_taken(const struct decode_state *d) {
    for (unsigned c = 0; c < COLUMN_COUNT; c++)
        if (d->column[c].failed || wire_left(&d->column[c])) return false;
    return true;
}

int decode_events(struct decode_state *d, const uint8_t *raw, size_t length, struct trace_event *events, uint32_t *count) {
    struct head head;
    int result = read_head(&head, raw, length);
    if (result) return result;
    columns_start(&d->model, (unsigned)head.scale);
    memcpy(d->column, head.column, sizeof d->column);
    d->other_operand = d->other_stack = 0;
    d->ordered = head.layout & COLUMNS_LAYOUT_ORDERED;
    d->events = events;
    for (d->index = 0; d->index < head.count; d->index++)
        if (!take_event(d, &events[d->index])) return -EBADMSG;
    if (!take_stamps(d, (uint32_t)head.count) || !all_taken(d)) return -EBADMSG;
    *count = (uint32_t)head.count;
    return 0;
}

static const uint8_t kind_words[256] = {
#define TRACE_EVENT(name, value, words, text) [value] = words,
#include "../../include/trace_records.def"
};

int decode_words(const uint64_t *words, size_t left, struct trace_event *event) {
    if (left < 2) return -EBADMSG;
    struct trace_event e = {.kind = (uint8_t)words[0], .flags = (uint8_t)(words[0] >> 8), .address = words[0] >> 16, .stamp = words[1]};
    bool control = columns_is_control(e.kind), wide = e.flags & TRACE_EVENT_WIDE;
    size_t needed = (size_t)kind_words[e.kind] + wide;
    if (!kind_words[e.kind] || (wide && (control || kind_words[e.kind] != 3))) return -EBADMSG;
    if (e.flags & TRACE_EVENT_INTERPOLATED || left < needed) return -EBADMSG;
    if (kind_words[e.kind] == 3) {
        e.size = control ? words[2] : (uint32_t)words[2];
        e.stack = control ? 0 : (uint32_t)(words[2] >> 32);
    }
    if (wide) e.size = words[3];
    *event = e;
    return (int)needed;
}
