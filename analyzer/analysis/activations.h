/*
 * When was a function running? Finds, thread by thread, the calls of the watched functions, as far as
 * allocations tell.
 *
 * Only allocations have stacks, so a call begins with the first allocation below the function and ends with the
 * thread's last event before its next allocation elsewhere. Calls without any allocation are not seen. Two calls with
 * nothing between them are told apart where the function's code can't lead from one allocation to the next.
 */
#ifndef ANALYSIS_ACTIVATIONS_H
#define ANALYSIS_ACTIVATIONS_H

#include "analysis.h"

#define ACTIVATIONS_MAX (1u << 20) /* calls kept; those that follow are counted only */

struct activation {
    uint64_t begin, end;  /* stamps: of the first event inside, and just after the last one */
    uint32_t thread;      /* serial */
    uint32_t function;    /* index of the watched function */
    uint32_t first, last; /* its frame at either end: an id larger than those of the calls around it at that moment */
};

struct activations;

extern const struct analysis activations_analysis; /* needs facts->watch */

/* In the order of their ends; owned by `activations`. */
const struct activation *activations_list(const struct activations *activations, size_t *count);
/* Calls beyond ACTIVATIONS_MAX. */
uint64_t activations_dropped(const struct activations *activations);
void activations_release(struct activations *activations);

#endif
