/* Histogram of lives in rounds. Pure; called for every block that dies, so adding is a shift and an increment. */
#include "growth_lives.h"

#include <string.h>

#define EXACT 16u /* lives below have a bucket each; above, four to an octave */

static unsigned bucket_of(uint64_t rounds) {
    if (rounds < EXACT) return (unsigned)rounds;
    unsigned octave = 63u - (unsigned)__builtin_clzll(rounds);
    unsigned bucket = EXACT + (octave - 4) * 4 + (unsigned)((rounds >> (octave - 2)) & 3);
    return bucket < GROWTH_LIVES_BUCKETS ? bucket : GROWTH_LIVES_BUCKETS - 1;
}

/* The longest life in a bucket. */
static uint64_t longest(unsigned bucket) {
    if (bucket < EXACT) return bucket;
    unsigned octave = (bucket - EXACT) / 4 + 4, quarter = (bucket - EXACT) % 4;
    return ((uint64_t)(quarter + 5) << (octave - 2)) - 1;
}

void growth_lives_add(struct growth_lives *lives, uint64_t rounds, uint64_t blocks) {
    lives->count[bucket_of(rounds)] += blocks;
}

double growth_lives_of(const struct growth_lives *lives, uint64_t rounds) {
    unsigned bucket = bucket_of(rounds);
    uint64_t width = bucket ? longest(bucket) - longest(bucket - 1) : 1;
    return (double)lives->count[bucket] / (double)width;
}

void growth_lives_merge(struct growth_lives *into, const struct growth_lives *from) {
    for (unsigned i = 0; i < GROWTH_LIVES_BUCKETS; i++) into->count[i] += from->count[i];
}

void growth_lives_halve(struct growth_lives *lives) {
    struct growth_lives old = *lives;
    memset(lives, 0, sizeof *lives);
    for (unsigned i = 0; i < GROWTH_LIVES_BUCKETS; i++) {
        if (old.count[i]) growth_lives_add(lives, (longest(i) + 1) / 2, old.count[i]);
    }
}

/* Lives that the reach leaves out: one in a hundred of those that outlived their round, none of fewer. */
static uint64_t beyond_reach(const struct growth_lives *lives) {
    uint64_t outlived = 0;
    for (unsigned i = 1; i < GROWTH_LIVES_BUCKETS; i++) outlived += lives->count[i];
    return outlived / 100;
}

bool growth_lives_exceed_reach(const struct growth_lives *lives) { return beyond_reach(lives) > 0; }

double growth_lives_reach(const struct growth_lives *lives) {
    uint64_t beyond = beyond_reach(lives);
    for (unsigned i = GROWTH_LIVES_BUCKETS - 1; i > 0; i--) {
        if (lives->count[i] > beyond) return (double)longest(i);
        beyond -= lives->count[i];
    }
    return 0;
}
