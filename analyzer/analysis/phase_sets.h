/*
 * What is live of the blocks that were born in a phase: bytes are counted for the set of phases that were open at their
 * birth, so that an event costs one addition however many those are. Sets are interned; 0 is that of `run` alone.
 */
#ifndef ANALYSIS_PHASE_SETS_H
#define ANALYSIS_PHASE_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct phase_set {
    size_t first; /* member */
    uint32_t count, hash;
};

struct phase_member {
    uint32_t phase, set;
    size_t next; /* member of the same phase in another set, SIZE_MAX: none */
};

struct phase_sets {
    uint64_t *live; /* bytes by set */
    struct phase_set *list;
    struct phase_member *members; /* of each set together, ascending by phase; `run` is left out, it is in all */
    size_t *heads;                /* by phase, SIZE_MAX: none */
    uint32_t *slots;              /* open addressing: set + 1, 0: free */
    size_t count, capacity, member_count, member_capacity, head_capacity, slot_count;
};

/* All return false where there is no memory. */
bool phase_sets_begin(struct phase_sets *sets);
/* From the set with, or without, a phase (not 0) to the other one. */
bool phase_sets_change(struct phase_sets *sets, uint32_t *set, uint32_t phase, bool open);
/* Live bytes born while the phase was open; of 0, all. */
uint64_t phase_sets_live(const struct phase_sets *sets, size_t phase);
void phase_sets_release(struct phase_sets *sets);

#endif
