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

struct course { /* of a phase, or of the tests of a suite, which are its rounds */
    const struct report_round *rounds;
    size_t count, all; /* rounds that are kept, and that there were */
};

static bool is_test_of(const struct report_phase *test, const struct report_phase *suite) {
    bool of_it = test->parent && strcmp(test->parent, suite->name) == 0;
    return of_it && test->process_index == suite->process_index && test->rounds == 1;
}

/* As many tests as there is room for, evenly chosen. */
static struct course course_of_tests(const struct report *report, const struct report_phase *suite,
                                     struct report_round *rounds, size_t room) {
    struct course course = {.rounds = rounds};
    for (size_t i = 0; i < report->phase_count; i++) course.all += is_test_of(&report->phases[i], suite);
    for (size_t i = 0, number = 0; i < report->phase_count; i++) {
        const struct report_phase *test = &report->phases[i];
        if (!is_test_of(test, suite) || number++ % (course.all / room + 1) != 0) continue;
        rounds[course.count++] =
            (struct report_round){.round = (int64_t)number, .live_begin = test->live_start, .live_end = test->live_end};
    }
    return course;
}

/* Of the rounds' ends in the second half, in bytes a round. */
static struct slope late_slope(const struct course *course) {
    double x[STATISTICS_MOST_POINTS], y[STATISTICS_MOST_POINTS];
    size_t n = 0, half = course->count / 2, step = (course->count - half) / STATISTICS_MOST_POINTS + 1;
    for (size_t i = half; i < course->count && n < STATISTICS_MOST_POINTS; i += step) {
        x[n] = (double)course->rounds[i].round;
        y[n++] = (double)course->rounds[i].live_end;
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
    if (!phase->judged) return false;
    struct report_round tests[STATISTICS_MOST_POINTS];
    struct course course = {phase->instances, phase->instance_count, (size_t)phase->rounds};
    if (phase->rounds == 1) course = course_of_tests(report, phase, tests, STATISTICS_MOST_POINTS);
    if (course.all < LEAST_ROUNDS || course.count < LEAST_ROUNDS) return false;
    struct slope slope = late_slope(&course);
    const struct report_round *first = &course.rounds[0], *middle = &course.rounds[course.count / 2];
    double late = slope.value * (double)((int64_t)course.all - middle->round);
    double all = (double)(middle->live_end - first->live_begin) + late;
    double least = fmin(NOTABLE_BYTES, fmax(NOTABLE_SHARE * (double)middle->live_end, LEAST_BYTES));
    if (!(slope.low > 0) || late < least || all < least || late < LATE_SHARE * all) return false;
    *rise = all;
    return held_by_unjudged(report, phase) >= MOST * all;
}
