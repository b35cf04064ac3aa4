/*
 * Stacks of our own, for the slow paths: a hook may run on 16 KB or on a small sigaltstack.
 *
 * All functions are async-signal-safe, allocate nothing after stacks_start and keep errno.
 */
#ifndef PRELOAD_STACKS_H
#define PRELOAD_STACKS_H

#include <stdbool.h>

#define STACKS_SIZE (64u << 10)

/* Maps the stacks, where that is not done. Returns 0 or -ENOMEM. */
int stacks_start(void);

/* In the child of a fork, before the first use of them there: those of threads that are no more come back. */
void stacks_forked(void);

/*
 * Runs fn(argument) on a free stack, with signals blocked so that no handler of the target runs there; directly when
 * already on one. Returns false, and runs nothing, when all stacks stay taken for a second.
 */
bool stacks_call(void (*fn)(void *), void *argument);

/* The same, on the caller's stack where it must be. */
static inline void stacks_run(void (*fn)(void *), void *argument) {
    if (!stacks_call(fn, argument)) fn(argument);
}

#endif
