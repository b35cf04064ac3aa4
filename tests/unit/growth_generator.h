/*
 * Synthetic sites with known truth: clean ones that fool naive leak detectors, and leaks of every kind. They feed the
 * classifier without a trace, so that its error rates can be measured over many thousands of sites.
 */
#ifndef GROWTH_GENERATOR_H
#define GROWTH_GENERATOR_H

#include "analysis/growth_evidence.h"
#include "analysis/growth_lives.h"

struct generator { /* splitmix64 */
    uint64_t state;
};

struct synthetic {
    struct growth_round rounds[GROWTH_MOST_ROUNDS];
    uint64_t level[GROWTH_MOST_ROUNDS];
    struct growth_step steps[64];
    struct growth_lives lives;
    struct growth_evidence evidence;
};

struct pattern {
    const char *name;
    bool leak;        /* truth */
    bool every_round; /* adds the same in every round: must be found from 6 rounds on */
    double weight;    /* share among the patterns of its kind */
    void (*make)(struct synthetic *site, struct generator *generator);
};
extern const struct pattern patterns[];
extern const size_t pattern_count;

/* A site of this pattern with random parameters over `rounds` rounds. */
void generate(struct synthetic *site, const struct pattern *pattern, size_t rounds, struct generator *generator);
/* A pattern of this truth by weight. */
const struct pattern *pick_pattern(bool leak, struct generator *generator);

#endif
