/*
 * The recorded mappings of a replayed process as disjoint ranges of addresses.
 *
 * A mapping is one block however many ranges are left of it: unmapping in the middle leaves two ranges of one mapping.
 * Asking whether an address lies in a mapping is two comparisons in the usual case (the same answer as last time).
 */
#ifndef REPLAY_MAPPINGS_H
#define REPLAY_MAPPINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapping {
    uint32_t block;  /* in the heap */
    uint32_t pieces; /* ranges left, those in hand (cut out, fate not known yet) included */
    bool internal;   /* its bytes don't count: the allocator's own, counted by the blocks in it, or only reserved */
    bool reserved;   /* by the program: what becomes of it is not known */
};

struct map_range {
    uint64_t start, end;
    struct mapping *mapping;
};

struct range_list {
    struct map_range *ranges;
    size_t count, capacity;
};

struct mappings {
    struct range_list list;           /* ascending, disjoint */
    uint64_t quiet_start, quiet_size; /* addresses known to lie in no mapping that counts */
};

void mappings_end(struct mappings *mappings);

/* Adds a range that overlaps no other. 0 or -ENOMEM. */
int mappings_add(struct mappings *mappings, struct map_range range);

/* Takes what lies in [start, end) out and appends it to `out`; pieces are counted. 0 or -ENOMEM. */
int mappings_cut(struct mappings *mappings, uint64_t start, uint64_t end, struct range_list *out);

/* The range that holds this address, or NULL. */
const struct map_range *mappings_find(const struct mappings *mappings, uint64_t address);

/* The counting mapping that holds this address, or NULL. */
struct mapping *mappings_search(struct mappings *mappings, uint64_t address);
static inline struct mapping *mappings_at(struct mappings *mappings, uint64_t address) {
    if (address - mappings->quiet_start < mappings->quiet_size) return NULL;
    return mappings_search(mappings, address);
}

#endif
