/*
 * The level of a phase against what its unjudged sites held (unjudged.h).
 */
#include "unjudged.h"

#include <math.h>
#include <string.h>

#include "statistics.h"

#define LEAST_ROUNDS 8
#define NOTABLE_BYTES 1048576.0
#define NOTABLE_SHARE 0.05  /* of the level in the middle, where that is less, */
#define LEAST_BYTES 16384.0 /* and no less than this */
#define LATE_SHARE 0.25     /* of the rise, that fell into the second half of the rounds */
#define MOST 0.5            /* of the rise, by sites that were not judged */

/* Of the rounds' ends in the second half, in bytes a round. */
static struct slope late_slope(const struct report_phase *phase) {
    double x[STATISTICS_MOST_POINTS], y[STATISTICS_MOST_POINTS];
    size_t n = 0, half = phase->instance_count / 2, step = (phase->instance_count - half) / STATISTICS_MOST_POINTS + 1;
    for (size_t i = half; i < phase->instance_count && n < STATISTICS_MOST_POINTS; i += step) {
        x[n] = (double)phase->instances[i].round;
        y[n++] = (double)phase->instances[i].live_end;
    }
    return statistics_theil_sen(x, y, n);
}

static double held_by_unjudged(const struct report *report, const struct report_phase *phase) {
    double bytes = 0;
    for (size_t i = 0; i < report->site_count; i++) {
        const struct report_site *site = &report->sites[i];
        for (size_t j = 0; j < site->growth_count && site->process_index == phase->process_index; j++) {
            const struct report_growth *growth = &site->growth[j];
            if (strcmp(growth->phase, phase->name) == 0 && strcmp(growth->class_slug, "not-judged") == 0)
                bytes += (double)site->peak_bytes;
        }
    }
    return bytes;
}

bool unjudged_growth(const struct report *report, const struct report_phase *phase, double *rise) {
    if (!phase->judged || phase->rounds < LEAST_ROUNDS || phase->instance_count < LEAST_ROUNDS) return false;
    struct slope slope = late_slope(phase);
    const struct report_round *first = &phase->instances[0], *middle = &phase->instances[phase->instance_count / 2];
    double late = slope.value * (double)(phase->rounds - middle->round);
    double all = (double)(middle->live_end - first->live_begin) + late;
    double least = fmin(NOTABLE_BYTES, fmax(NOTABLE_SHARE * (double)middle->live_end, LEAST_BYTES));
    if (!(slope.low > 0) || late < least || all < least || late < LATE_SHARE * all) return false;
    *rise = all;
    return held_by_unjudged(report, phase) >= MOST * all;
}
