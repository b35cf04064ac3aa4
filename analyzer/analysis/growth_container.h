/*
 * The largest container of a function, put together from what its stacks saw of it: a vector to which several callers
 * add grows now on one stack, now on another. Or an arena, by what its site added. Pure; called by growth_evidence.c.
 */
#ifndef ANALYSIS_GROWTH_CONTAINER_H
#define ANALYSIS_GROWTH_CONTAINER_H

#include "growth_record.h"

#define MOST_CONTAINER_STACKS 256u
#define MOST_CONTAINER_STEPS 64u
/* Containers grow by a half, whole elements at a time: by a third at least. */
#define GROWTH_FACTOR_PART 3u

struct container {
    struct growth_step steps[MOST_CONTAINER_STEPS]; /* oldest first */
    size_t step_count;
    uint64_t held; /* bytes held by the stacks on which it grew */
};

/* `held`: bytes that each record holds. At most MOST_CONTAINER_STACKS records. */
void container_find(struct container *container, const struct record *const *records, const uint64_t *held,
                    size_t count);

/*
 * An arena asks for blocks that are larger by the same factor each time, and keeps them all: its capacity is their sum.
 * First it may need several in a round. Fills `steps`, of which there is room for MOST_CONTAINER_STEPS; how many, 0: it
 * is no arena.
 */
size_t container_of_blocks(const struct growth_round *rounds, size_t count, struct growth_step *steps);

#endif
