/*
 * Births, releases and resizings by stack, on their way into records (growth_record.h).
 *
 * Most blocks die in the round of their birth, and within a stretch without any edge all of them mean the same to a
 * record. So they are added up per stack, and the records see the sum when the stretch ends: growth_stacks_settle()
 * before rounds move on. Whatever concerns older blocks goes to the records at once. Called by growth.c and
 * growth_layers.c, on one thread.
 */
#ifndef ANALYSIS_GROWTH_STACKS_H
#define ANALYSIS_GROWTH_STACKS_H

#include "growth_record.h"
#include "growth_rounds.h"

struct layer {           /* a part of a block: what it was enlarged by at once */
    struct epoch *epoch; /* of its birth */
    uint64_t bytes;
    uint32_t stack;
};

struct stack_state {
    struct record *records; /* of all series, newest first */
    struct record_tally tally;
    uint64_t live;         /* blocks, less what the tally says */
    uint64_t live_at_edge; /* the same when the phases last changed, */
    uint64_t edge;         /* if that was this one (rounds.placing) */
    uint32_t record_count;
    uint32_t stretch; /* that the tally is of; another than the current one: it is empty */
};

struct growth_stacks {
    struct rounds *rounds;
    struct stack_state *list; /* by id */
    size_t room;
    uint32_t *tallied; /* stacks with a tally of this stretch */
    size_t tallied_count, tallied_room;
    uint32_t stretch;
    struct record **table; /* by stack and series, of stacks with many; linear probing */
    size_t table_room, table_count;
    uint64_t process_blocks; /* live ones of the process when the last stretch ended */
};

void growth_stacks_begin(struct growth_stacks *stacks, struct rounds *rounds);
void growth_stacks_release(struct growth_stacks *stacks);
/*
 * Ends the stretch, at so many live blocks of the process. To be called before anything about rounds, operations or
 * exit changes.
 */
void growth_stacks_settle(struct growth_stacks *stacks, uint64_t process_blocks);

/* The tally of a stack that has none yet. */
struct record_tally *growth_stacks_open(struct growth_stacks *stacks, uint32_t stack);
static inline struct record_tally *growth_stacks_tally(struct growth_stacks *stacks, uint32_t stack) {
    bool open = stack < stacks->room && stacks->list[stack].stretch == stacks->stretch;
    return open ? &stacks->list[stack].tally : growth_stacks_open(stacks, stack);
}

/* A layer of the current epoch is there. */
static inline void growth_stacks_bear(struct growth_stacks *stacks, const struct layer *layer, uint32_t thread) {
    record_tally_birth(growth_stacks_tally(stacks, layer->stack), layer->bytes, thread);
}

/* A layer of the current epoch ended its life. */
static inline void growth_stacks_end_young(struct growth_stacks *stacks, uint32_t stack, uint64_t bytes) {
    record_tally_death(growth_stacks_tally(stacks, stack), bytes);
}

enum stack_change {
    STACK_DEATH,    /* released: a life that ended */
    STACK_TAKE_OUT, /* handed to another stack or round; no life ended */
    STACK_RESIZE,   /* `bytes` more, modulo 2^64 */
};
void growth_stacks_change(struct growth_stacks *stacks, const struct layer *layer, enum stack_change change,
                          uint64_t bytes);
/* A container grew from `from` to `bytes`, in this stack. */
void growth_stacks_step(struct growth_stacks *stacks, uint32_t stack, uint64_t from, uint64_t bytes);

#endif
