/*
 * The largest container of a function, put together from what its stacks saw of it: a vector to which several callers add
 * grows now on one stack, now on another. Pure; called by growth.c.
 */
#ifndef ANALYSIS_GROWTH_CONTAINER_H
#define ANALYSIS_GROWTH_CONTAINER_H

#include "growth_record.h"

#define MOST_CONTAINER_STACKS 256u
#define MOST_CONTAINER_STEPS 64u

struct container {
    struct growth_step steps[MOST_CONTAINER_STEPS]; /* oldest first */
    size_t step_count;
    uint64_t held; /* bytes held by the stacks on which it grew */
};

/* `held`: bytes that each record holds. At most MOST_CONTAINER_STACKS records. */
void container_find(struct container *container, const struct record *const *records, const uint64_t *held,
                    size_t count);

#endif
