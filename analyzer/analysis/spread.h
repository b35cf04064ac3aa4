/*
 * How times spread: mean, deviation, extremes, percentiles and drift of a stream of values, in bounded memory.
 * Mean and deviation by Welford's method; percentiles within 2 %.
 */
#ifndef ANALYSIS_SPREAD_H
#define ANALYSIS_SPREAD_H

#include "drift.h"
#include "histogram.h"

struct spread {
    uint64_t count, min;
    double mean, squares; /* squares: sum of squared distances from the mean */
    struct histogram histogram;
    struct drift drift; /* in the order in which the values came */
};

void spread_begin(struct spread *spread);
void spread_add(struct spread *spread, uint64_t value);
/* The value below which `share` (0..1) of the values lie: within 2 %, and between the least and the largest. */
double spread_at(const struct spread *spread, double share);
double spread_deviation(const struct spread *spread); /* of the sample; 0 below two values */
void spread_release(struct spread *spread);

#endif
