/*
 * What encoder and decoder of event columns both predict, and how both learn (FORMAT.md "Event columns").
 *
 * Part of the format: one definition, so that the twins cannot drift apart. Each event becomes a token, which says by
 * which rule every field follows from earlier events of the thread in this segment of frames; fields that no rule gives
 * stand in columns. No allocation, no I/O, no globals. Everything a decoder passes in is checked by the decoder:
 * numbers of stacks are below stacks_used, those of blocks below blocks_used and of the state that the function asks
 * for.
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
#define COLUMNS_LAYOUT_ORDERED 1u /* bits of the first payload byte; the others are zero */
#define COLUMNS_LAYOUT_CONTINUES 2u
#define COLUMNS_LAYOUT_PLAIN 4u /* FORMAT.md "Plain frames" */
#define COLUMNS_LAYOUT_MAX 7u
#define COLUMNS_STAMP_INTERVAL 1024u
#define COLUMNS_SEGMENT_EVENTS (1u << 20)
#define COLUMNS_SCALE_MAX 15u

/* Columns of lead bytes come before those of what follows them. */
enum columns_column {
    COLUMN_TOKENS,
    COLUMN_RUNS,
    COLUMN_SURPRISES,
    COLUMN_ESCAPES,
    COLUMN_STACKS,
    COLUMN_SIZES,
    COLUMN_SIZES_REST,
    COLUMN_ADDRESSES,
    COLUMN_ADDRESSES_REST,
    COLUMN_BLOCKS,
    COLUMN_BLOCKS_REST,
    COLUMN_REUSED,
    COLUMN_REUSED_REST,
    COLUMN_FOREIGN,
    COLUMN_OTHERS,
    COLUMN_CONTROLS,
    COLUMN_STAMPS,
    COLUMN_EDGES,
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
    ADDRESS_LAST_FREED, /* the block released last, of any class */
    ADDRESS_REUSED,     /* the block of the release that COLUMN_REUSED tells, of any class */
    ADDRESS_SEQUENTIAL, /* behind the last block that was not free before */
    ADDRESS_STEP,       /* as far from the class's last block as that from the one before */
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
enum columns_foreign_choice { FOREIGN_FOLLOWING, FOREIGN_STREAM, FOREIGN_GIVEN, FOREIGN_CHOICES };
#define COLUMNS_ALLOC_TOKENS ((unsigned)STACK_CHOICES * SIZE_CHOICES * ADDRESS_CHOICES)
enum columns_token {
    TOKEN_ALLOC = 0,
    TOKEN_REALLOC_IN = TOKEN_ALLOC + COLUMNS_ALLOC_TOKENS,
    TOKEN_FREE = TOKEN_REALLOC_IN + COLUMNS_ALLOC_TOKENS,
    TOKEN_FREE_FOREIGN = TOKEN_FREE + BLOCK_CHOICES,
    TOKEN_REALLOC_OUT = TOKEN_FREE_FOREIGN + FOREIGN_CHOICES,
    TOKEN_REALLOC_OUT_FOREIGN = TOKEN_REALLOC_OUT + BLOCK_CHOICES,
    TOKEN_ESCAPE = TOKEN_REALLOC_OUT_FOREIGN + FOREIGN_CHOICES,
    TOKEN_END,
};
_Static_assert(TOKEN_END + 1 < 256, "a coded token is one byte");

#define COLUMNS_BLOCKS 32768u
#define COLUMNS_STACKS 16384u
#define COLUMNS_CONTEXT_BITS 14u
#define COLUMNS_GENERAL_BITS 12u
#define COLUMNS_CLASSES 256u
#define COLUMNS_STREAMS 1024u
#define COLUMNS_DELTAS 2048u
#define COLUMNS_REACH 65536u /* allocations or releases that a distance back may span */
#define COLUMNS_EVICT_TRIES 8u

struct columns_context {
    uint32_t size;
    uint16_t stack;
    uint16_t tag;          /* tells contexts of the same number apart; 0: not used yet */
    uint8_t first, second; /* the two tokens seen last, plus one; 0: none yet */
    uint8_t hits;          /* times in a row that the first was right, at most COLUMNS_SURE */
};
#define COLUMNS_SURE 3u

struct columns_list {
    uint16_t newest, oldest; /* 0: empty */
};
struct columns_links {
    uint16_t older, newer; /* 0 at the ends */
};
enum columns_state { BLOCK_UNUSED, BLOCK_ALIVE, BLOCK_FREE };
enum { LINKS_MAIN, LINKS_OF_STACK };

/* A piece of memory that this thread's events spoke of. Number 0 stands for none; its links are written, never read. */
struct columns_block {
    uint64_t address;
    uint32_t ordinal; /* alive: of its allocation among all; free: of its release */
    uint32_t event;   /* that allocated it */
    /* Alive: among all blocks alive, and those of its stack. Free: among the free ones of its class. */
    struct columns_links links[2];
    uint16_t stack;
    uint8_t class, state;
    uint16_t chain; /* these two are an encoder's: see its index of addresses */
    bool indexed;
};

struct columns_stack {
    uint32_t id;
    uint32_t size;
    uint16_t next;             /* the stack that followed */
    struct columns_list alive; /* its blocks */
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

/* Allocations and free blocks of a size class; class 0: free blocks of unknown size. */
struct columns_class {
    struct columns_stream stream;
    struct columns_list free;
    struct columns_links taken; /* neighbours of the free block taken last */
};

struct columns_model {
    uint32_t mask, general_mask; /* of contexts */
    uint32_t base;               /* number of this frame's first event in the segment */
    uint32_t blocks_used, hand;  /* where to look for a block to forget */
    uint32_t stacks_used, stack_hand;
    uint32_t hash, hash_rest; /* of the last three marks; what the last two add to the next hash */
    uint32_t mark;            /* the last one */
    uint32_t last_stack, last_new_id;
    uint32_t made, released; /* allocations and releases so far */
    struct columns_list alive;
    struct columns_links ended; /* neighbours of the block released last */
    uint32_t last_freed;        /* block */
    uint64_t sequential;        /* end of the last block that was not free before */
    struct columns_regions given, foreign_given;
    uint64_t foreign, deltas[2];        /* address freed last of a foreign block, the differences before it */
    uint32_t foreign_run;               /* frees of foreign blocks without another event between */
    uint64_t following[COLUMNS_DELTAS]; /* difference that followed two others */
    struct columns_class classes[COLUMNS_CLASSES];
    /* Up to here cleared as a whole for each segment, from here on as far as it will be used. */
    struct columns_stream streams[COLUMNS_STREAMS];              /* foreign blocks freed, by context */
    struct columns_context general[1u << COLUMNS_GENERAL_BITS];  /* by the last mark alone */
    struct columns_context contexts[1u << COLUMNS_CONTEXT_BITS]; /* by the last three */
    struct columns_stack stacks[COLUMNS_STACKS];
    struct columns_block blocks[COLUMNS_BLOCKS];
};

/* Smallest scale for that many events: 2 to its power covers them. */
static inline unsigned columns_scale(uint32_t events) {
    unsigned scale = 6;
    while (scale < COLUMNS_SCALE_MAX && (1u << scale) < events) scale++;
    return scale;
}

static inline uint32_t columns_least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* The first frame of a segment. */
static inline void columns_start(struct columns_model *m, unsigned scale) {
    memset(m, 0, offsetof(struct columns_model, streams));
    m->mask = (1u << columns_least(scale, COLUMNS_CONTEXT_BITS)) - 1;
    m->general_mask = (1u << columns_least(scale, COLUMNS_GENERAL_BITS)) - 1;
    memset(m->contexts, 0, (m->mask + 1) * sizeof m->contexts[0]);
    memset(m->general, 0, (m->general_mask + 1) * sizeof m->general[0]);
    memset(m->streams, 0, columns_least(m->mask + 1, COLUMNS_STREAMS) * sizeof m->streams[0]);
    memset(&m->stacks[0], 0, sizeof m->stacks[0]);
    memset(&m->blocks[0], 0, sizeof m->blocks[0]);
    m->stacks_used = m->stack_hand = m->blocks_used = m->hand = 1;
}

static inline struct columns_context *columns_general(struct columns_model *m) {
    return &m->general[(m->mark * 0x9e3779b1u) >> 20 & m->general_mask];
}

/* The context of the next token; one that is met first takes over what is known of the last mark alone. */
static inline struct columns_context *columns_context(struct columns_model *m) {
    uint32_t hash = m->hash ^ m->hash >> 15;
    uint16_t tag = (uint16_t)(hash >> COLUMNS_CONTEXT_BITS | 1);
    struct columns_context *c = &m->contexts[hash & m->mask];
    if (c->tag == tag) return c;
    *c = *columns_general(m);
    c->tag = tag;
    c->hits = 0;
    return c;
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

static inline bool columns_is_sure(const struct columns_context *c) { return c->hits == COLUMNS_SURE; }

static inline void columns_expect(struct columns_context *c, unsigned token) {
    if (c->first == token + 1) return;
    c->second = c->first;
    c->first = (uint8_t)(token + 1);
}

/* The context was right with its first token (code 0), or is corrected, and so is the general one. */
static inline void columns_learn_token(struct columns_model *m, struct columns_context *c, unsigned token,
                                       uint8_t code) {
    if (!code) {
        c->hits = (uint8_t)(c->hits + (c->hits < COLUMNS_SURE));
        return;
    }
    c->hits = 0;
    columns_expect(c, token);
    columns_expect(columns_general(m), token);
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

/* Gives a stack its number; when all are in use, that of the stack numbered longest ago. */
static inline uint32_t columns_add_stack(struct columns_model *m, uint32_t id) {
    uint32_t number = m->stacks_used;
    m->last_new_id = id;
    if (number < COLUMNS_STACKS) {
        m->stacks_used++;
        m->stacks[number].alive = (struct columns_list){0};
    } else {
        number = m->stack_hand;
        m->stack_hand = number + 1 < COLUMNS_STACKS ? number + 1 : 1;
    }
    m->stacks[number].id = id;
    m->stacks[number].size = m->stacks[number].next = 0;
    return number;
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

/* The block under a choice up to ADDRESS_LAST_FREED, or 0; it may be free no more. */
static inline uint32_t columns_free_guess(const struct columns_model *m, const struct columns_class *class,
                                          unsigned choice) {
    switch (choice) {
    case ADDRESS_TOP: return class->free.newest;
    case ADDRESS_OLDER: return class->taken.older;
    case ADDRESS_NEWER: return class->taken.newer;
    case ADDRESS_OLDEST: return class->free.oldest;
    default: return m->last_freed;
    }
}

/* The address under ADDRESS_SEQUENTIAL or ADDRESS_STEP. */
static inline uint64_t columns_address_guess(const struct columns_model *m, unsigned choice,
                                             const struct columns_class *class) {
    return choice == ADDRESS_SEQUENTIAL ? m->sequential : columns_step(&class->stream);
}

/* The block under a choice but BLOCK_GIVEN, or 0; it may be alive no more. */
static inline uint32_t columns_block_guess(const struct columns_model *m, const struct columns_context *c,
                                           unsigned choice) {
    switch (choice) {
    case BLOCK_OF_STACK: return m->stacks[c->stack].alive.newest;
    case BLOCK_OLDEST_OF_STACK: return m->stacks[c->stack].alive.oldest;
    case BLOCK_NEXT: return m->ended.newer;
    case BLOCK_PREVIOUS: return m->ended.older;
    default: return m->alive.newest;
    }
}

static inline void columns_link(struct columns_model *m, struct columns_list *list, unsigned links, uint32_t block) {
    m->blocks[block].links[links] = (struct columns_links){list->newest, 0};
    m->blocks[list->newest].links[links].newer = (uint16_t)block;
    if (!list->newest) list->oldest = (uint16_t)block;
    list->newest = (uint16_t)block;
}

static inline struct columns_links columns_unlink(struct columns_model *m, struct columns_list *list, unsigned links,
                                                  uint32_t block) {
    struct columns_links l = m->blocks[block].links[links];
    m->blocks[l.newer].links[links].older = l.older;
    m->blocks[l.older].links[links].newer = l.newer;
    if (!l.newer) list->newest = l.older;
    if (!l.older) list->oldest = l.newer;
    return l;
}

/* The block goes out of the lists of its state; its neighbours in the first of them. */
static inline struct columns_links columns_leave_free(struct columns_model *m, uint32_t block) {
    return columns_unlink(m, &m->classes[m->blocks[block].class].free, LINKS_MAIN, block);
}

static inline struct columns_links columns_leave_alive(struct columns_model *m, uint32_t block) {
    columns_unlink(m, &m->stacks[m->blocks[block].stack].alive, LINKS_OF_STACK, block);
    return columns_unlink(m, &m->alive, LINKS_MAIN, block);
}

/* A block to be used for another piece of memory: a new one, else a free one of the next few, else one of them. */
static inline uint32_t columns_pick(struct columns_model *m) {
    if (m->blocks_used < COLUMNS_BLOCKS) {
        m->blocks[m->blocks_used].state = BLOCK_UNUSED;
        m->blocks[m->blocks_used].indexed = false;
        return m->blocks_used++;
    }
    uint32_t block = 0;
    for (unsigned tries = 0; tries < COLUMNS_EVICT_TRIES; tries++) {
        block = m->hand;
        m->hand = block + 1 < COLUMNS_BLOCKS ? block + 1 : 1;
        if (m->blocks[block].state == BLOCK_FREE) break;
    }
    if (m->blocks[block].state == BLOCK_FREE) columns_leave_free(m, block);
    else columns_leave_alive(m, block);
    m->blocks[block].state = BLOCK_UNUSED;
    return block;
}

/* What is known of a new block. */
struct columns_birth {
    uint64_t size, address;
    uint32_t stack; /* its number */
    uint32_t class; /* of its size */
    uint32_t block; /* a free one that it takes, or one from columns_pick */
};

static inline void columns_take(struct columns_model *m, const struct columns_birth *birth) {
    struct columns_block *b = &m->blocks[birth->block];
    if (b->state != BLOCK_FREE) m->sequential = birth->address + columns_span(birth->size);
    else m->classes[b->class].taken = columns_leave_free(m, birth->block);
}

static inline void columns_place(struct columns_model *m, uint32_t event, const struct columns_birth *birth) {
    struct columns_block *b = &m->blocks[birth->block];
    b->address = birth->address;
    b->ordinal = ++m->made;
    b->event = event;
    b->stack = (uint16_t)birth->stack;
    b->class = (uint8_t)birth->class;
    b->state = BLOCK_ALIVE;
    columns_link(m, &m->alive, LINKS_MAIN, birth->block);
    columns_link(m, &m->stacks[birth->stack].alive, LINKS_OF_STACK, birth->block);
}

/* The context's stack and size, and the general one's where the context did not know. */
static inline void columns_learn_birth(struct columns_model *m, struct columns_context *c, uint32_t stack,
                                       uint32_t size) {
    if (c->stack != stack || c->size != size) {
        struct columns_context *general = columns_general(m);
        general->stack = (uint16_t)stack;
        general->size = size;
        c->stack = (uint16_t)stack;
        c->size = size;
    }
    m->stacks[m->last_stack].next = (uint16_t)stack;
    m->stacks[stack].size = size;
    m->last_stack = stack;
}

/* Event `event` made a block: learn all of it. */
static inline void columns_alloc(struct columns_model *m, struct columns_context *c, uint32_t event,
                                 const struct columns_birth *birth) {
    columns_take(m, birth);
    columns_place(m, event, birth);
    columns_advance(&m->classes[birth->class].stream, birth->address);
    m->foreign_run = 0;
    columns_learn_birth(m, c, birth->stack, (uint32_t)birth->size);
    columns_remember(m, birth->stack + 1);
}

static inline void columns_set_free(struct columns_model *m, uint32_t block) {
    struct columns_block *b = &m->blocks[block];
    b->state = BLOCK_FREE;
    b->ordinal = ++m->released;
    columns_link(m, &m->classes[b->class].free, LINKS_MAIN, block);
    m->last_freed = block;
}

/* The block `block`, alive, was released. */
static inline void columns_free(struct columns_model *m, struct columns_context *c, uint32_t block) {
    uint32_t stack = m->blocks[block].stack;
    m->ended = columns_leave_alive(m, block);
    columns_set_free(m, block);
    m->foreign_run = 0;
    if (c->stack != stack) c->stack = columns_general(m)->stack = (uint16_t)stack;
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

/* A block was released that is none of those alive here; `block` is from columns_pick. */
static inline void columns_free_foreign(struct columns_model *m, struct columns_context *c, uint32_t block,
                                        uint64_t address) {
    m->blocks[block].address = address;
    m->blocks[block].class = 0;
    columns_set_free(m, block);
    columns_advance(columns_foreign_stream(m, c), address);
    uint64_t delta = address - m->foreign;
    *columns_foreign_delta(m) = delta;
    m->deltas[1] = m->deltas[0];
    m->deltas[0] = delta;
    m->foreign = address;
    if (m->foreign_run < 15) m->foreign_run++;
    columns_remember(m, 0x20000 + m->foreign_run);
}

/*
 * A number in two columns, which compress better apart: seven bits and whether there are more, and the rest. Where both
 * columns are the same one it is a plain varint.
 */
static inline void columns_put_split(struct wire_writer *lead, struct wire_writer *rest, uint64_t value) {
    wire_put_u8(lead, (uint8_t)(value < 0x80 ? value : value | 0x80));
    if (value >= 0x80) wire_put_varint(rest, value >> 7);
}

/* Fails where the rest does not fit into 64 bits or is 0. */
static inline uint64_t columns_get_split(struct wire_reader *lead, struct wire_reader *rest) {
    uint64_t low = wire_get_u8(lead);
    if (low < 0x80) return low;
    uint64_t high = wire_get_varint(rest);
    if (!high || high >> 57) rest->failed = true;
    return high << 7 | (low & 0x7f);
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

static inline void columns_put_address(struct wire_writer *lead, struct wire_writer *rest, struct columns_regions *r,
                                       uint64_t address) {
    unsigned region = columns_nearest(r, address);
    int64_t delta = (int64_t)(address - r->address[region]);
    uint64_t packed = delta & 15 ? 0 : wire_zigzag(delta / 16) * COLUMNS_REGIONS + region;
    if (!packed) {
        region = 0;
        delta = (int64_t)(address - r->address[0]);
    }
    columns_put_split(lead, rest, packed);
    if (!packed) wire_put_signed(rest, delta);
    columns_visit(r, region, address);
}

static inline uint64_t columns_get_address(struct wire_reader *lead, struct wire_reader *rest,
                                           struct columns_regions *r) {
    uint64_t packed = columns_get_split(lead, rest);
    unsigned region = packed % COLUMNS_REGIONS;
    uint64_t delta = (uint64_t)wire_unzigzag(packed / COLUMNS_REGIONS) << 4;
    if (!packed) delta = (uint64_t)wire_get_signed(rest);
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
