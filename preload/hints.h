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
    RULE_HINTS_FIRST_LOG = 7,
    RULE_HINTS_LOG = 12,
    NODE_HINTS_FIRST_LOG = 7,
    NODE_HINTS_LOG = 13,
};

struct rule_hint {
    uint64_t key;
    struct rule rule;
};
struct node_hint {
    uintptr_t ip;
    uint32_t parent, info, node;
};

/* How far the hints reach: the first 2 to the power of log, so that a thread with few stacks touches few pages. */
struct spread {
    uint32_t log, misses; /* since it grew last */
};

static inline uint64_t mix(uint64_t key) { return key * 0x9e3779b97f4a7c15ull; }

static inline size_t hint_of(const struct spread *spread, uint64_t hash) { return hash >> (64 - spread->log); }

/* As many misses as there are hints: twice as many from now on. What is found in a place that is no longer its own is another's. */
static inline void count_miss(struct spread *spread, unsigned most) {
    if (++spread->misses < 1u << spread->log) return;
    spread->misses = 0;
    spread->log += spread->log < most;
}

#endif
