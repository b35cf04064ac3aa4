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
#include "words.h"

_Static_assert(COLUMNS_MAX_EVENTS == COLUMNS_EVENTS_MAX, "one limit");
_Static_assert(COLUMNS_PARTS == COLUMN_COUNT, "every column");

#define BUCKETS_MAX (2 * COLUMNS_BLOCKS)
#define STACK_SLOTS (2 * COLUMNS_STACKS)

/* Where in the input an event's words are. */
struct place {
    uint32_t index, offset;
};

enum event_mark { MARK_PAIRED = 1, MARK_EDGE = 2 };

struct columns {
    struct columns_model model;
    struct columns_context *context; /* of the event at work */
    uint32_t index;                  /* of the event at work */
    uint32_t run;                    /* events as expected since the last surprise */
    uint64_t other_operand;
    uint32_t other_stack;
    struct wire_writer column[COLUMN_COUNT];
    /* The segment: its thread (0: none), where its last frame ended, its events so far. */
    uint32_t thread, events;
    uint64_t end;
    unsigned scale;
    uint32_t bucket_mask, stack_mask;
    uint16_t buckets[BUCKETS_MAX];       /* index of addresses: the first block of each chain */
    uint16_t stack_numbers[STACK_SLOTS]; /* by stack id, in pairs; what is wrong there is seen by the id */
    uint32_t place_count;
    struct place places[COLUMNS_EVENTS_MAX];
    uint8_t marks[COLUMNS_EVENTS_MAX];
};

/* Most bytes that one event adds to each column. */
static const uint8_t column_width[COLUMN_COUNT] = {
    [COLUMN_TOKENS] = 2,         [COLUMN_RUNS] = 6,    [COLUMN_SURPRISES] = 2,   [COLUMN_ESCAPES] = 2,
    [COLUMN_STACKS] = 8,         [COLUMN_SIZES] = 1,   [COLUMN_SIZES_REST] = 9,  [COLUMN_ADDRESSES] = 1,
    [COLUMN_ADDRESSES_REST] = 8, [COLUMN_BLOCKS] = 1,  [COLUMN_BLOCKS_REST] = 3, [COLUMN_REUSED] = 1,
    [COLUMN_REUSED_REST] = 2,    [COLUMN_FOREIGN] = 9, [COLUMN_OTHERS] = 23,     [COLUMN_CONTROLS] = 17,
    [COLUMN_STAMPS] = 10,        [COLUMN_EDGES] = 3,
};

size_t columns_size(void) { return sizeof(struct columns); }

size_t columns_bound(void) {
    size_t bound = COLUMNS_HEAD_MAX;
    for (unsigned c = 0; c < COLUMN_COUNT; c++) bound += (size_t)column_width[c] * COLUMNS_MAX_EVENTS;
    return bound;
}

static struct wire_writer *column(struct columns *e, enum columns_column number) { return &e->column[number]; }

/* Where a context is sure of its token only surprises are written, and how far apart they are. */
static void put_token(struct columns *e, unsigned token) {
    uint8_t code = columns_token_code(e->context, token);
    if (!columns_is_sure(e->context)) {
        wire_put_u8(column(e, COLUMN_TOKENS), code);
    } else if (!code) {
        e->run++;
        return;
    } else {
        wire_put_varint(column(e, COLUMN_RUNS), e->run);
        wire_put_u8(column(e, COLUMN_SURPRISES), code);
        e->run = 0;
    }
    columns_learn_token(&e->model, e->context, token, code);
}

/* ---- index of addresses ---- */

static uint16_t *bucket(struct columns *e, uint64_t address) {
    return &e->buckets[(address * 0x9e3779b97f4a7c15ull) >> 40 & e->bucket_mask];
}

/* The block at the address, or 0. */
static uint32_t find_block(struct columns *e, uint64_t address) {
    uint32_t block = *bucket(e, address);
    while (block && e->model.blocks[block].address != address) block = e->model.blocks[block].chain;
    return block;
}

/* The memory is another block now, or somebody else's: this one stays in the lists, but nothing will be said of it. */
static void forget_block(struct columns *e, uint32_t block) {
    struct columns_block *b = &e->model.blocks[block];
    if (!b->indexed) return;
    uint16_t *at = bucket(e, b->address);
    while (*at != block) at = &e->model.blocks[*at].chain;
    *at = b->chain;
    b->indexed = false;
}

static uint32_t new_block(struct columns *e, uint64_t address) {
    uint32_t block = columns_pick(&e->model);
    forget_block(e, block);
    uint16_t *first = bucket(e, address);
    e->model.blocks[block].address = address;
    e->model.blocks[block].chain = *first;
    e->model.blocks[block].indexed = true;
    *first = (uint16_t)block;
    return block;
}

static inline bool is_block_at(const struct columns *e, uint32_t block, uint64_t address, enum columns_state state) {
    const struct columns_block *b = &e->model.blocks[block];
    return block && b->address == address && b->state == state && b->indexed;
}

/* ---- allocations ---- */

/* The stack's number, 0 when it has none; *slot is where to put it. */
static uint32_t find_stack(struct columns *e, uint32_t id, uint16_t **slot) {
    uint32_t at = (id * 0x9e3779b1u) >> 16 & e->stack_mask;
    for (unsigned i = 0; i < 2; i++) {
        *slot = &e->stack_numbers[at + i];
        uint32_t number = **slot;
        if (number && number < e->model.stacks_used && e->model.stacks[number].id == id) return number;
    }
    e->stack_numbers[at + 1] = e->stack_numbers[at];
    *slot = &e->stack_numbers[at];
    return 0;
}

static unsigned choose_stack(struct columns *e, uint32_t id, uint32_t *number) {
    struct columns_model *m = &e->model;
#pragma GCC unroll 8
    for (unsigned choice = 0; choice < STACK_GIVEN; choice++) {
        *number = columns_stack_guess(m, e->context, choice);
        if (*number && m->stacks[*number].id == id) return choice;
    }
    uint16_t *slot;
    *number = find_stack(e, id, &slot);
    wire_put_varint(column(e, COLUMN_STACKS), *number);
    if (*number) return STACK_GIVEN;
    wire_put_signed(column(e, COLUMN_STACKS), (int32_t)(id - m->last_new_id));
    *number = columns_add_stack(m, id);
    *slot = (uint16_t)*number;
    return STACK_GIVEN;
}

static unsigned choose_size(struct columns *e, uint64_t size, uint32_t stack) {
    if (e->model.stacks[stack].size == size) return SIZE_OF_STACK;
    if (e->context->size == size) return SIZE_OF_CONTEXT;
    columns_put_split(column(e, COLUMN_SIZES), column(e, COLUMN_SIZES_REST), size);
    return SIZE_GIVEN;
}

/* The block released at an address, by how many releases ago; false when that is too long ago. */
static bool put_reused(struct columns *e, uint32_t block) {
    uint32_t back = e->model.released - e->model.blocks[block].ordinal;
    if (e->model.blocks[block].state != BLOCK_FREE || back >= COLUMNS_REACH) return false;
    columns_put_split(column(e, COLUMN_REUSED), column(e, COLUMN_REUSED_REST), back);
    return true;
}

/* The address of memory that was not free, as far as is known here. */
static unsigned choose_new_address(struct columns *e, const struct columns_class *class, uint64_t address) {
    for (unsigned choice = ADDRESS_SEQUENTIAL; choice < ADDRESS_GIVEN; choice++)
        if (columns_address_guess(&e->model, choice, class) == address) return choice;
    columns_put_address(column(e, COLUMN_ADDRESSES), column(e, COLUMN_ADDRESSES_REST), &e->model.given, address);
    return ADDRESS_GIVEN;
}

static unsigned choose_address(struct columns *e, struct columns_birth *b) {
    const struct columns_class *class = &e->model.classes[b->class];
#pragma GCC unroll 8
    for (unsigned choice = 0; choice < ADDRESS_REUSED; choice++) {
        b->block = columns_free_guess(&e->model, class, choice);
        if (is_block_at(e, b->block, b->address, BLOCK_FREE)) return choice;
    }
    b->block = find_block(e, b->address);
    if (b->block && put_reused(e, b->block)) return ADDRESS_REUSED;
    if (b->block) forget_block(e, b->block);
    unsigned choice = choose_new_address(e, class, b->address);
    b->block = new_block(e, b->address);
    return choice;
}

static void put_alloc(struct columns *e, const struct event_words *w) {
    unsigned group = w->kind == TRACE_EVENT_ALLOC ? TOKEN_ALLOC : TOKEN_REALLOC_IN;
    struct columns_birth b = {.size = w->size, .address = w->operand, .class = columns_class(w->size)};
    unsigned stack_choice = choose_stack(e, w->stack, &b.stack);
    unsigned size_choice = choose_size(e, w->size, b.stack);
    unsigned address_choice = choose_address(e, &b);
    put_token(e, group + (stack_choice * SIZE_CHOICES + size_choice) * ADDRESS_CHOICES + address_choice);
    columns_alloc(&e->model, e->context, e->model.base + e->index, &b);
}

/* ---- releases ---- */

static unsigned choose_foreign(struct columns *e, uint64_t address) {
    for (unsigned choice = 0; choice < FOREIGN_GIVEN; choice++)
        if (columns_foreign_guess(&e->model, e->context, choice) == address) return choice;
    columns_put_address(column(e, COLUMN_FOREIGN), column(e, COLUMN_FOREIGN), &e->model.foreign_given, address);
    return FOREIGN_GIVEN;
}

static void put_free_foreign(struct columns *e, uint64_t address, unsigned group) {
    put_token(e, group + choose_foreign(e, address));
    uint32_t known = find_block(e, address);
    if (known) forget_block(e, known);
    columns_free_foreign(&e->model, e->context, new_block(e, address), address);
}

/* Told by how many allocations ago it was made, or by its number when that is long ago. */
static void put_block(struct columns *e, uint32_t block) {
    uint32_t back = e->model.made - e->model.blocks[block].ordinal;
    columns_put_split(column(e, COLUMN_BLOCKS), column(e, COLUMN_BLOCKS_REST), back < COLUMNS_REACH ? back + 1 : 0);
    if (back >= COLUMNS_REACH) wire_put_varint(column(e, COLUMN_BLOCKS_REST), block);
}

/* The block that the release ends, and how that is told; 0 when it is foreign. */
static uint32_t choose_block(struct columns *e, uint64_t address, unsigned *choice) {
#pragma GCC unroll 8
    for (unsigned i = 0; i < BLOCK_GIVEN; i++) {
        uint32_t block = columns_block_guess(&e->model, e->context, i);
        *choice = i;
        if (is_block_at(e, block, address, BLOCK_ALIVE)) return block;
    }
    *choice = BLOCK_GIVEN;
    uint32_t block = find_block(e, address);
    if (!block || e->model.blocks[block].state != BLOCK_ALIVE) return 0;
    put_block(e, block);
    return block;
}

static void mark_pair(struct columns *e, uint32_t block) {
    uint32_t from = e->model.blocks[block].event - e->model.base;
    if (from >= e->index) return; /* it was made in an earlier frame */
    e->marks[from] |= MARK_PAIRED;
    e->marks[e->index] |= MARK_PAIRED;
}

/* Between the allocation and a foreign release another thread may have released and allocated the address: no pair. */
static void put_free(struct columns *e, const struct event_words *w) {
    bool is_free = w->kind == TRACE_EVENT_FREE;
    unsigned choice;
    uint32_t block = w->foreign ? 0 : choose_block(e, w->operand, &choice);
    if (!block) {
        put_free_foreign(e, w->operand, is_free ? TOKEN_FREE_FOREIGN : TOKEN_REALLOC_OUT_FOREIGN);
        return;
    }
    put_token(e, (is_free ? TOKEN_FREE : TOKEN_REALLOC_OUT) + choice);
    mark_pair(e, block);
    columns_free(&e->model, e->context, block);
}

static void put_other(struct columns *e, const struct event_words *w) {
    struct wire_writer *others = column(e, COLUMN_OTHERS);
    wire_put_signed(others, (int64_t)(w->operand - e->other_operand));
    wire_put_varint(others, w->size);
    wire_put_signed(others, (int32_t)(w->stack - e->other_stack));
    e->other_operand = w->operand;
    e->other_stack = w->stack;
}

/* An event that tokens alone can't say: kind and flags are given, and the rest too unless it begins or ends a block. */
static bool put_escape(struct columns *e, const struct event_words *w) {
    put_token(e, TOKEN_ESCAPE);
    columns_remember(&e->model, 0x30000u + w->kind);
    wire_put_u8(column(e, COLUMN_ESCAPES), w->kind);
    wire_put_u8(column(e, COLUMN_ESCAPES), w->flags);
    if (columns_is_block(w->kind, w->flags)) {
        e->context = columns_context(&e->model);
        return false;
    }
    if (columns_is_control(w->kind)) {
        wire_put_varint(column(e, COLUMN_CONTROLS), w->operand);
        wire_put_varint(column(e, COLUMN_CONTROLS), w->size);
    } else {
        put_other(e, w);
    }
    return true;
}

static inline void put_event(struct columns *e, const struct event_words *w) {
    e->context = columns_context(&e->model);
    if ((w->flags || !columns_is_block(w->kind, 0)) && put_escape(e, w)) return;
    if (w->kind == TRACE_EVENT_ALLOC || w->kind == TRACE_EVENT_REALLOC_IN) put_alloc(e, w);
    else put_free(e, w);
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

/* An event whose stamp may have to be stored; the same one may be told twice. */
static void note_place(struct columns *e, uint32_t index, uint64_t position) {
    if (e->place_count && e->places[e->place_count - 1].index == index) return;
    e->places[e->place_count++] = (struct place){index, (uint32_t)position};
}

/*
 * The event at work, whose words are at `position`, may be the first behind an edge; `before`: those of the one before.
 */
static void note_edge(struct columns *e, struct edge_window *w, uint64_t stamp, uint64_t before, uint64_t position) {
    size_t below = w->below;
    edge_window_move(w, stamp);
    if (w->below == below || e->index == 0) return;
    e->marks[e->index - 1] |= MARK_EDGE;
    e->marks[e->index] |= MARK_EDGE;
    note_place(e, e->index - 1, before);
    note_place(e, e->index, position);
}

/* Where the last stamp and the last edge were put. */
struct stamp_state {
    uint64_t stamp;
    uint32_t edge;
};

static void put_stamp(struct columns *e, struct stamp_state *last, uint32_t index, uint8_t kind, uint64_t stamp,
                      uint32_t count, bool ordered) {
    unsigned marks = e->marks[index];
    if (marks & MARK_EDGE) {
        wire_put_varint(column(e, COLUMN_EDGES), index - last->edge);
        last->edge = index;
    } else if (!columns_is_stamped(index, count, kind, ordered && !(marks & MARK_PAIRED))) {
        return;
    }
    wire_put_signed(column(e, COLUMN_STAMPS), (int64_t)(stamp - last->stamp));
    last->stamp = stamp;
}

static void put_stamps(struct columns *e, const struct columns_input *in, uint32_t count) {
    struct stamp_state last = {0};
    for (uint32_t i = 0; i < e->place_count; i++) {
        uint64_t at = in->first + e->places[i].offset;
        put_stamp(e, &last, e->places[i].index, (uint8_t)in->ring[at & in->mask], in->ring[(at + 1) & in->mask], count,
                  in->ordered);
    }
}

/* Where the events of a frame stand, as they are taken one by one. */
struct walk {
    struct edge_window window;
    uint64_t before, at;  /* offsets of the words of the last event and of that at work */
    uint64_t least, most; /* stamps */
    bool all_places;
};

static inline void note_stamp(struct columns *e, struct walk *walk, const struct event_words *w) {
    if (w->stamp < walk->window.from || w->stamp >= walk->window.until)
        note_edge(e, &walk->window, w->stamp, walk->before, walk->at);
    if (walk->all_places || e->index % COLUMNS_STAMP_INTERVAL == 0 || columns_is_control(w->kind))
        note_place(e, e->index, walk->at);
    if (w->stamp < walk->least) walk->least = w->stamp;
    if (w->stamp > walk->most) walk->most = w->stamp;
}

/* All but the stamps: which of them are stored is known when all pairs are. */
static int put_events(struct columns *e, const struct columns_input *input, uint32_t most, struct columns_output *out) {
    const struct columns_input in = *input;
    const struct words words = {in.ring, in.mask, in.end};
    struct walk walk = {.window = {.edges = in.edges, .count = in.edge_count, .from = UINT64_MAX},
                        .least = UINT64_MAX,
                        .all_places = in.ordered || in.all_edges};
    uint64_t position = in.first;
    struct event_words w;
    memset(e->marks, in.all_edges ? MARK_EDGE : 0, most);
    for (e->index = 0; position != in.end && e->index < COLUMNS_MAX_EVENTS; e->index++) {
        uint64_t offset = position - in.first;
        if (!words_take(&words, &position, &w)) break;
        walk.before = walk.at;
        walk.at = offset;
        note_stamp(e, &walk, &w);
        put_event(e, &w);
    }
    if (e->index) note_place(e, e->index - 1, walk.at);
    *out = (struct columns_output){.count = e->index,
                                   .end = position,
                                   .first_stamp = e->index ? walk.least : 0,
                                   .last_stamp = walk.most,
                                   .continues = out->continues};
    return position == in.end || e->index == COLUMNS_MAX_EVENTS ? 0 : -EINVAL;
}

uint32_t columns_room(const struct columns_input *in) {
    uint64_t events = (in->end - in->first) / 2;
    return 1u << columns_scale(events > COLUMNS_MAX_EVENTS ? COLUMNS_MAX_EVENTS : (uint32_t)events);
}

/* A new segment's tables have room for as many events as the thread had before: they are cheap beside those. */
static unsigned new_scale(uint64_t first, uint32_t most) {
    uint64_t before = first / 2;
    if (before > COLUMNS_MAX_EVENTS) before = COLUMNS_MAX_EVENTS;
    return columns_scale(before > most ? (uint32_t)before : most);
}

static bool may_continue(const struct columns *e, const struct columns_input *in, uint32_t most) {
    return e->thread && e->thread == in->thread && e->end == in->first && most <= 1u << e->scale &&
           e->events < COLUMNS_SEGMENT_EVENTS;
}

static void start_segment(struct columns *e, const struct columns_input *in, uint32_t most) {
    e->scale = new_scale(in->first, most);
    e->thread = in->thread;
    e->events = 0;
    columns_start(&e->model, e->scale);
    e->bucket_mask = (2u << e->scale) - 1;
    e->stack_mask = e->bucket_mask & (STACK_SLOTS - 2);
    memset(e->buckets, 0, (e->bucket_mask + 1) * sizeof e->buckets[0]);
}

static void start(struct columns *e, uint8_t *payload, uint32_t most) {
    e->model.base = e->events;
    e->other_operand = e->other_stack = e->run = e->place_count = 0;
    uint8_t *region = payload + COLUMNS_HEAD_MAX;
    for (unsigned c = 0; c < COLUMN_COUNT; c++) {
        e->column[c] = wire_writer(region, (size_t)column_width[c] * most);
        region += (size_t)column_width[c] * most;
    }
}

static unsigned layout_of(const struct columns_input *in, const struct columns_output *out) {
    return (in->ordered ? COLUMNS_LAYOUT_ORDERED : 0) | (out->continues ? COLUMNS_LAYOUT_CONTINUES : 0);
}

void columns_finish(uint8_t *payload, unsigned layout, unsigned scale, uint8_t *const columns[COLUMNS_PARTS],
                    struct columns_output *out) {
    uint8_t head_bytes[COLUMNS_HEAD_MAX], *at = payload;
    struct wire_writer head = wire_writer(head_bytes, sizeof head_bytes);
    wire_put_varint(&head, layout);
    wire_put_varint(&head, scale);
    wire_put_varint(&head, out->count);
    for (unsigned c = 0; c < COLUMN_COUNT; c++) wire_put_varint(&head, out->column[c]);
    memcpy(at, head_bytes, sizeof head_bytes - wire_room(&head));
    at += sizeof head_bytes - wire_room(&head);
    for (unsigned c = 0; c < COLUMN_COUNT; at += out->column[c++]) memmove(at, columns[c], out->column[c]);
    out->bytes = (uint32_t)(at - payload);
}

static void finish(struct columns *e, uint8_t *payload, unsigned layout, uint32_t most, struct columns_output *out) {
    uint8_t *regions[COLUMN_COUNT], *region = payload + COLUMNS_HEAD_MAX;
    for (unsigned c = 0; c < COLUMN_COUNT; region += (size_t)column_width[c++] * most) {
        regions[c] = region;
        out->column[c] = (uint32_t)(e->column[c].at - region);
    }
    columns_finish(payload, layout, e->scale, regions, out);
}

void columns_forget(struct columns *e) { e->thread = 0; }

int columns_encode(struct columns *e, const struct columns_input *in, uint8_t *payload, struct columns_output *out) {
    uint32_t most = columns_room(in);
    out->continues = may_continue(e, in, most);
    if (!out->continues) start_segment(e, in, most);
    start(e, payload, most);
    int result = put_events(e, in, most, out);
    put_stamps(e, in, out->count);
    finish(e, payload, layout_of(in, out), most, out);
    e->end = out->end;
    e->events += out->count;
    return result;
}
