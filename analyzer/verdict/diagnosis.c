/*
 * What the measured memory of a process or phase did: RSS against live bytes and pinned pages. For measured series,
 * with their ties and autocorrelation, the corrected Mann-Kendall test is the right one; pure.
 */
#include <math.h>

#include "statistics.h"
#include "verdict.h"

#define LEAST_POINTS 10
#define ALL_POINTS_PHASES 64 /* of a process, up to which no point is left out for speed */
#define LEAST_NS 1e8         /* a process starts by touching pages; ten samples at the usual interval */
#define SIGNIFICANT 0.05
#define NOTABLE_SHARE 0.02 /* of the level: smaller changes are steady whatever the test says */
#define NOTABLE_BYTES 1048576.0
#define EXPLAINED_SHARE 0.5 /* of RSS growth, by live bytes */

enum direction { FALLS = -1, FLAT, RISES };

struct course {
    enum direction direction;
    double change; /* bytes, by the slope over the whole time */
    struct report_rate rate;
    bool known;
};

static double live_of(const struct report_point *point) { return (double)point->live_bytes; }
static double rss_of(const struct report_point *point) { return (double)point->rss_bytes; }
static double pinned_of(const struct report_point *point) { return (double)point->pinned_bytes; }

/* Even samples of one quantity, `most` of them, absent points left out. */
static struct course follow(const struct report_point *points, size_t count, size_t most,
                            double (*quantity)(const struct report_point *)) {
    double t[STATISTICS_MOST_POINTS], y[STATISTICS_MOST_POINTS];
    size_t n = 0, step = count / most + 1;
    for (size_t i = 0; i < count && n < most; i += step) {
        double value = quantity(&points[i]);
        if (value < 0) continue; /* REPORT_NONE */
        t[n] = (double)points[i].t;
        y[n++] = value;
    }
    struct course course = {FLAT, 0, {NAN, NAN, NAN}, n >= LEAST_POINTS && t[n - 1] - t[0] >= LEAST_NS};
    if (!course.known) return course;
    struct trend trend = statistics_mann_kendall(y, n);
    struct slope slope = statistics_theil_sen(t, y, n);
    course.rate = (struct report_rate){slope.value * 1e9, slope.low * 1e9, slope.high * 1e9};
    course.change = slope.value * (t[n - 1] - t[0]);
    double notable = fmax(NOTABLE_BYTES, NOTABLE_SHARE * statistics_median(y, n));
    if (trend.p < SIGNIFICANT && fabs(course.change) >= notable) course.direction = course.change > 0 ? RISES : FALLS;
    return course;
}

static const char *name_of(const struct course *rss, const struct course *live, const struct course *pinned) {
    if (live->direction == FALLS && rss->direction == FLAT) return "retention";
    if (rss->direction != RISES) return "steady";
    if (live->direction == RISES && live->change >= EXPLAINED_SHARE * rss->change) return "growing";
    if (pinned->direction == RISES && pinned->change >= EXPLAINED_SHARE * rss->change) return "fragmentation";
    return "unexplained";
}

/* The tests compare all pairs: with many phases, which may all span the whole run, fewer points of each. */
static size_t most_points(size_t phases) {
    double share = phases > ALL_POINTS_PHASES ? sqrt((double)ALL_POINTS_PHASES / (double)phases) : 1;
    return (size_t)fmax(share * STATISTICS_MOST_POINTS, LEAST_POINTS);
}

void verdict_diagnose(struct report_phase *phase, const struct report_point *points, size_t count, size_t phases) {
    size_t most = most_points(phases);
    struct course rss = follow(points, count, most, rss_of), live = follow(points, count, most, live_of);
    struct course pinned = follow(points, count, most, pinned_of);
    if (!rss.known) return;
    phase->diagnosis = name_of(&rss, &live, &pinned);
    phase->rss_growth = rss.rate;
    phase->live_growth = live.rate;
}
