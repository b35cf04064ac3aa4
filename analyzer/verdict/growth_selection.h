/*
 * The evidence rounds of a growth, and sums over them. Pure; what the rules of growth.c, growth_trend.c and
 * growth_container.c stand on. Rounds count from 0; `index` is that of an evidence round, unless it says otherwise.
 */
#ifndef VERDICT_GROWTH_SELECTION_H
#define VERDICT_GROWTH_SELECTION_H

#include <math.h>

#include "growth.h"

#define RECORD 1.1        /* a round with that much more work than any before it may rightly need more */
#define VERY_FEW_ROUNDS 5 /* evidence rounds, below which the most is asked of them */
#define INTERMITTENT_ROUNDS 12
#define LEAST_ONE 3 /* blocks a round, from where one may be missing */

/* The evidence rounds, and what they added. */
struct selection {
    const struct growth_evidence *evidence;
    uint32_t rounds[GROWTH_MOST_ROUNDS];
    uint32_t
        places[GROWTH_MOST_ROUNDS]; /* of those, among all rounds that did no record work: some are not seen apart */
    uint32_t n, k, warm_up, follow;
    uint32_t begin; /* the first round that counts at all: 0, or the end of a warm-up that is known to be one */
    bool by_rounds; /* all rounds count as equal work */
    struct growth_amount held, kept, exited, never;
};

/* Chooses by the settings; `selection` has its evidence and nothing else. */
void selection_choose(struct selection *selection, const struct growth_settings *settings);
/* Adds a round of the evidence. */
void selection_take(struct selection *selection, uint32_t round);
/* How many of the last rounds only show what becomes of the others, where so many must follow each. */
uint32_t selection_behind(const struct growth_evidence *evidence, uint32_t follow);

const struct growth_round *selection_round(const struct selection *selection, uint32_t index);
double selection_work(const struct selection *selection, uint32_t index); /* > 0 */
/* Evidence rounds from `from` on that added. */
uint32_t selection_added_since(const struct selection *selection, uint32_t from);

struct half {
    double blocks, bytes, work;
};
/* Over [from, to). */
struct half selection_sum(const struct selection *selection, uint32_t from, uint32_t to);

/* How much more the counts scatter than those of independent blocks would, which is 1. */
double selection_scatter(const struct selection *selection);
double selection_dispersion(const struct selection *selection); /* the same, at least 1 */

struct range {
    double low, high;
};

static inline void range_widen(struct range *range, double value) {
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

/* One in so many operations adds now one more, now one less. */
bool range_is_one_but_for_one(const struct range *blocks);

/*
 * As the evidence rounds, but from the very first round on that counts; there, a site's one-time blocks count as one
 * round's most.
 */
struct whole_course {
    struct growth_round rounds[GROWTH_MOST_ROUNDS];
    struct growth_evidence evidence;
    struct selection selection;
};
void whole_course_follow(const struct selection *selection, struct whole_course *out);

#endif
