/*
 * How many rounds freed blocks lived: a histogram of fixed size, exact to 15 rounds and to a quarter octave above.
 */
#ifndef ANALYSIS_GROWTH_LIVES_H
#define ANALYSIS_GROWTH_LIVES_H

#include <stdbool.h>
#include <stdint.h>

#define GROWTH_LIVES_BUCKETS 80u

struct growth_lives {
    uint64_t count[GROWTH_LIVES_BUCKETS];
};

void growth_lives_add(struct growth_lives *lives, uint64_t rounds, uint64_t blocks);
void growth_lives_merge(struct growth_lives *into, const struct growth_lives *from);
/* Blocks that lived so many rounds; where lives share a bucket, its even share. */
double growth_lives_of(const struct growth_lives *lives, uint64_t rounds);
/* After neighbouring rounds were paired: every life is halved, rounded up. */
void growth_lives_halve(struct growth_lives *lives);
/*
 * The reach in rounds. Blocks freed in the round of their birth say nothing about those that outlive it, so it is the
 * longest life; from 100 blocks on that outlived their round, the 99th percentile of those.
 */
double growth_lives_reach(const struct growth_lives *lives);
/* Whether that is a percentile, which some lives exceed. */
bool growth_lives_exceed_reach(const struct growth_lives *lives);

#endif
