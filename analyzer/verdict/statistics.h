/*
 * The few statistics that verdicts rest on. Pure functions of their arguments; robust ones, because rounds are few and
 * seldom normal.
 */
#ifndef VERDICT_STATISTICS_H
#define VERDICT_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

/* Series longer than this are thinned evenly before pairs are formed. */
#define STATISTICS_MOST_POINTS 400

struct trend {
    double s;        /* Kendall's S */
    double variance; /* of S, corrected for ties and autocorrelation */
    double z;        /* with continuity correction */
    double p;        /* two-sided; 1 where n < 3 */
};

/*
 * Mann-Kendall test; variance corrected for ties (Kendall 1975) and for autocorrelation of the detrended ranks (Hamed &
 * Rao 1998).
 */
struct trend statistics_mann_kendall(const double *values, size_t count);

struct slope { /* NAN where there are fewer than two distinct x */
    double value, low, high;
};

/*
 * Median of all pairwise slopes with Sen's 95 % interval (Sen 1968), its variance corrected as above. x must not fall.
 */
struct slope statistics_theil_sen(const double *x, const double *y, size_t count);

/*
 * Chance that neighbours in a series of independent values are as alike as these: the rank version of von Neumann's
 * ratio (Bartels 1982), ties with their mean rank. 1 where all are equal or count < 3. Quadratic in count.
 */
double statistics_neighbours_alike(const double *values, size_t count);

/* P(X <= z) of the standard normal distribution. */
double statistics_normal_at_most(double z);

double statistics_median(double *values, size_t count); /* reorders; NAN for none */

#endif
