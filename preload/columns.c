/*
 * Encoder of event columns (FORMAT.md "Event columns"); the strict twin of analyzer/input/decode.c.
 *
 * One pass over the words makes tokens and the columns of what the model could not predict, each in its own region of
 * the payload; a second pass stores the stamps that the order needs, because only then it is known which blocks both
 * began and ended here. Then the regions are moved together behind the head. Pure: see columns.h.
 */
#include "columns.h"

#include <errno.h>

#include "../include/trace_columns.h"
#include "../include/trace_format.h"
#include "../include/trace_wire.h"

_Static_assert(COLUMNS_MAX_EVENTS == COLUMNS_EVENTS_MAX, "one limit");

#define ADDRESS_SLOTS_MAX (2 * COLUMNS_EVENTS_MAX)
#define STACK_SLOTS (2 * COLUMNS_STACKS)
#define HEAD_MAX 80u

enum event_mark { MARK_PAIRED = 1, MARK_EDGE = 2, MARK_ALLOC = 4 };

struct columns {
    struct columns_model model;
    struct columns_context *context; /* of the event at work */
    uint32_t index;                  /* of the event at work */
    uint32_t slot_mask, stack_mask;
    uint64_t other_operand;
    uint32_t other_stack;
    struct wire_writer column[COLUMN_COUNT];
    uint16_t newest[ADDRESS_SLOTS_MAX];  /* by address: the newest event there */
    uint16_t stack_numbers[STACK_SLOTS]; /* by stack id */
    /*
     * Of a free: the event that made the block. Of an allocation: the free that left it the block, in the same size
     * class. COLUMNS_NONE: none.
     */
    uint16_t other[COLUMNS_EVENTS_MAX];
    uint8_t marks[COLUMNS_EVENTS_MAX];
    uint8_t reuse[COLUMNS_EVENTS_MAX]; /* of a free: class of the allocation that gets the address next; 0: none */
};

/* Most bytes that one event adds to each column. */
static const uint8_t column_width[COLUMN_COUNT] = {
    [COLUMN_TOKENS] = 2, [COLUMN_ESCAPES] = 2, [COLUMN_STACKS] = 8,  [COLUMN_SIZES] = 10,    [COLUMN_ADDRESSES] = 9,
    [COLUMN_BLOCKS] = 3, [COLUMN_FOREIGN] = 9, [COLUMN_OTHERS] = 23, [COLUMN_CONTROLS] = 17, [COLUMN_STAMPS] = 10,
    [COLUMN_EDGES] = 3,  [COLUMN_CLASSES] = 1, [COLUMN_REUSED] = 3,
};

static const uint8_t kind_words[256] = {
#define TRACE_EVENT(name, value, words, text) [value] = words,
#include "../include/trace_records.def"
};

struct words {
    uint64_t stamp, operand, size;
    uint32_t stack;
    uint8_t kind, flags;
    bool foreign; /* a release of a block that another thread may have made */
};

size_t columns_size(void) { return sizeof(struct columns); }

size_t columns_bound(void) {
    size_t bound = HEAD_MAX;
    for (unsigned c = 0; c < COLUMN_COUNT; c++) bound += (size_t)column_width[c] * COLUMNS_MAX_EVENTS;
    return bound;
}

/* An event of any kind, with any flags; see take_words. */
static bool take_odd_words(const struct columns_input *in, uint64_t *position, struct words *out) {
    unsigned words = kind_words[out->kind];
    bool control = columns_is_control(out->kind), wide = out->flags & TRACE_EVENT_WIDE;
    if (!words || (wide && (words != 3 || control))) return false;
    if (out->flags & TRACE_EVENT_INTERPOLATED || in->end - *position < words + wide) return false;
    out->stamp = in->ring[(*position + 1) & in->mask];
    if (words == 3) {
        uint64_t third = in->ring[(*position + 2) & in->mask];
        out->size = control ? third : (uint32_t)third;
        out->stack = control ? 0 : (uint32_t)(third >> 32);
        if (wide) out->size = in->ring[(*position + 3) & in->mask];
    }
    *position += words + wide;
    return true;
}

/* Reads the event at *position and moves behind it; false when its words are not whole or not valid. */
static inline bool take_words(const struct columns_input *in, uint64_t *position, struct words *out) {
    uint64_t at = *position, first = in->ring[at & in->mask];
    *out = (struct words){.operand = first >> 16, .kind = (uint8_t)first, .flags = (uint8_t)(first >> 8)};
    out->foreign = out->flags & TRACE_EVENT_FOREIGN;
    out->flags &= (uint8_t)~TRACE_EVENT_FOREIGN;
    if (out->flags || (out->kind != TRACE_EVENT_ALLOC && out->kind != TRACE_EVENT_FREE) || in->end - at < 3)
        return take_odd_words(in, position, out);
    out->stamp = in->ring[(at + 1) & in->mask];
    *position = at + 2;
    if (out->kind == TRACE_EVENT_FREE) return true;
    uint64_t third = in->ring[(at + 2) & in->mask];
    out->size = (uint32_t)third;
    out->stack = (uint32_t)(third >> 32);
    *position = at + 3;
    return true;
}

static void put_token(struct columns *e, unsigned token) {
    wire_put_u8(&e->column[COLUMN_TOKENS], columns_token_code(e->context, token));
    columns_learn_token(e->context, token);
}

/* The stack's number, 0 when it has none yet. */
static uint32_t find_stack(struct columns *e, uint32_t id, uint16_t **slot) {
    for (uint32_t at = (id * 0x9e3779b1u) >> 16 & e->stack_mask;; at = (at + 1) & e->stack_mask) {
        uint32_t number = e->stack_numbers[at];
        if (number == 0 || e->model.stacks[number].id == id) {
            *slot = &e->stack_numbers[at];
            return number;
        }
    }
}

static unsigned choose_stack(struct columns *e, uint32_t id, uint32_t *number) {
    struct columns_model *m = &e->model;
    for (unsigned choice = 0; choice < STACK_GIVEN; choice++) {
        *number = columns_stack_guess(m, e->context, choice);
        if (*number && m->stacks[*number].id == id) return choice;
    }
    uint16_t *slot;
    *number = find_stack(e, id, &slot);
    wire_put_varint(&e->column[COLUMN_STACKS], *number);
    if (*number) return STACK_GIVEN;
    wire_put_signed(&e->column[COLUMN_STACKS], (int32_t)(id - m->last_new_id));
    *number = columns_add_stack(m, id);
    if (*number) *slot = (uint16_t)*number;
    return STACK_GIVEN;
}

static unsigned choose_size(struct columns *e, uint64_t size, uint32_t stack) {
    if (e->model.stacks[stack].size == size) return SIZE_OF_STACK;
    if (e->context->size == size) return SIZE_OF_CONTEXT;
    wire_put_varint(&e->column[COLUMN_SIZES], size);
    return SIZE_GIVEN;
}

/* Which block of its class's free list the event takes. */
static unsigned choose_free_block(struct columns *e, uint32_t reused) {
    const struct columns_class *class = &e->model.classes[e->model.class_of[reused]];
    for (unsigned choice = 0; choice < ADDRESS_REUSED; choice++)
        if (columns_free_block_guess(class, choice) == reused) return choice;
    wire_put_varint(&e->column[COLUMN_REUSED], e->index - reused);
    return ADDRESS_REUSED;
}

static unsigned choose_address(struct columns *e, const struct columns_block *b) {
    const struct columns_class *class = &e->model.classes[columns_class(b->size)];
    if (b->reused != COLUMNS_NONE) return choose_free_block(e, b->reused);
    for (unsigned choice = ADDRESS_LAST_FREED; choice < ADDRESS_GIVEN; choice++)
        if (columns_address_guess(&e->model, choice, class) == b->address) return choice;
    columns_put_address(&e->column[COLUMN_ADDRESSES], &e->model.given, b->address);
    return ADDRESS_GIVEN;
}

static void put_alloc(struct columns *e, const struct words *w, unsigned group) {
    struct columns_block b = {.size = w->size, .address = w->operand, .reused = e->other[e->index]};
    unsigned stack_choice = choose_stack(e, w->stack, &b.stack);
    unsigned size_choice = choose_size(e, w->size, b.stack);
    b.address_choice = choose_address(e, &b);
    put_token(e, group + (stack_choice * SIZE_CHOICES + size_choice) * ADDRESS_CHOICES + b.address_choice);
    columns_alloc(&e->model, e->context, e->index, &b);
}

static unsigned choose_class(struct columns *e, unsigned class) {
    if (!class) return CLASS_NONE;
    if (e->context->size == class) return CLASS_OF_CONTEXT;
    wire_put_u8(&e->column[COLUMN_CLASSES], (uint8_t) class);
    return CLASS_GIVEN;
}

static unsigned choose_foreign(struct columns *e, uint64_t address) {
    for (unsigned choice = 0; choice < FOREIGN_GIVEN; choice++)
        if (columns_foreign_guess(&e->model, e->context, choice) == address) return choice;
    columns_put_address(&e->column[COLUMN_FOREIGN], &e->model.foreign_given, address);
    return FOREIGN_GIVEN;
}

static void put_free_foreign(struct columns *e, const struct words *w, unsigned group) {
    unsigned class = e->reuse[e->index];
    unsigned choice = choose_foreign(e, w->operand);
    put_token(e, group + choice * CLASS_CHOICES + choose_class(e, class));
    columns_free_foreign(&e->model, e->context, e->index, w->operand, class);
}

static void put_free(struct columns *e, const struct words *w, unsigned group, unsigned foreign_group) {
    uint32_t block = e->other[e->index];
    if (block == COLUMNS_NONE) {
        put_free_foreign(e, w, foreign_group);
        return;
    }
    bool keep = e->reuse[e->index];
    unsigned choice = 0;
    while (choice < BLOCK_GIVEN && columns_block_guess(&e->model, e->context, choice) != block) choice++;
    if (choice == BLOCK_GIVEN) wire_put_varint(&e->column[COLUMN_BLOCKS], e->index - block);
    put_token(e, group + choice * KEEP_CHOICES + (keep ? KEEP : DROP));
    columns_free(&e->model, e->context, e->index, block, keep);
}

static void put_other(struct columns *e, const struct words *w) {
    struct wire_writer *others = &e->column[COLUMN_OTHERS];
    wire_put_signed(others, (int64_t)(w->operand - e->other_operand));
    wire_put_varint(others, w->size);
    wire_put_signed(others, (int32_t)(w->stack - e->other_stack));
    e->other_operand = w->operand;
    e->other_stack = w->stack;
}

/* An event that tokens alone can't say: kind and flags are given, and the rest too unless it begins or ends a block. */
static bool put_escape(struct columns *e, const struct words *w) {
    put_token(e, TOKEN_ESCAPE);
    columns_remember(&e->model, 0x30000u + w->kind);
    wire_put_u8(&e->column[COLUMN_ESCAPES], w->kind);
    wire_put_u8(&e->column[COLUMN_ESCAPES], w->flags);
    if (columns_is_block(w->kind, w->flags)) {
        e->context = columns_context(&e->model);
        return false;
    }
    if (columns_is_control(w->kind)) {
        wire_put_varint(&e->column[COLUMN_CONTROLS], w->operand);
        wire_put_varint(&e->column[COLUMN_CONTROLS], w->size);
    } else {
        put_other(e, w);
    }
    return true;
}

static void put_event(struct columns *e, const struct words *w) {
    e->context = columns_context(&e->model);
    if ((w->flags || !columns_is_block(w->kind, 0)) && put_escape(e, w)) return;
    switch (w->kind) {
    case TRACE_EVENT_ALLOC: put_alloc(e, w, TOKEN_ALLOC); break;
    case TRACE_EVENT_REALLOC_IN: put_alloc(e, w, TOKEN_REALLOC_IN); break;
    case TRACE_EVENT_FREE: put_free(e, w, TOKEN_FREE, TOKEN_FREE_FOREIGN); break;
    default: put_free(e, w, TOKEN_REALLOC_OUT, TOKEN_REALLOC_OUT_FOREIGN); break;
    }
}

/* The stretch between two edges that a stamp lies in. */
struct edge_window {
    const uint64_t *edges;
    size_t count, below;  /* edges at or below the stamp */
    uint64_t from, until; /* stamps from <= s < until lie in it */
};

static void edge_window_move(struct edge_window *w, uint64_t stamp) {
    size_t low = 0, high = w->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (w->edges[middle] <= stamp) low = middle + 1;
        else high = middle;
    }
    w->below = low;
    w->from = low ? w->edges[low - 1] : 0;
    w->until = low < w->count ? w->edges[low] : UINT64_MAX;
}

static void mark_edge(struct columns *e, struct edge_window *w, uint64_t stamp) {
    size_t below = w->below;
    edge_window_move(w, stamp);
    if (w->below == below || e->index == 0) return;
    e->marks[e->index - 1] |= MARK_EDGE;
    e->marks[e->index] |= MARK_EDGE;
}

/* The slot of an address: of the newest event there, or an empty one. */
static uint16_t *find_slot(struct columns *e, uint64_t address) {
    uint32_t at = (uint32_t)((address * 0x9e3779b97f4a7c15ull) >> 40) & e->slot_mask;
    while (e->newest[at] != COLUMNS_NONE && e->model.address[e->newest[at]] != address) at = (at + 1) & e->slot_mask;
    return &e->newest[at];
}

/* The allocation at work takes the place of the free `before`, if that left a block of the same class. */
static void survey_alloc(struct columns *e, uint32_t before, unsigned class) {
    e->marks[e->index] |= MARK_ALLOC;
    e->model.class_of[e->index] = (uint8_t) class;
    e->other[e->index] = COLUMNS_NONE;
    if (before == COLUMNS_NONE || e->marks[before] & MARK_ALLOC) return;
    uint32_t block = e->other[before];
    if (block != COLUMNS_NONE && e->model.class_of[block] != class) return;
    e->reuse[before] = (uint8_t) class;
    e->other[e->index] = (uint16_t)before;
}

/* Between the allocation before and a foreign free another thread may have freed and allocated the address: no pair. */
static void survey_free(struct columns *e, uint32_t before, bool foreign) {
    e->other[e->index] = COLUMNS_NONE;
    if (foreign || before == COLUMNS_NONE || !(e->marks[before] & MARK_ALLOC)) return;
    e->other[e->index] = (uint16_t)before;
    e->marks[before] |= MARK_PAIRED;
    e->marks[e->index] |= MARK_PAIRED;
}

static void survey_block(struct columns *e, const struct words *w) {
    uint16_t *slot = find_slot(e, w->operand);
    uint32_t before = *slot;
    if (w->kind == TRACE_EVENT_ALLOC || w->kind == TRACE_EVENT_REALLOC_IN)
        survey_alloc(e, before, columns_class(w->size));
    else survey_free(e, before, w->foreign);
    e->model.address[e->index] = w->operand;
    *slot = (uint16_t)e->index;
}

static int survey(struct columns *e, const struct columns_input *in, struct columns_output *out) {
    struct edge_window window = {.edges = in->edges, .count = in->edge_count};
    struct words w;
    out->first_stamp = UINT64_MAX;
    for (e->index = 0; out->end != in->end && e->index < COLUMNS_MAX_EVENTS; e->index++) {
        if (!take_words(in, &out->end, &w)) return -EINVAL;
        e->marks[e->index] = e->reuse[e->index] = 0;
        if (columns_is_block(w.kind, w.flags)) survey_block(e, &w);
        if (in->all_edges) e->marks[e->index] |= MARK_EDGE;
        else if (w.stamp < window.from || w.stamp >= window.until || e->index == 0) mark_edge(e, &window, w.stamp);
        if (w.stamp < out->first_stamp) out->first_stamp = w.stamp;
        if (w.stamp > out->last_stamp) out->last_stamp = w.stamp;
    }
    return 0;
}

/* Where the last stamp and the last edge were put. */
struct stamp_state {
    uint64_t stamp;
    uint32_t edge;
};

static void put_stamp(struct columns *e, struct stamp_state *last, const struct words *w, uint32_t count,
                      bool ordered) {
    unsigned marks = e->marks[e->index];
    if (marks & MARK_EDGE) {
        wire_put_varint(&e->column[COLUMN_EDGES], e->index - last->edge);
        last->edge = e->index;
    } else if (!columns_is_stamped(e->index, count, w->kind, ordered && !(marks & MARK_PAIRED))) {
        return;
    }
    wire_put_signed(&e->column[COLUMN_STAMPS], (int64_t)(w->stamp - last->stamp));
    last->stamp = w->stamp;
}

static void put_events(struct columns *e, const struct columns_input *in, uint32_t count) {
    struct stamp_state last = {0};
    uint64_t position = in->first;
    struct words w;
    for (e->index = 0; e->index < count && take_words(in, &position, &w); e->index++) {
        put_event(e, &w);
        put_stamp(e, &last, &w, count, in->ordered);
    }
}

static void start(struct columns *e, uint8_t *payload, unsigned scale, uint32_t most) {
    columns_start(&e->model, scale);
    e->slot_mask = (2u << scale) - 1;
    memset(e->newest, 0xff, (e->slot_mask + 1) * sizeof e->newest[0]);
    e->stack_mask = e->slot_mask < STACK_SLOTS ? e->slot_mask : STACK_SLOTS - 1;
    memset(e->stack_numbers, 0, (e->stack_mask + 1) * sizeof e->stack_numbers[0]);
    e->other_operand = e->other_stack = 0;
    uint8_t *region = payload + HEAD_MAX;
    for (unsigned c = 0; c < COLUMN_COUNT; c++) {
        e->column[c] = wire_writer(region, (size_t)column_width[c] * most);
        region += (size_t)column_width[c] * most;
    }
}

/* Writes the head and moves the columns together behind it; returns the length. */
static uint32_t finish(struct columns *e, uint8_t *payload, bool ordered, unsigned scale, uint32_t count,
                       uint32_t most) {
    uint8_t head_bytes[HEAD_MAX], *at = payload, *region = payload + HEAD_MAX;
    struct wire_writer head = wire_writer(head_bytes, sizeof head_bytes);
    size_t length[COLUMN_COUNT];
    wire_put_varint(&head, ordered ? COLUMNS_LAYOUT_ORDERED : 0);
    wire_put_varint(&head, scale);
    wire_put_varint(&head, count);
    for (unsigned c = 0; c < COLUMN_COUNT; region += (size_t)column_width[c++] * most) {
        length[c] = (size_t)(e->column[c].at - region);
        wire_put_varint(&head, length[c]);
    }
    memcpy(at, head_bytes, sizeof head_bytes - wire_room(&head));
    at += sizeof head_bytes - wire_room(&head);
    region = payload + HEAD_MAX;
    for (unsigned c = 0; c < COLUMN_COUNT; region += (size_t)column_width[c++] * most) {
        memmove(at, region, length[c]);
        at += length[c];
    }
    return (uint32_t)(at - payload);
}

int columns_encode(struct columns *e, const struct columns_input *in, uint8_t *payload, struct columns_output *out) {
    uint64_t most = (in->end - in->first) / 2;
    if (most > COLUMNS_MAX_EVENTS) most = COLUMNS_MAX_EVENTS;
    unsigned scale = columns_scale((uint32_t)most);
    *out = (struct columns_output){.end = in->first};
    start(e, payload, scale, (uint32_t)most);
    int result = survey(e, in, out);
    out->count = e->index;
    put_events(e, in, out->count);
    out->bytes = finish(e, payload, in->ordered, scale, out->count, (uint32_t)most);
    if (!out->count) out->first_stamp = 0;
    return result;
}
