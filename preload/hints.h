/*
 * A thread's own small memory of the tables that threads share: a rule by its return address, a node by its path.
 *
 * Direct-mapped: what is met last at a place stays there. Owned by the thread, used as unwind.h says.
 */
#ifndef PRELOAD_HINTS_H
#define PRELOAD_HINTS_H

#include <stddef.h>
#include <stdint.h>

#include "rules.h"

enum {
    RULE_HINTS_FIRST = 1 << 7,
    RULE_HINTS = 1 << 12,
    NODE_HINTS_FIRST = 1 << 7,
    NODE_HINTS = 1 << 13,
};

struct rule_hint {
    uint64_t key;
    struct rule rule;
};
struct node_hint {
    uintptr_t ip;
    uint32_t parent, info, node;
};

/* How far the hints reach: the first mask + 1, so that a thread with few stacks touches few pages. */
struct spread {
    uint32_t mask, misses; /* since it grew last */
};

static inline uint64_t mix(uint64_t key) { return key * 0x9e3779b97f4a7c15ull; }

static inline size_t hint_of(const struct spread *spread, uint64_t hash) { return hash >> 32 & spread->mask; }

/*
 * As many misses as there are hints: twice as many from now on. Half of them stay in their places; what is found in a
 * place that is no longer its own is another's.
 */
static inline void count_miss(struct spread *spread, unsigned most) {
    if (++spread->misses <= spread->mask) return;
    spread->misses = 0;
    if (spread->mask < most - 1) spread->mask = 2 * spread->mask + 1;
}

#endif
