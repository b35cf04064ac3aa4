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
    COLUMN_COUNT,
};

/* Tokens: one group a kind, and in it one number for each combination of choices. */
enum columns_stack_choice { STACK_OF_CONTEXT, STACK_FOLLOWING, STACK_KNOWN, STACK_NEW, STACK_CHOICES };
enum columns_size_choice { SIZE_OF_STACK, SIZE_OF_CONTEXT, SIZE_GIVEN, SIZE_CHOICES };
enum columns_address_choice {
    ADDRESS_TOP,
    ADDRESS_SEQUENTIAL,
    ADDRESS_SECOND,
    ADDRESS_TOP_FOREIGN,
    ADDRESS_LAST_FREED,
    ADDRESS_GIVEN,
    ADDRESS_CHOICES,
};
enum columns_block_choice { BLOCK_OF_STACK, BLOCK_NEXT, BLOCK_PREVIOUS, BLOCK_NEWEST, BLOCK_OLDEST_OF_STACK, BLOCK_GIVEN, BLOCK_CHOICES };
enum columns_foreign_choice { FOREIGN_STEP, FOREIGN_GIVEN, FOREIGN_CHOICES };
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

#define COLUMNS_STACKS 8192u
#define COLUMNS_CONTEXT_BITS 13u
#define COLUMNS_NONE 0xffffu
#define COLUMNS_CLASS_FOREIGN 255u

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

/* Neighbours among the blocks alive, of all stacks and of the block's own; COLUMNS_NONE at the ends. */
struct columns_links {
    uint16_t older, newer, stack_older, stack_newer;
};

struct columns_model {
    uint32_t mask; /* of contexts */
    uint32_t stacks_used;
    uint32_t history[3]; /* what the last events were, newest first */
    uint32_t last_stack, last_new_id;
    uint32_t newest; /* block alive */
    uint32_t cursor_newer, cursor_older; /* neighbours of the block freed last */
    uint32_t last_freed;                 /* event */
    uint64_t last_freed_address;
    uint64_t sequential, last_given; /* addresses */
    uint64_t foreign, foreign_step;
    uint16_t tops[256]; /* free list of each size class: event that freed the newest entry */
    struct columns_context contexts[1u << COLUMNS_CONTEXT_BITS];
    struct columns_stack stacks[COLUMNS_STACKS];
    struct columns_links links[COLUMNS_EVENTS_MAX];
    uint64_t address[COLUMNS_EVENTS_MAX];
    uint16_t stack_of[COLUMNS_EVENTS_MAX];
    uint16_t under[COLUMNS_EVENTS_MAX]; /* free lists: the next older entry */
    uint8_t class_of[COLUMNS_EVENTS_MAX];
};

/* Smallest scale for that many events: 2 to its power covers them. */
static inline unsigned columns_scale(uint32_t events) {
    unsigned scale = 6;
    while (scale < 15 && (1u << scale) < events) scale++;
    return scale;
}

static inline void columns_start(struct columns_model *m, unsigned scale) {
    unsigned bits = scale < COLUMNS_CONTEXT_BITS ? scale : COLUMNS_CONTEXT_BITS;
    memset(m, 0, offsetof(struct columns_model, tops));
    memset(m->tops, 0xff, sizeof m->tops);
    memset(m->contexts, 0, sizeof m->contexts[0] << bits);
    m->mask = (1u << bits) - 1;
    m->newest = m->cursor_newer = m->cursor_older = m->last_freed = COLUMNS_NONE;
    m->stacks[0] = (struct columns_stack){.newest = COLUMNS_NONE, .oldest = COLUMNS_NONE};
    m->stacks_used = 1;
}

static inline struct columns_context *columns_context(struct columns_model *m) {
    uint32_t h = m->history[0] * 0x9e3779b1u + m->history[1] * 0x85ebca77u + m->history[2] * 0xc2b2ae3du;
    return &m->contexts[(h ^ h >> 15) & m->mask];
}

static inline void columns_remember(struct columns_model *m, uint32_t what) {
    m->history[2] = m->history[1];
    m->history[1] = m->history[0];
    m->history[0] = what;
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
    return class < COLUMNS_CLASS_FOREIGN ? class : COLUMNS_CLASS_FOREIGN - 1;
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

/* The stack's number under the first two choices. */
static inline uint32_t columns_stack_guess(const struct columns_model *m, const struct columns_context *c, unsigned choice) {
    return choice == STACK_OF_CONTEXT ? c->stack : m->stacks[m->last_stack].next;
}

/* Address under a choice but ADDRESS_GIVEN; 0 if it has none. */
static inline uint64_t columns_address_guess(const struct columns_model *m, unsigned choice, unsigned class) {
    uint32_t event = m->tops[choice == ADDRESS_TOP_FOREIGN ? COLUMNS_CLASS_FOREIGN : class];
    switch (choice) {
    case ADDRESS_SEQUENTIAL: return m->sequential;
    case ADDRESS_LAST_FREED: return m->last_freed_address;
    case ADDRESS_SECOND: event = event == COLUMNS_NONE ? event : m->under[event]; break;
    default: break;
    }
    return event == COLUMNS_NONE ? 0 : m->address[event];
}

static inline void columns_take_address(struct columns_model *m, unsigned choice, unsigned class) {
    uint16_t *top = &m->tops[choice == ADDRESS_TOP_FOREIGN ? COLUMNS_CLASS_FOREIGN : class];
    if (choice == ADDRESS_LAST_FREED && m->last_freed != COLUMNS_NONE) {
        uint16_t *of_freed = &m->tops[m->class_of[m->last_freed]];
        if (*of_freed == m->last_freed) *of_freed = m->under[*of_freed];
    } else if (*top != COLUMNS_NONE && (choice == ADDRESS_TOP || choice == ADDRESS_TOP_FOREIGN)) {
        *top = m->under[*top];
    } else if (*top != COLUMNS_NONE && choice == ADDRESS_SECOND && m->under[*top] != COLUMNS_NONE) {
        m->under[*top] = m->under[m->under[*top]];
    }
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

/* Event `event` made a block: learn all of it. */
static inline void columns_alloc(struct columns_model *m, struct columns_context *c, uint32_t event, unsigned choice,
                                 uint32_t stack, uint64_t size, uint64_t address) {
    unsigned class = columns_class(size);
    columns_take_address(m, choice, class);
    if (choice == ADDRESS_SEQUENTIAL || choice == ADDRESS_GIVEN) m->sequential = address + columns_span(size);
    if (choice == ADDRESS_GIVEN) m->last_given = address;
    m->address[event] = address;
    m->class_of[event] = (uint8_t)class;
    m->stack_of[event] = (uint16_t)stack;
    columns_link(m, event, stack);
    m->stacks[m->last_stack].next = (uint16_t)stack;
    m->stacks[stack].size = (uint32_t)size;
    m->last_stack = stack;
    c->stack = (uint16_t)stack;
    c->size = (uint32_t)size;
    columns_remember(m, stack + 1);
}

/* The block (its event) under a choice but BLOCK_GIVEN, or COLUMNS_NONE. */
static inline uint32_t columns_block_guess(const struct columns_model *m, const struct columns_context *c, unsigned choice) {
    switch (choice) {
    case BLOCK_OF_STACK: return m->stacks[c->stack].newest;
    case BLOCK_OLDEST_OF_STACK: return m->stacks[c->stack].oldest;
    case BLOCK_NEXT: return m->cursor_newer;
    case BLOCK_PREVIOUS: return m->cursor_older;
    default: return m->newest;
    }
}

static inline void columns_freed(struct columns_model *m, uint32_t event, uint64_t address, unsigned class) {
    m->address[event] = address;
    m->class_of[event] = (uint8_t)class;
    m->under[event] = m->tops[class];
    m->tops[class] = (uint16_t)event;
    m->last_freed = event;
    m->last_freed_address = address;
}

/* Event `event` ended the block that `block` made. */
static inline void columns_free(struct columns_model *m, struct columns_context *c, uint32_t event, uint32_t block) {
    uint32_t stack = m->stack_of[block];
    columns_unlink(m, block);
    columns_freed(m, event, m->address[block], m->class_of[block]);
    c->stack = (uint16_t)stack;
    columns_remember(m, 0x10000 + stack);
}

static inline uint64_t columns_foreign_guess(const struct columns_model *m) {
    return (m->foreign + m->foreign_step) & ((1ull << TRACE_EVENT_OPERAND_BITS) - 1);
}

/* Event `event` ended a block that was made before this frame, or elsewhere. */
static inline void columns_free_foreign(struct columns_model *m, uint32_t event, uint64_t address) {
    columns_freed(m, event, address, COLUMNS_CLASS_FOREIGN);
    m->foreign_step = address - m->foreign;
    m->foreign = address;
    columns_remember(m, 0x20000);
}

/* A stamp between two that are stored, `steps` events apart: `index` steps after the first. */
static inline uint64_t columns_interpolate(uint64_t from, uint64_t to, uint32_t index, uint32_t steps) {
    int64_t step = (int64_t)(to - from) / (int64_t)steps;
    return from + (uint64_t)step * index;
}

/* Addresses are mostly multiples of 16 apart. */
static inline uint64_t columns_pack_delta(uint64_t to, uint64_t from) {
    int64_t delta = (int64_t)(to - from);
    return delta & 15 ? wire_zigzag(delta) << 1 | 1 : wire_zigzag(delta / 16) << 1;
}

static inline uint64_t columns_unpack_delta(uint64_t packed, uint64_t from) {
    uint64_t delta = (uint64_t)wire_unzigzag(packed >> 1);
    return (from + (packed & 1 ? delta : delta << 4)) & ((1ull << TRACE_EVENT_OPERAND_BITS) - 1);
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
