/*
 * Trend, slope and tail probabilities. Called by the classifier and by the diagnosis of a process, from any context;
 * allocates only scratch memory on the stack or the heap and returns NAN when that fails.
 *
 * Sources: Mann 1945, Kendall 1975 (ties), Hamed & Rao 1998 (autocorrelation), Theil 1950, Sen 1968 (interval);
 * incomplete beta by Lentz's continued fraction (Abramowitz & Stegun 26.5.8).
 */
#include "statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define Z_95 1.959963984540054

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void swap(double *a, double *b) {
    double kept = *a;
    *a = *b;
    *b = kept;
}

/* The value that would be at `at` if they were sorted (Hoare 1961, FIND); reorders them. */
static double select_at(double *values, size_t count, size_t at) {
    ptrdiff_t low = 0, high = (ptrdiff_t)count - 1, wanted = (ptrdiff_t)at;
    while (low < high) {
        double pivot = values[wanted];
        ptrdiff_t i = low, j = high;
        do {
            while (values[i] < pivot) i++;
            while (pivot < values[j]) j--;
            if (i <= j) swap(&values[i++], &values[j--]);
        } while (i <= j);
        if (j < wanted) low = i;
        if (wanted < i) high = j;
    }
    return values[wanted];
}

static double middle(double *values, size_t count) {
    double above = select_at(values, count, count / 2);
    return count % 2 ? above : (select_at(values, count, count / 2 - 1) + above) / 2;
}

/* From 0; twice, so that ties have whole numbers. */
static double double_rank(const double *values, size_t count, double value) {
    size_t below = 0, equal = 0;
    for (size_t i = 0; i < count; i++) {
        below += values[i] < value;
        equal += values[i] == value;
    }
    return (double)(2 * below + equal) - 1;
}

double statistics_neighbours_alike(const double *values, size_t count) {
    double mean = (double)count - 1, all = 0, steps = 0, last = 0, n = (double)count;
    if (count < 3) return 1;
    for (size_t i = 0; i < count; i++) {
        double rank = double_rank(values, count, values[i]);
        all += (rank - mean) * (rank - mean);
        if (i) steps += (rank - last) * (rank - last);
        last = rank;
    }
    double variance = 4 * (n - 2) * (5 * n * n - 2 * n - 9) / (5 * n * (n + 1) * (n - 1) * (n - 1));
    return all > 0 ? statistics_normal_at_most((steps / all - 2) / sqrt(variance)) : 1;
}

double statistics_median(double *values, size_t count) { return count ? middle(values, count) : NAN; }

double statistics_normal_at_most(double z) { return 0.5 * erfc(-z / M_SQRT2); }

/* Mean ranks, from 1. `order` and `ranks` hold count each. */
static void rank(const double *values, double *order, double *ranks, size_t count) {
    memcpy(order, values, count * sizeof *order);
    qsort(order, count, sizeof *order, by_value);
    for (size_t i = 0; i < count; i++) {
        size_t below = 0, equal = 0;
        for (size_t j = 0; j < count; j++) {
            below += order[j] < values[i];
            equal += order[j] == values[i];
        }
        ranks[i] = (double)below + ((double)equal + 1) / 2;
    }
}

static double tie_term(const double *sorted, size_t count) {
    double sum = 0;
    for (size_t i = 0, run; i < count; i += run) {
        for (run = 1; i + run < count && sorted[i + run] == sorted[i];) run++;
        double t = (double)run;
        sum += t * (t - 1) * (2 * t + 5);
    }
    return sum;
}

/* Hamed & Rao's n/n*: sums the autocorrelations of the ranks that differ from 0 at the 95 % level. */
static double autocorrelation_factor(const double *ranks, size_t count) {
    double n = (double)count, mean = (n + 1) / 2, zero = 0, sum = 0;
    for (size_t i = 0; i < count; i++) zero += (ranks[i] - mean) * (ranks[i] - mean);
    if (zero <= 0) return 1;
    for (size_t lag = 1; lag < count; lag++) {
        double at = 0;
        for (size_t i = 0; i + lag < count; i++) at += (ranks[i] - mean) * (ranks[i + lag] - mean);
        at /= zero;
        double l = (double)lag;
        if (fabs(at) > Z_95 / sqrt(n)) sum += (n - l) * (n - l - 1) * (n - l - 2) * at;
    }
    double factor = 1 + 2 / (n * (n - 1) * (n - 2)) * sum;
    return factor > 0 ? factor : 1;
}

/* Variance of S for `values`, whose trend is slope per point. scratch: 3 * count. */
static double variance_of_s(const double *values, double slope, size_t count, double *scratch) {
    double *detrended = scratch, *order = scratch + count, *ranks = scratch + 2 * count;
    double n = (double)count;
    for (size_t i = 0; i < count; i++) detrended[i] = values[i] - slope * (double)i;
    rank(detrended, order, ranks, count);
    double factor = autocorrelation_factor(ranks, count);
    memcpy(order, values, count * sizeof *order);
    qsort(order, count, sizeof *order, by_value);
    return (n * (n - 1) * (2 * n + 5) - tie_term(order, count)) / 18 * factor;
}

static double kendall_s(const double *values, size_t count) {
    double s = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) s += (values[j] > values[i]) - (values[j] < values[i]);
    return s;
}

/* Every pairwise slope; returns how many. */
static size_t pairwise_slopes(const double *x, const double *y, size_t count, double *slopes) {
    size_t pairs = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            if (x[j] > x[i]) slopes[pairs++] = (y[j] - y[i]) / (x[j] - x[i]);
        }
    }
    return pairs;
}

/* Evenly chosen points; returns how many. */
static size_t thin(const double *from, size_t count, double *to) {
    size_t kept = count < STATISTICS_MOST_POINTS ? count : STATISTICS_MOST_POINTS;
    for (size_t i = 0; i < kept; i++) to[i] = from[kept < 2 ? 0 : i * (count - 1) / (kept - 1)];
    return kept;
}

struct trend statistics_mann_kendall(const double *values, size_t count) {
    struct trend trend = {0, 0, 0, 1};
    double points[STATISTICS_MOST_POINTS], index[STATISTICS_MOST_POINTS], scratch[3 * STATISTICS_MOST_POINTS];
    size_t n = thin(values, count, points);
    if (n < 3) return trend;
    for (size_t i = 0; i < n; i++) index[i] = (double)i;
    double *slopes = malloc(n * (n - 1) / 2 * sizeof *slopes);
    if (!slopes) return trend;
    double slope = middle(slopes, pairwise_slopes(index, points, n, slopes));
    free(slopes);
    trend.s = kendall_s(points, n);
    trend.variance = variance_of_s(points, slope, n, scratch);
    if (trend.s == 0 || trend.variance <= 0) return trend;
    trend.z = (trend.s - (trend.s > 0 ? 1 : -1)) / sqrt(trend.variance);
    trend.p = erfc(fabs(trend.z) / M_SQRT2);
    return trend;
}

static size_t clamp_index(double at, size_t count) {
    if (at < 0) return 0;
    return at >= (double)count ? count - 1 : (size_t)at;
}

/* Sen's interval: the slopes at ranks (pairs -+ C) / 2, where C is the half width of the interval of S. */
static struct slope sen_interval(double *slopes, size_t pairs, double variance) {
    double c = Z_95 * sqrt(variance > 0 ? variance : 0);
    double below = floor(((double)pairs - c) / 2), above = ceil(((double)pairs + c) / 2);
    double low = select_at(slopes, pairs, clamp_index(below - 1, pairs));
    double high = select_at(slopes, pairs, clamp_index(above, pairs));
    return (struct slope){middle(slopes, pairs), low, high};
}

struct slope statistics_theil_sen(const double *x, const double *y, size_t count) {
    struct slope absent = {NAN, NAN, NAN};
    double xs[STATISTICS_MOST_POINTS], ys[STATISTICS_MOST_POINTS], scratch[3 * STATISTICS_MOST_POINTS];
    size_t n = thin(x, count, xs);
    thin(y, count, ys);
    if (n < 2) return absent;
    double *slopes = malloc(n * (n - 1) / 2 * sizeof *slopes);
    if (!slopes) return absent;
    size_t pairs = pairwise_slopes(xs, ys, n, slopes);
    struct slope result = absent;
    if (pairs > 0) {
        double per_point = middle(slopes, pairs) * (xs[n - 1] - xs[0]) / (double)(n - 1);
        result = sen_interval(slopes, pairs, n < 3 ? 0 : variance_of_s(ys, per_point, n, scratch));
    }
    free(slopes);
    return result;
}
