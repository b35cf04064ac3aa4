/* What measures the work of a round. See growth_work.h. */
#include "growth_work.h"

#include <math.h>
#include <stdlib.h>

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static int by_size(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The middle one of those that are not 0; 0: all are. */
static uint64_t usual_of(uint64_t *values, size_t count) {
    size_t zeros = 0;
    qsort(values, count, sizeof *values, by_size);
    while (zeros < count && values[zeros] == 0) zeros++;
    return zeros < count ? values[zeros + (count - zeros) / 2] : 0;
}

struct usual_round growth_work_usual(const struct series *series) {
    uint64_t lasted[GROWTH_MOST_ROUNDS] = {0}, fresh[GROWTH_MOST_ROUNDS] = {0};
    size_t count = least(series_complete(series), least(series->work_count, GROWTH_MOST_ROUNDS)), told = 0;
    for (size_t i = 0; i < count; i++) {
        lasted[i] = series->work[i].ns;
        fresh[i] = series->work[i].fresh;
        told += lasted[i] >= GROWTH_LEAST_ROUND_NS;
    }
    uint64_t half = usual_of(lasted, count) / 2;
    return (struct usual_round){.least_ns = half > GROWTH_LEAST_ROUND_NS ? half : GROWTH_LEAST_ROUND_NS,
                                .work_of_two = (usual_of(fresh, count) * 3 + 1) / 2,
                                .told = told};
}

/* Items where nearly all rounds report some, else operations, else most in flight, else allocation events. */
static double work_in(const struct series *series, size_t round, int unit) {
    if (round >= series->work_count) return 0;
    const struct round_work *work = &series->work[round];
    const double values[] = {(double)work->items, (double)work->operations, work->in_flight, (double)work->fresh};
    return values[unit];
}

enum { WORK_EVENTS = 3 };

static int unit_of(const struct series *series, size_t count) {
    int unit = 0;
    for (; unit < WORK_EVENTS; unit++) {
        size_t with = 0;
        for (size_t i = 0; i < count; i++) with += work_in(series, i, unit) > 0;
        if (with * 10 >= count * 9) break;
    }
    return unit;
}

/*
 * Whether the round's work may have been counted for another: its lines were read together, or one of them so late that
 * all was done, and a neighbour has the work of two.
 */
static bool is_merged(const struct series *series, const struct usual_round *usual, size_t round) {
    const struct round_work *work = series->work;
    if (round >= series->work_count || work[round].ns < usual->least_ns) return true;
    if (work[round].fresh > 0 || usual->work_of_two == 0) return false;
    bool after = round + 1 < series->work_count && work[round + 1].fresh >= usual->work_of_two;
    return after || (round > 0 && work[round - 1].fresh >= usual->work_of_two);
}

bool growth_work_fill(const struct series *series, const struct usual_round *usual, const uint64_t *survivors,
                      struct growth_round *rounds, size_t count) {
    bool windows = series_has_windows(series);
    int unit = windows ? 0 : unit_of(series, count);
    for (size_t i = 0; i < count; i++) {
        double work = windows ? 1 : work_in(series, i, unit);
        if (unit == WORK_EVENTS) work = fmax(0, work - (double)survivors[i]);
        rounds[i].work = work;
        rounds[i].process = !windows && i < series->work_count ? (double)series->work[i].live_blocks : 0;
        rounds[i].skip = !windows && i < series->work_count && series->work[i].skip;
        rounds[i].merged = !windows && is_merged(series, usual, i);
    }
    return unit == WORK_EVENTS;
}
