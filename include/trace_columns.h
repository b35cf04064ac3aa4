/*
 * What encoder and decoder of event columns both predict, and how both learn (FORMAT.md "Event columns").
 *
 * Part of the format: one definition, so that the twins cannot drift apart. Each event becomes a token, which says by
 * which rule every field follows from earlier events of the same frame; fields that no rule gives stand in columns.
 * No allocation, no I/O, no globals. Everything a decoder passes in is checked by the decoder: indices are always
 * those of earlier events, or results of these functions.
 */
#ifndef TIDEMARK_TRACE_COLUMNS_H
#define TIDEMARK_TRACE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "trace_format.h"
#include "trace_wire.h"

#define COLUMNS_EVENTS_MAX 32768u
#define COLUMNS_LAYOUT_ORDERED 1u /* bit of the first payload byte; the others are zero */
#define COLUMNS_STAMP_INTERVAL 1024u

enum columns_column {
    COLUMN_TOKENS,
    COLUMN_ESCAPES,
    COLUMN_STACKS,
    COLUMN_SIZES,
    COLUMN_ADDRESSES,
    COLUMN_BLOCKS,
    COLUMN_FOREIGN,
    COLUMN_OTHERS,
    COLUMN_CONTROLS,
    COLUMN_STAMPS,
    COLUMN_EDGES,
    COLUMN_CLASSES,
    COLUMN_REUSED,
    COLUMN_COUNT,
};

/* Tokens: one group a kind, and in it one number for each combination of choices. */
enum columns_stack_choice { STACK_OF_CONTEXT, STACK_FOLLOWING, STACK_GIVEN, STACK_CHOICES };
enum columns_size_choice { SIZE_OF_STACK, SIZE_OF_CONTEXT, SIZE_GIVEN, SIZE_CHOICES };
enum columns_address_choice {
    ADDRESS_TOP,        /* of free blocks of the size class: the newest */
    ADDRESS_OLDER,      /*   the one older than the block taken last */
    ADDRESS_NEWER,      /*   the one newer than the block taken last */
    ADDRESS_OLDEST,     /*   the oldest */
    ADDRESS_REUSED,     /*   the one freed by the event that COLUMN_REUSED tells */
    ADDRESS_LAST_FREED, /* no free block of the class: where the last free was, of any class */
    ADDRESS_SEQUENTIAL, /*   behind the last block that was neither of a free list nor freed last */
    ADDRESS_STEP,       /*   as far from the class's last block as that from the one before */
    ADDRESS_GIVEN,
    ADDRESS_CHOICES,
};
enum columns_block_choice {
    BLOCK_OF_STACK,
    BLOCK_NEXT,
    BLOCK_PREVIOUS,
    BLOCK_NEWEST,
    BLOCK_OLDEST_OF_STACK,
    BLOCK_GIVEN,
    BLOCK_CHOICES
};
enum columns_keep_choice { KEEP, DROP, KEEP_CHOICES }; /* whether a freed block goes to the free list of its class */
enum columns_foreign_choice { FOREIGN_FOLLOWING, FOREIGN_STREAM, FOREIGN_GIVEN, FOREIGN_CHOICES };
enum columns_class_choice { CLASS_OF_CONTEXT, CLASS_NONE, CLASS_GIVEN, CLASS_CHOICES };
#define COLUMNS_ALLOC_TOKENS ((unsigned)STACK_CHOICES * SIZE_CHOICES * ADDRESS_CHOICES)
#define COLUMNS_FREE_TOKENS ((unsigned)BLOCK_CHOICES * KEEP_CHOICES)
#define COLUMNS_FOREIGN_TOKENS ((unsigned)FOREIGN_CHOICES * CLASS_CHOICES)
enum columns_token {
    TOKEN_ALLOC = 0,
    TOKEN_REALLOC_IN = TOKEN_ALLOC + COLUMNS_ALLOC_TOKENS,
    TOKEN_FREE = TOKEN_REALLOC_IN + COLUMNS_ALLOC_TOKENS,
    TOKEN_FREE_FOREIGN = TOKEN_FREE + COLUMNS_FREE_TOKENS,
    TOKEN_REALLOC_OUT = TOKEN_FREE_FOREIGN + COLUMNS_FOREIGN_TOKENS,
    TOKEN_REALLOC_OUT_FOREIGN = TOKEN_REALLOC_OUT + COLUMNS_FREE_TOKENS,
    TOKEN_ESCAPE = TOKEN_REALLOC_OUT_FOREIGN + COLUMNS_FOREIGN_TOKENS,
    TOKEN_END,
};
_Static_assert(TOKEN_END + 1 < 256, "a coded token is one byte");

#define COLUMNS_STACKS 8192u
#define COLUMNS_CONTEXT_BITS 13u
#define COLUMNS_NONE 0xffffu
#define COLUMNS_CLASSES 256u
#define COLUMNS_STREAMS 1024u
#define COLUMNS_DELTAS 2048u

struct columns_context {
    uint32_t size;
    uint16_t stack;
    uint8_t first, second; /* the two tokens seen last, plus one; 0: none yet */
};

struct columns_stack {
    uint32_t id;
    uint32_t size;
    uint16_t next;           /* the stack that followed */
    uint16_t newest, oldest; /* its blocks alive */
};

/* Addresses that follow each other in steps. */
struct columns_stream {
    uint64_t address, step;
};

/* The last addresses given, of the parts of memory that are in use at the same time. */
#define COLUMNS_REGIONS 2u
#define COLUMNS_REGION_REACH 65536u
struct columns_regions {
    uint64_t address[COLUMNS_REGIONS];
    uint32_t oldest;
};

/*
 * Neighbours; COLUMNS_NONE at the ends. An event that made a block: among all blocks alive, and those of its stack. One
 * that freed a block: among the free blocks of its size class (older and newer only).
 */
struct columns_links {
    uint16_t older, newer, stack_older, stack_newer;
};

/* Allocations and free blocks of a size class. */
struct columns_class {
    struct columns_stream stream;
    uint16_t newest, oldest;         /* free blocks */
    uint16_t next_older, next_newer; /* neighbours of the free block taken last */
};

struct columns_model {
    uint32_t mask; /* of contexts */
    uint32_t stacks_used;
    uint32_t hash, hash_rest; /* of the last three marks; what the last two add to the next hash */
    uint32_t mark;            /* the last one */
    uint32_t last_stack, last_new_id;
    uint32_t newest;                     /* block alive */
    uint32_t cursor_newer, cursor_older; /* neighbours of the block freed last */
    uint32_t last_freed;                 /* event */
    uint64_t last_freed_address;
    uint64_t sequential; /* end of the block allocated last that was neither of a free list nor freed last */
    struct columns_regions given, foreign_given;
    uint64_t foreign, deltas[2];        /* address freed last of a foreign block, the differences before it */
    uint32_t foreign_run;               /* frees of foreign blocks without another event between */
    uint64_t following[COLUMNS_DELTAS]; /* difference that followed two others */
    /* Up to here cleared as a whole for each frame, from here on as far as it will be used. */
    struct columns_class classes[COLUMNS_CLASSES];
    struct columns_stream streams[COLUMNS_STREAMS]; /* foreign blocks freed, by context */
    struct columns_context contexts[1u << COLUMNS_CONTEXT_BITS];
    struct columns_stack stacks[COLUMNS_STACKS];
    struct columns_links links[COLUMNS_EVENTS_MAX];
    uint64_t address[COLUMNS_EVENTS_MAX];
    uint16_t stack_of[COLUMNS_EVENTS_MAX];
    uint8_t class_of[COLUMNS_EVENTS_MAX]; /* of a free: 0 when the block is in no free list */
};

/* Smallest scale for that many events: 2 to its power covers them. */
static inline unsigned columns_scale(uint32_t events) {
    unsigned scale = 6;
    while (scale < 15 && (1u << scale) < events) scale++;
    return scale;
}

static inline void columns_start(struct columns_model *m, unsigned scale) {
    unsigned bits = scale < COLUMNS_CONTEXT_BITS ? scale : COLUMNS_CONTEXT_BITS;
    const struct columns_class empty = {{0, 0}, COLUMNS_NONE, COLUMNS_NONE, COLUMNS_NONE, COLUMNS_NONE};
    memset(m, 0, offsetof(struct columns_model, classes));
    for (unsigned class = 0; class < COLUMNS_CLASSES; class ++) m->classes[class] = empty;
    m->mask = (1u << bits) - 1;
    memset(m->contexts, 0, (m->mask + 1) * sizeof m->contexts[0]);
    memset(m->streams, 0, (m->mask < COLUMNS_STREAMS ? m->mask + 1 : COLUMNS_STREAMS) * sizeof m->streams[0]);
    m->newest = m->cursor_newer = m->cursor_older = m->last_freed = COLUMNS_NONE;
    m->stacks[0] = (struct columns_stack){.newest = COLUMNS_NONE, .oldest = COLUMNS_NONE};
    m->stacks_used = 1;
}

static inline struct columns_context *columns_context(struct columns_model *m) {
    return &m->contexts[(m->hash ^ m->hash >> 15) & m->mask];
}

/* What an event was, in a mark; contexts are told apart by the last three. */
static inline void columns_remember(struct columns_model *m, uint32_t mark) {
    m->hash = mark * 0x9e3779b1u + m->hash_rest;
    m->hash_rest = mark * 0x85ebca77u + m->mark * 0xc2b2ae3du;
    m->mark = mark;
}

/* 0 and 1 for the tokens that the context expects, else the token plus 2. */
static inline uint8_t columns_token_code(const struct columns_context *c, unsigned token) {
    return c->first == token + 1 ? 0 : c->second == token + 1 ? 1 : (uint8_t)(token + 2);
}

/* The token, or TOKEN_END and more for a code that no encoder writes. */
static inline unsigned columns_token_of(const struct columns_context *c, uint8_t code) {
    if (code >= 2) return code - 2u;
    return (code ? c->second : c->first) - 1u;
}

static inline void columns_learn_token(struct columns_context *c, unsigned token) {
    if (c->first == token + 1) return;
    c->second = c->first;
    c->first = (uint8_t)(token + 1);
}

/* Size classes of 16 bytes as in glibc's malloc up to 2 KiB, then eight to a power of two. */
static inline unsigned columns_class(uint64_t size) {
    uint64_t units = (size + 23) >> 4;
    if (units < 2) units = 2;
    if (units < 128) return (unsigned)units;
    unsigned top = 63u - (unsigned)__builtin_clzll(units);
    unsigned class = 128 + (top - 7) * 8 + (unsigned)(units >> (top - 3) & 7);
    return class < COLUMNS_CLASSES ? class : COLUMNS_CLASSES - 1;
}

static inline uint64_t columns_span(uint64_t size) {
    uint64_t span = (size + 23) & ~15ull;
    return span < 32 ? 32 : span;
}

/* Gives a stack its number in this frame; number 0 stands for all beyond the table. */
static inline uint32_t columns_add_stack(struct columns_model *m, uint32_t id) {
    m->last_new_id = id;
    if (m->stacks_used == COLUMNS_STACKS) return 0;
    m->stacks[m->stacks_used] = (struct columns_stack){.id = id, .newest = COLUMNS_NONE, .oldest = COLUMNS_NONE};
    return m->stacks_used++;
}

#define COLUMNS_ADDRESS_MASK ((1ull << TRACE_EVENT_OPERAND_BITS) - 1)

static inline uint64_t columns_step(const struct columns_stream *s) {
    return (s->address + s->step) & COLUMNS_ADDRESS_MASK;
}

static inline void columns_advance(struct columns_stream *s, uint64_t address) {
    s->step = address - s->address;
    s->address = address;
}

/* The stack's number under a choice but STACK_GIVEN. */
static inline uint32_t columns_stack_guess(const struct columns_model *m, const struct columns_context *c,
                                           unsigned choice) {
    return choice == STACK_OF_CONTEXT ? c->stack : m->stacks[m->last_stack].next;
}

/* The free block (the event that freed it) under a choice up to ADDRESS_OLDEST, or COLUMNS_NONE. */
static inline uint32_t columns_free_block_guess(const struct columns_class *class, unsigned choice) {
    switch (choice) {
    case ADDRESS_TOP: return class->newest;
    case ADDRESS_OLDER: return class->next_older;
    case ADDRESS_NEWER: return class->next_newer;
    default: return class->oldest;
    }
}

/* The address under a choice from ADDRESS_LAST_FREED to ADDRESS_STEP. */
static inline uint64_t columns_address_guess(const struct columns_model *m, unsigned choice,
                                             const struct columns_class *class) {
    switch (choice) {
    case ADDRESS_LAST_FREED: return m->last_freed_address;
    case ADDRESS_SEQUENTIAL: return m->sequential;
    default: return columns_step(&class->stream);
    }
}

static inline void columns_push_free(struct columns_model *m, uint32_t event, unsigned number) {
    struct columns_class *class = &m->classes[number];
    m->class_of[event] = (uint8_t)number;
    if (!number) return;
    m->links[event].older = class->newest;
    m->links[event].newer = COLUMNS_NONE;
    if (class->newest != COLUMNS_NONE) m->links[class->newest].newer = (uint16_t)event;
    else class->oldest = (uint16_t)event;
    class->newest = (uint16_t)event;
}

static inline void columns_take_free(struct columns_model *m, uint32_t event) {
    struct columns_class *class = &m->classes[m->class_of[event]];
    struct columns_links l = m->links[event];
    if (l.newer != COLUMNS_NONE) m->links[l.newer].older = l.older;
    else class->newest = l.older;
    if (l.older != COLUMNS_NONE) m->links[l.older].newer = l.newer;
    else class->oldest = l.newer;
    class->next_older = l.older;
    class->next_newer = l.newer;
    m->class_of[event] = 0;
}

static inline void columns_link(struct columns_model *m, uint32_t event, uint32_t stack) {
    struct columns_stack *s = &m->stacks[stack];
    m->links[event] = (struct columns_links){(uint16_t)m->newest, COLUMNS_NONE, s->newest, COLUMNS_NONE};
    if (m->newest != COLUMNS_NONE) m->links[m->newest].newer = (uint16_t)event;
    if (s->newest != COLUMNS_NONE) m->links[s->newest].stack_newer = (uint16_t)event;
    else s->oldest = (uint16_t)event;
    m->newest = event;
    s->newest = (uint16_t)event;
}

static inline void columns_unlink(struct columns_model *m, uint32_t event) {
    struct columns_links l = m->links[event];
    struct columns_stack *s = &m->stacks[m->stack_of[event]];
    if (l.newer != COLUMNS_NONE) m->links[l.newer].older = l.older;
    else m->newest = l.older;
    if (l.older != COLUMNS_NONE) m->links[l.older].newer = l.newer;
    if (l.stack_newer != COLUMNS_NONE) m->links[l.stack_newer].stack_older = l.stack_older;
    else s->newest = l.stack_older;
    if (l.stack_older != COLUMNS_NONE) m->links[l.stack_older].stack_newer = l.stack_newer;
    else s->oldest = l.stack_newer;
    m->cursor_newer = l.newer;
    m->cursor_older = l.older;
}

static inline void columns_take_last_freed(struct columns_model *m) {
    if (m->last_freed != COLUMNS_NONE && m->class_of[m->last_freed]) columns_take_free(m, m->last_freed);
    m->last_freed = COLUMNS_NONE;
}

/* What is known of a new block. */
struct columns_block {
    uint64_t size, address;
    uint32_t stack;  /* its number */
    uint32_t reused; /* the free block that it takes, or COLUMNS_NONE */
    unsigned address_choice;
};

/* Event `event` made a block: learn all of it. */
static inline void columns_alloc(struct columns_model *m, struct columns_context *c, uint32_t event,
                                 const struct columns_block *b) {
    unsigned class = columns_class(b->size);
    if (b->reused != COLUMNS_NONE) columns_take_free(m, b->reused);
    else if (b->address_choice == ADDRESS_LAST_FREED) columns_take_last_freed(m);
    else m->sequential = b->address + columns_span(b->size);
    columns_advance(&m->classes[class].stream, b->address);
    m->foreign_run = 0;
    m->address[event] = b->address;
    m->class_of[event] = (uint8_t) class;
    m->stack_of[event] = (uint16_t)b->stack;
    columns_link(m, event, b->stack);
    m->stacks[m->last_stack].next = (uint16_t)b->stack;
    m->stacks[b->stack].size = (uint32_t)b->size;
    m->last_stack = b->stack;
    c->stack = (uint16_t)b->stack;
    c->size = (uint32_t)b->size;
    columns_remember(m, b->stack + 1);
}

/* The block (its event) under a choice but BLOCK_GIVEN, or COLUMNS_NONE. */
static inline uint32_t columns_block_guess(const struct columns_model *m, const struct columns_context *c,
                                           unsigned choice) {
    switch (choice) {
    case BLOCK_OF_STACK: return m->stacks[c->stack].newest;
    case BLOCK_OLDEST_OF_STACK: return m->stacks[c->stack].oldest;
    case BLOCK_NEXT: return m->cursor_newer;
    case BLOCK_PREVIOUS: return m->cursor_older;
    default: return m->newest;
    }
}

/* Class 0: the block goes to no free list. */
static inline void columns_freed(struct columns_model *m, uint32_t event, uint64_t address, unsigned class) {
    m->address[event] = address;
    columns_push_free(m, event, class);
    m->last_freed = event;
    m->last_freed_address = address;
}

/* Event `event` ended the block that `block` made. */
static inline void columns_free(struct columns_model *m, struct columns_context *c, uint32_t event, uint32_t block,
                                bool keep) {
    uint32_t stack = m->stack_of[block];
    columns_unlink(m, block);
    columns_freed(m, event, m->address[block], keep ? m->class_of[block] : 0);
    m->foreign_run = 0;
    c->stack = (uint16_t)stack;
    columns_remember(m, 0x10000 + stack);
}

static inline struct columns_stream *columns_foreign_stream(struct columns_model *m, const struct columns_context *c) {
    return &m->streams[(size_t)(c - m->contexts) % COLUMNS_STREAMS];
}

static inline uint64_t *columns_foreign_delta(struct columns_model *m) {
    uint64_t h = m->deltas[0] * 0x9e3779b97f4a7c15ull + m->deltas[1] * 0xc2b2ae3d27d4eb4full;
    return &m->following[h >> 40 & (COLUMNS_DELTAS - 1)];
}

/* Address of a foreign block under a choice but FOREIGN_GIVEN. */
static inline uint64_t columns_foreign_guess(struct columns_model *m, const struct columns_context *c,
                                             unsigned choice) {
    if (choice == FOREIGN_STREAM) return columns_step(columns_foreign_stream(m, c));
    return (m->foreign + *columns_foreign_delta(m)) & COLUMNS_ADDRESS_MASK;
}

/* Event `event` ended a block that was made before this frame, or elsewhere; class 0: unknown. */
static inline void columns_free_foreign(struct columns_model *m, struct columns_context *c, uint32_t event,
                                        uint64_t address, unsigned class) {
    columns_freed(m, event, address, class);
    columns_advance(columns_foreign_stream(m, c), address);
    uint64_t delta = address - m->foreign;
    *columns_foreign_delta(m) = delta;
    m->deltas[1] = m->deltas[0];
    m->deltas[0] = delta;
    m->foreign = address;
    if (class) c->size = class;
    if (m->foreign_run < 15) m->foreign_run++;
    columns_remember(m, 0x20000 + m->foreign_run);
}

/* What each of `events` events adds between two stored stamps. */
static inline uint64_t columns_stamp_step(uint64_t from, uint64_t to, uint32_t events) {
    return (uint64_t)((int64_t)(to - from) / (int64_t)events);
}

/*
 * A given address is the difference to the nearest region, and which: the difference in units of 16, for they are
 * mostly multiples of it; 0 announces any other difference to region 0.
 */
static inline unsigned columns_nearest(const struct columns_regions *r, uint64_t address) {
    unsigned nearest = 0;
    uint64_t best = UINT64_MAX;
    for (unsigned i = 0; i < COLUMNS_REGIONS; i++) {
        uint64_t distance = address > r->address[i] ? address - r->address[i] : r->address[i] - address;
        if (distance < best) {
            best = distance;
            nearest = i;
        }
    }
    return nearest;
}

static inline void columns_visit(struct columns_regions *r, unsigned region, uint64_t address) {
    uint64_t distance = address > r->address[region] ? address - r->address[region] : r->address[region] - address;
    if (distance > COLUMNS_REGION_REACH) region = r->oldest++ % COLUMNS_REGIONS;
    r->address[region] = address;
}

static inline void columns_put_address(struct wire_writer *w, struct columns_regions *r, uint64_t address) {
    unsigned region = columns_nearest(r, address);
    int64_t delta = (int64_t)(address - r->address[region]);
    uint64_t packed = delta & 15 ? 0 : wire_zigzag(delta / 16) * COLUMNS_REGIONS + region;
    if (!packed) {
        region = 0;
        delta = (int64_t)(address - r->address[0]);
    }
    wire_put_varint(w, packed);
    if (!packed) wire_put_signed(w, delta);
    columns_visit(r, region, address);
}

static inline uint64_t columns_get_address(struct wire_reader *from, struct columns_regions *r) {
    uint64_t packed = wire_get_varint(from);
    unsigned region = packed % COLUMNS_REGIONS;
    uint64_t delta = (uint64_t)wire_unzigzag(packed / COLUMNS_REGIONS) << 4;
    if (!packed) delta = (uint64_t)wire_get_signed(from);
    uint64_t address = (r->address[region] + delta) & COLUMNS_ADDRESS_MASK;
    columns_visit(r, region, address);
    return address;
}

static inline bool columns_is_control(unsigned kind) { return kind >= TRACE_EVENT_PHASE_BEGIN; }

/* Whether the event begins or ends a block, and so is said by a token. */
static inline bool columns_is_block(unsigned kind, unsigned flags) {
    return kind >= TRACE_EVENT_ALLOC && kind <= TRACE_EVENT_REALLOC_IN && !(flags & TRACE_EVENT_FAILED);
}

/* Whether event `index` keeps its stamp even away from edges; `alone`: in an ordered frame, without partner there. */
static inline bool columns_is_stamped(uint32_t index, uint32_t count, unsigned kind, bool alone) {
    return alone || index % COLUMNS_STAMP_INTERVAL == 0 || index + 1 == count || columns_is_control(kind);
}

#endif
