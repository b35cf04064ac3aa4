/*
 * Decoder of event columns; see decode.h. The strict twin of preload/columns.c: the model in include/trace_columns.h is
 * the same, here are the checks. Whatever the payload gives (numbers of stacks, distances) is checked before the
 * model sees it.
 */
#include "decode.h"

#include "decode_plain.h"

#include <errno.h>

#include "../../include/trace_columns.h"
#include "../../include/trace_wire.h"

_Static_assert(DECODE_MAX_EVENTS == COLUMNS_EVENTS_MAX, "one limit");
_Static_assert(DECODE_COLUMNS == COLUMN_COUNT, "a name for each column");

const char *const decode_column_names[DECODE_COLUMNS] = {
    [COLUMN_TOKENS] = "tokens",      [COLUMN_RUNS] = "runs",           [COLUMN_SURPRISES] = "surprises",
    [COLUMN_ESCAPES] = "escapes",    [COLUMN_STACKS] = "stacks",       [COLUMN_SIZES] = "sizes",
    [COLUMN_SIZES_REST] = "- rest",  [COLUMN_ADDRESSES] = "addresses", [COLUMN_ADDRESSES_REST] = "- rest",
    [COLUMN_BLOCKS] = "blocks",      [COLUMN_BLOCKS_REST] = "- rest",  [COLUMN_REUSED] = "reused",
    [COLUMN_REUSED_REST] = "- rest", [COLUMN_FOREIGN] = "foreign",     [COLUMN_OTHERS] = "others",
    [COLUMN_CONTROLS] = "controls",  [COLUMN_STAMPS] = "stamps",       [COLUMN_EDGES] = "edges",
};

/* What a token says, taken apart once for all. */
enum token_group { GROUP_ALLOC, GROUP_FREE, GROUP_FOREIGN, GROUP_NONE };
struct token_meaning {
    uint8_t kind, group;
    uint8_t choice; /* of the address, the block, or the foreign address */
    uint8_t stack, size;
};

struct decode_state {
    struct token_meaning meanings[TOKEN_END];
    struct columns_model model;
    struct columns_context *context; /* of the event at work */
    uint32_t index;                  /* of the event at work */
    uint64_t scale;                  /* of the segment; 0: none is at work */
    uint32_t events;                 /* in its earlier frames */
    uint64_t run;                    /* tokens to come that are as expected, where a context is sure */
    uint64_t other_operand;
    uint32_t other_stack;
    bool ordered;
    bool controls; /* there are control events */
    uint64_t edge; /* the next event that stores its stamp because of an edge */
    struct wire_reader column[COLUMN_COUNT];
    struct packed_event *out;
    struct stamp_mark *marks;                              /* the next one to be written */
    uint16_t made[COLUMNS_REACH], released[COLUMNS_REACH]; /* blocks, by ordinal */
    struct decode_plain plain;
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
        if (r.failed || lengths[c] > wire_left(&r)) return -EBADMSG;
        head->column[c] = wire_reader(wire_get_bytes(&r, (size_t)lengths[c]), (size_t)lengths[c]);
    }
    const uint64_t never = COLUMNS_LAYOUT_CONTINUES | COLUMNS_LAYOUT_PLAIN;
    bool valid = !wire_left(&r) && head->layout <= COLUMNS_LAYOUT_MAX && (head->layout & never) != never;
    return valid && head->scale >= 6 && head->scale <= COLUMNS_SCALE_MAX && head->count <= 1u << head->scale ? 0
                                                                                                             : -EBADMSG;
}

int decode_column_sizes(const uint8_t *raw, size_t length, uint32_t *sizes, size_t count) {
    struct head head;
    int result = read_head(&head, raw, length);
    for (size_t c = 0; !result && c < count && c < COLUMN_COUNT; c++) sizes[c] = (uint32_t)wire_left(&head.column[c]);
    return result;
}

static void explain_group(struct token_meaning *meanings, unsigned from, unsigned until, struct token_meaning of) {
    for (unsigned token = from; token < until; token++) {
        unsigned choices = token - from;
        meanings[token] = of;
        meanings[token].choice = (uint8_t)choices;
        if (of.group != GROUP_ALLOC) continue;
        meanings[token].choice = choices % ADDRESS_CHOICES;
        meanings[token].size = choices / ADDRESS_CHOICES % SIZE_CHOICES;
        meanings[token].stack = (uint8_t)(choices / ADDRESS_CHOICES / SIZE_CHOICES);
    }
}

static void explain_tokens(struct token_meaning *meanings) {
    static const struct {
        unsigned from, until;
        struct token_meaning of;
    } groups[] = {
        {TOKEN_ALLOC, TOKEN_REALLOC_IN, {.kind = TRACE_EVENT_ALLOC, .group = GROUP_ALLOC}},
        {TOKEN_REALLOC_IN, TOKEN_FREE, {.kind = TRACE_EVENT_REALLOC_IN, .group = GROUP_ALLOC}},
        {TOKEN_FREE, TOKEN_FREE_FOREIGN, {.kind = TRACE_EVENT_FREE, .group = GROUP_FREE}},
        {TOKEN_FREE_FOREIGN, TOKEN_REALLOC_OUT, {.kind = TRACE_EVENT_FREE, .group = GROUP_FOREIGN}},
        {TOKEN_REALLOC_OUT, TOKEN_REALLOC_OUT_FOREIGN, {.kind = TRACE_EVENT_REALLOC_OUT, .group = GROUP_FREE}},
        {TOKEN_REALLOC_OUT_FOREIGN, TOKEN_ESCAPE, {.kind = TRACE_EVENT_REALLOC_OUT, .group = GROUP_FOREIGN}},
        {TOKEN_ESCAPE, TOKEN_END, {.group = GROUP_NONE}},
    };
    for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++)
        explain_group(meanings, groups[g].from, groups[g].until, groups[g].of);
}

static uint64_t take_varint(struct decode_state *d, enum columns_column column) {
    return wire_get_varint(&d->column[column]);
}

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

static uint64_t take_split(struct decode_state *d, enum columns_column lead, enum columns_column rest) {
    return columns_get_split(&d->column[lead], &d->column[rest]);
}

static uint64_t take_size(struct decode_state *d, unsigned choice, uint32_t stack) {
    if (choice == SIZE_GIVEN) return take_split(d, COLUMN_SIZES, COLUMN_SIZES_REST);
    return choice == SIZE_OF_STACK ? d->model.stacks[stack].size : d->context->size;
}

static inline bool is_in_state(const struct decode_state *d, uint64_t block, enum columns_state state) {
    return block && block < d->model.blocks_used && d->model.blocks[block].state == state;
}

/* The block of the release that was `back` releases ago, or 0. */
static uint32_t block_released(const struct decode_state *d, uint64_t back) {
    uint32_t ordinal = d->model.released - (uint32_t)back, block = d->released[ordinal % COLUMNS_REACH];
    return back < COLUMNS_REACH && block < d->model.blocks_used && d->model.blocks[block].ordinal == ordinal ? block
                                                                                                             : 0;
}

/* The free block that the event takes, or 0. */
static inline uint32_t take_free_block(struct decode_state *d, unsigned choice, unsigned class) {
    uint32_t block = choice == ADDRESS_REUSED ? block_released(d, take_split(d, COLUMN_REUSED, COLUMN_REUSED_REST))
                                              : columns_free_guess(&d->model, &d->model.classes[class], choice);
    return is_in_state(d, block, BLOCK_FREE) ? block : 0;
}

static inline uint64_t take_address(struct decode_state *d, unsigned choice, unsigned class) {
    if (choice == ADDRESS_GIVEN)
        return columns_get_address(&d->column[COLUMN_ADDRESSES], &d->column[COLUMN_ADDRESSES_REST], &d->model.given);
    return columns_address_guess(&d->model, choice, &d->model.classes[class]);
}

/* False if there is no such block. */
static inline bool take_place(struct decode_state *d, unsigned choice, struct columns_birth *b) {
    uint32_t class = b->class = columns_class(b->size);
    if (choice <= ADDRESS_REUSED) {
        b->block = take_free_block(d, choice, class);
        b->address = d->model.blocks[b->block].address;
        return b->block;
    }
    b->address = take_address(d, choice, class);
    b->block = columns_pick(&d->model);
    return true;
}

static inline bool take_alloc(struct decode_state *d, struct packed_event *event, const struct token_meaning *token,
                              unsigned head) {
    struct columns_birth b;
    uint32_t id;
    if (!take_stack(d, token->stack, &b.stack, &id)) return false;
    b.size = take_size(d, token->size, b.stack);
    if (!take_place(d, token->choice, &b)) return false;
    *event = (struct packed_event){packed_word(head, head >> 8, b.address), b.size, id, 0};
    columns_alloc(&d->model, d->context, d->model.base + d->index, &b);
    d->made[d->model.made % COLUMNS_REACH] = (uint16_t)b.block;
    return true;
}

/* The block that the column of blocks tells, or 0. */
static uint64_t take_given_block(struct decode_state *d) {
    uint64_t back = take_split(d, COLUMN_BLOCKS, COLUMN_BLOCKS_REST);
    if (!back) return take_varint(d, COLUMN_BLOCKS_REST);
    uint32_t ordinal = d->model.made + 1 - (uint32_t)back, block = d->made[ordinal % COLUMNS_REACH];
    return back <= COLUMNS_REACH && block < d->model.blocks_used && d->model.blocks[block].ordinal == ordinal ? block
                                                                                                              : 0;
}

/* Both get their partner, unless the block was made in an earlier frame. */
static inline uint32_t pair(struct decode_state *d, uint32_t made) {
    uint32_t from = made - d->model.base;
    if (from >= d->index) return 0;
    return d->out[from].partner = d->index - from;
}

static inline void note_release(struct decode_state *d) {
    d->released[d->model.released % COLUMNS_REACH] = (uint16_t)d->model.last_freed;
}

static inline bool take_free(struct decode_state *d, struct packed_event *event, const struct token_meaning *token,
                             unsigned head) {
    uint64_t found =
        token->choice == BLOCK_GIVEN ? take_given_block(d) : columns_block_guess(&d->model, d->context, token->choice);
    if (!is_in_state(d, found, BLOCK_ALIVE)) return false;
    uint32_t block = (uint32_t)found;
    *event = (struct packed_event){packed_word(head, head >> 8, d->model.blocks[block].address), 0, 0,
                                   pair(d, d->model.blocks[block].event)};
    columns_free(&d->model, d->context, block);
    note_release(d);
    return true;
}

static bool take_free_foreign(struct decode_state *d, struct packed_event *event, const struct token_meaning *token,
                              unsigned head) {
    struct wire_reader *column = &d->column[COLUMN_FOREIGN];
    uint64_t address = token->choice == FOREIGN_GIVEN ? columns_get_address(column, column, &d->model.foreign_given)
                                                      : columns_foreign_guess(&d->model, d->context, token->choice);
    columns_free_foreign(&d->model, d->context, columns_pick(&d->model), address);
    *event = (struct packed_event){packed_word(head, head >> 8, address), 0, 0, 0};
    note_release(d);
    return true;
}

/* `head`: kind and flags << 8 that an escape announced; 0: none did. */
static inline bool take_block(struct decode_state *d, struct packed_event *event, unsigned token, unsigned head) {
    const struct token_meaning *meaning = &d->meanings[token];
    if (!head) head = meaning->kind;
    else if ((head & 0xff) != meaning->kind) return false;
    switch (meaning->group) {
    case GROUP_ALLOC: return take_alloc(d, event, meaning, head);
    case GROUP_FREE: return take_free(d, event, meaning, head);
    case GROUP_FOREIGN: return take_free_foreign(d, event, meaning, head);
    default: return false;
    }
}

/* How many tokens come as expected until the next surprise; UINT64_MAX: all. */
static void take_run(struct decode_state *d) {
    d->run = wire_left(&d->column[COLUMN_RUNS]) ? take_varint(d, COLUMN_RUNS) : UINT64_MAX;
}

/* Where the context is sure; an encoder writes no code 0 there. */
static unsigned take_surprise(struct decode_state *d) {
    uint8_t code = wire_get_u8(&d->column[COLUMN_SURPRISES]);
    unsigned token = code ? columns_token_of(d->context, code) : TOKEN_END;
    if (token < TOKEN_END) columns_learn_token(&d->model, d->context, token, code);
    take_run(d);
    return token;
}

/* The next token, or TOKEN_END and more if there is none. */
static inline unsigned take_token(struct decode_state *d) {
    struct wire_reader *tokens = &d->column[COLUMN_TOKENS];
    d->context = columns_context(&d->model);
    if (columns_is_sure(d->context)) {
        if (!d->run) return take_surprise(d);
        d->run -= d->run != UINT64_MAX;
        return d->context->first - 1u;
    }
    if (tokens->at == tokens->end) return TOKEN_END;
    uint8_t code = *tokens->at++;
    unsigned token = columns_token_of(d->context, code);
    if (token < TOKEN_END) columns_learn_token(&d->model, d->context, token, code);
    return token;
}

static bool take_control(struct decode_state *d, struct packed_event *event, unsigned kind, unsigned flags) {
    uint64_t operand = take_varint(d, COLUMN_CONTROLS), value = take_varint(d, COLUMN_CONTROLS);
    *event = (struct packed_event){packed_word(kind, flags, operand), value, 0, 0};
    d->controls = true;
    return !(operand >> TRACE_EVENT_OPERAND_BITS);
}

static bool take_other(struct decode_state *d, struct packed_event *event, unsigned kind, unsigned flags) {
    if (columns_is_control(kind)) return take_control(d, event, kind, flags);
    uint64_t step = (uint64_t)wire_get_signed(&d->column[COLUMN_OTHERS]), size = take_varint(d, COLUMN_OTHERS);
    d->other_operand = (d->other_operand + step) & COLUMNS_ADDRESS_MASK;
    d->other_stack += (uint32_t)wire_unzigzag(take_varint(d, COLUMN_OTHERS));
    *event = (struct packed_event){packed_word(kind, flags, d->other_operand), size, d->other_stack, 0};
    return kind != 0;
}

/*
 * What an escape announces; *token becomes that of an allocation or release with flags, TOKEN_ESCAPE where all is said.
 */
static bool take_escape(struct decode_state *d, struct packed_event *event, unsigned *token, unsigned *head) {
    unsigned kind = wire_get_u8(&d->column[COLUMN_ESCAPES]), flags = wire_get_u8(&d->column[COLUMN_ESCAPES]);
    if (flags & TRACE_EVENT_INTERPOLATED) return false;
    columns_remember(&d->model, 0x30000u + kind);
    if (!columns_is_block(kind, flags)) return take_other(d, event, kind, flags);
    *head = kind | flags << 8;
    *token = take_token(d);
    return flags && *token < TOKEN_ESCAPE;
}

static inline bool take_event(struct decode_state *d, struct packed_event *event) {
    unsigned token = take_token(d), head = 0;
    if (token > TOKEN_ESCAPE || (token == TOKEN_ESCAPE && !take_escape(d, event, &token, &head))) return false;
    return token == TOKEN_ESCAPE || take_block(d, event, token, head);
}

/* The next number in the column of edges; UINT64_MAX behind the last. */
static void advance_edge(struct decode_state *d) {
    struct wire_reader *edges = &d->column[COLUMN_EDGES];
    d->edge = wire_left(edges) ? d->edge + wire_get_varint(edges) : UINT64_MAX;
}

/* The first event from `from` on, below `count`, that stores its stamp. */
static uint32_t next_stored(const struct decode_state *d, uint32_t from, uint32_t count) {
    uint32_t limit = (from + COLUMNS_STAMP_INTERVAL - 1) / COLUMNS_STAMP_INTERVAL * COLUMNS_STAMP_INTERVAL;
    if (limit >= count) limit = count - 1;
    if (limit > d->edge) limit = (uint32_t)d->edge;
    if (!d->ordered && !d->controls) return limit;
    for (; from < limit; from++) {
        const struct packed_event *event = &d->out[from];
        if (columns_is_stamped(from, count, packed_kind(event), d->ordered && !event->partner)) break;
    }
    return from;
}

/* False when an edge is behind the last event or stands twice. */
static bool take_stamps(struct decode_state *d, uint32_t count) {
    uint64_t stamp = 0;
    d->edge = 0;
    advance_edge(d);
    for (uint32_t i = 0; i < count; i++) {
        i = next_stored(d, i, count);
        stamp += (uint64_t)wire_unzigzag(take_varint(d, COLUMN_STAMPS));
        *d->marks++ = (struct stamp_mark){stamp, i};
        if (d->edge == i) advance_edge(d);
        if (d->edge <= i) return false;
    }
    return d->edge == UINT64_MAX;
}

/* Every byte must have been used, and none missed. */
static bool all_taken(const struct decode_state *d) {
    for (unsigned c = 0; c < COLUMN_COUNT; c++)
        if (d->column[c].failed || wire_left(&d->column[c])) return false;
    return d->run == UINT64_MAX;
}

/* Makes the model ready for the frame; false where it goes on after one that was not the last here. */
static bool begin_frame(struct decode_state *d, const struct head *head) {
    if (head->layout & COLUMNS_LAYOUT_CONTINUES) {
        if (!d->scale || d->scale != head->scale || d->events >= COLUMNS_SEGMENT_EVENTS) return false;
    } else {
        columns_start(&d->model, (unsigned)head->scale);
        d->events = 0;
    }
    d->model.base = d->events;
    d->scale = 0; /* until all of it is decoded */
    return true;
}

static bool take_events(struct decode_state *d, const struct head *head) {
    explain_tokens(d->meanings);
    memcpy(d->column, head->column, sizeof d->column);
    d->other_operand = d->other_stack = 0;
    d->controls = false;
    d->ordered = head->layout & COLUMNS_LAYOUT_ORDERED;
    take_run(d);
    for (d->index = 0; d->index < head->count; d->index++) {
        if (!take_event(d, &d->out[d->index])) return false;
    }
    return take_stamps(d, (uint32_t)head->count) && all_taken(d);
}

void decode_forget(struct decode_state *d) { d->scale = 0; }

int decode_events(struct decode_state *d, const uint8_t *raw, size_t length, struct decoded *out) {
    struct head head;
    int result = read_head(&head, raw, length);
    if (result) return result;
    if (head.layout & COLUMNS_LAYOUT_PLAIN) {
        d->scale = 0;
        return decode_plain(&d->plain, head.column, (uint32_t)head.count, out);
    }
    d->out = out->events;
    d->marks = out->marks;
    out->exact = false;
    if (!begin_frame(d, &head) || !take_events(d, &head)) return -EBADMSG;
    d->scale = head.scale;
    d->events += (uint32_t)head.count;
    out->count = (uint32_t)head.count;
    out->mark_count = (uint32_t)(d->marks - out->marks);
    return 0;
}

void decoded_enter(const struct decoded *decoded, struct decoded_cursor *cursor) {
    const struct stamp_mark *mark = &decoded->marks[cursor->mark];
    cursor->at = mark->index;
    cursor->stamp = mark->stamp;
    cursor->step = 0;
    cursor->until = decoded->count;
    if (cursor->mark + 1 == decoded->mark_count) return;
    cursor->until = mark[1].index;
    cursor->step = columns_stamp_step(mark->stamp, mark[1].stamp, cursor->until - mark->index);
}

bool decoded_is_marked(const struct decoded *decoded, uint32_t index) {
    uint32_t low = 0, high = decoded->mark_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (decoded->marks[middle].index < index) low = middle + 1;
        else high = middle;
    }
    return low < decoded->mark_count && decoded->marks[low].index == index;
}

struct trace_event decoded_event(const struct decoded *decoded, const struct decoded_cursor *cursor) {
    const struct packed_event *packed = &decoded->events[cursor->at];
    bool stored = decoded->exact || decoded->marks[cursor->mark].index == cursor->at;
    return (struct trace_event){.stamp = cursor->stamp,
                                .address = packed_address(packed),
                                .size = packed->size,
                                .stack = packed->stack,
                                .partner = packed->partner,
                                .kind = packed_kind(packed),
                                .flags = (uint8_t)(packed_flags(packed) | (stored ? 0 : TRACE_EVENT_INTERPOLATED))};
}

static const uint8_t kind_words[256] = {
#define TRACE_EVENT(name, value, words, text) [value] = words,
#include "../../include/trace_records.def"
};

int decode_words(const uint64_t *words, size_t left, struct trace_event *event) {
    if (left < 2) return -EBADMSG;
    struct trace_event e = {
        .kind = (uint8_t)words[0], .flags = (uint8_t)(words[0] >> 8), .address = words[0] >> 16, .stamp = words[1]};
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
