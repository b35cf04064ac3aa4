/*
 * Whether a stream of values rises or falls from its beginning to its end: the values in order, as means of equal
 * numbers of them, in bounded memory. Exact up to DRIFT_BINS values.
 */
#ifndef ANALYSIS_DRIFT_H
#define ANALYSIS_DRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DRIFT_BINS 192u

struct drift_bin {
    double sum;
    uint64_t count;
};

struct drift {
    struct drift_bin *bins;
    uint32_t count, capacity;
    uint64_t width; /* values a bin; 0: none yet */
};

/* 0 or -ENOMEM (the value is then not counted). */
int drift_add(struct drift *drift, double value);
/* Means of the bins of the first or the last third; how many. 0 where there are fewer than three values. */
size_t drift_third(const struct drift *drift, bool last, double means[DRIFT_BINS / 3]);
void drift_release(struct drift *drift);

#endif
