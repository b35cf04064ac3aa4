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
    [COLUMN_CONTROLS] = "controls",   [COLUMN_STAMPS] = "stamps",   [COLUMN_EDGES] = "edges",   [COLUMN_CLASSES] = "classes", [COLUMN_REUSED] = "reused",
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
    uint64_t known = choice == STACK_GIVEN ? take_varint(d, COLUMN_STACKS) : columns_stack_guess(m, d->context, choice);
    if (choice == STACK_GIVEN && !known) {
        *id = m->last_new_id + (uint32_t)wire_unzigzag(take_varint(d, COLUMN_STACKS));
        *number = columns_add_stack(m, *id);
        return true;
    }
    if (!known || known >= m->stacks_used) return false;
    *number = (uint32_t)known;
    *id = m->stacks[known].id;
    return true;
}

static uint64_t take_size(struct decode_state *d, unsigned choice, uint32_t stack) {
    if (choice == SIZE_GIVEN) return take_varint(d, COLUMN_SIZES);
    return choice == SIZE_OF_STACK ? d->model.stacks[stack].size : d->context->size;
}

static bool is_free(const struct trace_event *event) {
    return event->kind == TRACE_EVENT_FREE || event->kind == TRACE_EVENT_REALLOC_OUT;
}

/* The free block that the event takes; false if it is none of that class. */
static bool take_reused(struct decode_state *d, struct columns_block *b, unsigned class) {
    struct columns_model *m = &d->model;
    uint64_t reused = b->address_choice == ADDRESS_REUSED ? d->index - take_varint(d, COLUMN_REUSED)
                                                          : columns_free_block_guess(&m->classes[class], b->address_choice);
    if (reused >= d->index || m->class_of[reused] != class || !is_free(&d->events[reused])) return false;
    b->reused = (uint32_t)reused;
    b->address = m->address[reused];
    return true;
}

static bool take_address(struct decode_state *d, struct columns_block *b) {
    unsigned class = columns_class(b->size);
    b->reused = COLUMNS_NONE;
    if (b->address_choice <= ADDRESS_REUSED) return take_reused(d, b, class);
    if (b->address_choice == ADDRESS_GIVEN) b->address = columns_get_address(&d->column[COLUMN_ADDRESSES], &d->model.given);
    else b->address = columns_address_guess(&d->model, b->address_choice, &d->model.classes[class]);
    return true;
}

static bool take_alloc(struct decode_state *d, struct trace_event *event, unsigned token) {
    struct columns_block b = {.address_choice = token % ADDRESS_CHOICES};
    token /= ADDRESS_CHOICES;
    if (!take_stack(d, token / SIZE_CHOICES, &b.stack, &event->stack)) return false;
    event->size = b.size = take_size(d, token % SIZE_CHOICES, b.stack);
    if (!take_address(d, &b)) return false;
    event->address = b.address;
    columns_alloc(&d->model, d->context, d->index, &b);
    return true;
}

/* An event whose block may still end: it must have made one. */
static bool is_open_block(const struct trace_event *event) {
    bool made = event->kind == TRACE_EVENT_ALLOC || event->kind == TRACE_EVENT_REALLOC_IN;
    return made && !event->partner && columns_is_block(event->kind, event->flags);
}

static bool take_free(struct decode_state *d, struct trace_event *event, unsigned token) {
    unsigned choice = token / KEEP_CHOICES;
    uint64_t block = choice == BLOCK_GIVEN ? d->index - take_varint(d, COLUMN_BLOCKS) : columns_block_guess(&d->model, d->context, choice);
    if (block >= d->index || !is_open_block(&d->events[block])) return false;
    event->partner = d->index - (uint32_t)block;
    d->events[block].partner = event->partner;
    event->address = d->events[block].address;
    columns_free(&d->model, d->context, d->index, (uint32_t)block, token % KEEP_CHOICES == KEEP);
    return true;
}

static unsigned take_class(struct decode_state *d, unsigned choice) {
    if (choice == CLASS_NONE) return 0;
    return choice == CLASS_GIVEN ? wire_get_u8(&d->column[COLUMN_CLASSES]) : d->context->size % COLUMNS_CLASSES;
}

static bool take_free_foreign(struct decode_state *d, struct trace_event *event, unsigned token) {
    unsigned choice = token / CLASS_CHOICES;
    if (choice == FOREIGN_GIVEN) event->address = columns_get_address(&d->column[COLUMN_FOREIGN], &d->model.foreign_given);
    else event->address = columns_foreign_guess(&d->model, d->context, choice);
    columns_free_foreign(&d->model, d->context, d->index, event->address, take_class(d, token % CLASS_CHOICES));
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
    d->model.class_of[d->index] = 0;
    if (columns_is_control(event->kind)) {
        event->address = take_varint(d, COLUMN_CONTROLS);
        event->size = take_varint(d, COLUMN_CONTROLS);
        return !(event->address >> TRACE_EVENT_OPERAND_BITS);
    }
    event->address = (d->other_operand + (uint64_t)wire_get_signed(&d->column[COLUMN_OTHERS])) & COLUMNS_ADDRESS_MASK;
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
