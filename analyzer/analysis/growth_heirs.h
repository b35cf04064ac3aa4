/*
 * Heirs: blocks that take the place of a smaller one, as those of containers do that grow by copying.
 *
 * What a thread frees soon after it allocated a larger block at the same stack, or at the same instruction, was copied
 * there, unless blocks of that stack as often give way to smaller ones. Remembers the latest blocks of each thread, so
 * it must be told of all births, deaths and moves to another stack. Called by growth.c only, on one thread.
 */
#ifndef ANALYSIS_GROWTH_HEIRS_H
#define ANALYSIS_GROWTH_HEIRS_H

#include "analysis.h"
#include "thread_numbers.h"

#define HEIR_SLOTS 64u

struct heir_slot { /* the latest block of a stack, and the one before it, while they live */
    struct block *block, *before;
    uint32_t stack, edges;
    uint32_t larger, smaller; /* times that a block was freed when the latest was much larger, or smaller than it */
};

struct thread_heirs {
    uint32_t edges;                     /* of its operations and phases */
    struct block *newest;               /* the last block born, while it lives and no edge has come since */
    struct heir_slot slots[HEIR_SLOTS]; /* of its latest stacks */
};

struct growth_heirs {
    struct thread_numbers numbers;
    struct thread_heirs **threads; /* by number */
    struct thread_heirs *latest;   /* the thread of the last event; NULL: none yet */
    uint32_t latest_thread;
    uint64_t (*innermost)(const void *stacks, uint32_t stack); /* as in struct replay_facts */
    const void *frames;
};

void growth_heirs_begin(struct growth_heirs *heirs, const struct replay_facts *facts);
void growth_heirs_release(struct growth_heirs *heirs);

/*
 * A thread's phase or operation begins or ends: what it allocates from now on takes no place of what it freed before.
 */
void growth_heirs_edge(struct growth_heirs *heirs, uint32_t thread);
/* The block was enlarged or shrunk at another stack than before: there it has no heir and is none. */
void growth_heirs_moved(struct growth_heirs *heirs, const struct block *block, uint32_t old_stack);

struct thread_heirs *growth_heirs_find_thread(struct growth_heirs *heirs, uint32_t thread);
static inline struct thread_heirs *growth_heirs_thread(struct growth_heirs *heirs, uint32_t thread) {
    return thread == heirs->latest_thread && heirs->latest ? heirs->latest : growth_heirs_find_thread(heirs, thread);
}

static inline struct heir_slot *heir_slot(struct thread_heirs *thread, uint32_t stack) {
    return &thread->slots[(stack * 2654435761u) >> 26];
}

static inline void growth_heirs_born(struct growth_heirs *heirs, struct block *block, uint32_t thread) {
    struct thread_heirs *state = growth_heirs_thread(heirs, thread);
    struct heir_slot *slot = heir_slot(state, block->stack);
    if (slot->stack != block->stack) *slot = (struct heir_slot){.stack = block->stack};
    slot->before = slot->block;
    slot->block = block;
    slot->edges = state->edges;
    state->newest = block;
}

/* The block's heir, when `thread` ends it; NULL: it has none. It is itself nobody's heir any more. */
struct block *growth_heirs_take(struct growth_heirs *heirs, const struct block *block, enum death_cause cause,
                                uint32_t thread);

#endif
