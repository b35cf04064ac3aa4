/*
 * The curve of a report: fewer points than were measured, with the extremes kept; of a tree, the sum over its processes
 * on one axis of time.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "builder.h"

#define POINTS_OF_OTHERS 256u /* of the curve of a process that is one of many */

static int64_t known(uint64_t value) { return value == CURVE_UNKNOWN ? REPORT_NONE : report_count(value); }

/* `sampled`: the interval whose samples it has. */
static struct report_point make_point(const struct curve_point *from, const struct curve_point *sampled, uint64_t t,
                                      uint64_t live, uint64_t rss) {
    return (struct report_point){
        .t = report_count(t),
        .live_bytes = report_count(live),
        .live_blocks = report_count(from->blocks_max),
        .pinned_bytes = report_count(from->pinned_max),
        .rss_bytes = known(rss),
        .pss_bytes = known(sampled->pss_last),
        .vms_bytes = known(sampled->vms_last),
        .cpu = NAN,
        .threads = sampled->threads < 0 ? REPORT_NONE : sampled->threads,
        .fds = sampled->fds < 0 ? REPORT_NONE : sampled->fds,
    };
}

static uint64_t highest_rss(const struct curve_point *points, size_t from, size_t until) {
    uint64_t best = CURVE_UNKNOWN;
    for (size_t i = from; i < until; i++)
        if (points[i].rss_max != CURVE_UNKNOWN && (best == CURVE_UNKNOWN || points[i].rss_max > best))
            best = points[i].rss_max;
    return best;
}

/*
 * Processors in use between two samples that are far enough apart: both the clock of the process and that of the trace
 * are read some time after the other. Until the next one the rate goes on.
 */
#define CPU_SPAN 5000000u /* ns */

struct cpu_rate {
    uint64_t used, at; /* at: CURVE_UNKNOWN before the first sample */
    double rate;
};

static double cpu_rate_at(struct cpu_rate *rate, const struct curve_point *point) {
    if (point->cpu_ns == CURVE_UNKNOWN) return NAN;
    if (rate->at != CURVE_UNKNOWN && point->cpu_at < rate->at + CPU_SPAN) return rate->rate;
    if (rate->at != CURVE_UNKNOWN && point->cpu_ns >= rate->used)
        rate->rate = (double)(point->cpu_ns - rate->used) / (double)(point->cpu_at - rate->at);
    rate->used = point->cpu_ns;
    rate->at = point->cpu_at;
    return rate->rate;
}

struct group {
    size_t from, until;
    uint64_t end_ns; /* of the run */
};

/* Two points for a group of intervals: its highest live bytes (with the highest RSS), and how it ended. */
static void add_group(struct report_curve *out, const struct curve *curve, struct group group, struct cpu_rate *rate) {
    size_t top = group.from;
    for (size_t i = group.from; i < group.until; i++)
        if (curve->points[i].live_max > curve->points[top].live_max) top = i;
    const struct curve_point *highest = &curve->points[top], *last = &curve->points[group.until - 1];
    uint64_t end = group.until * curve->width < group.end_ns ? group.until * curve->width : group.end_ns;
    uint64_t t = highest->ns < end ? highest->ns : end;
    struct report_point *point = &out->points[out->count++];
    const struct curve_point *sampled = highest->rss_last == CURVE_UNKNOWN ? last : highest; /* as its RSS may be */
    *point = make_point(highest, sampled, t, highest->live_max, highest_rss(curve->points, group.from, group.until));
    point->cpu = cpu_rate_at(rate, sampled);
    if (end <= t) return;
    point = &out->points[out->count++];
    *point = make_point(last, last, end, last->live_last, last->rss_last);
    point->cpu = cpu_rate_at(rate, last);
}

static void add_points(struct report_curve *out, const struct curve *curve, size_t points, uint64_t end_ns) {
    struct cpu_rate rate = {.at = CURVE_UNKNOWN, .rate = NAN};
    size_t groups = points > 2 ? points / 2 : 1;
    if (groups > curve->count) groups = curve->count;
    for (size_t i = 0; i < groups; i++) {
        struct group group = {curve->count * i / groups, curve->count * (i + 1) / groups, end_ns};
        add_group(out, curve, group, &rate);
    }
}

static void add_curve(struct builder *builder, struct report_curve *out, const struct subject *subject, size_t points) {
    *out = (struct report_curve){.start = (int64_t)(subject_start(subject) - builder->origin_ns)};
    out->points = arena_take(builder->arena, points + 2, sizeof *out->points);
    add_points(out, subject->curve, points, subject->replay.end.ns);
}

void builder_add_curve(struct builder *builder, const struct subject *subject, bool first) {
    const struct build_options *options = builder->options;
    if (first) builder->origin_ns = subject_start(subject);
    struct report_curve *out = ARENA_ADD(builder->arena, builder->curves, builder->curve_count);
    add_curve(builder, out, subject, first ? options->points : POINTS_OF_OTHERS);
    if (!options->shown_points) return;
    struct report_curve *shown = ARENA_ADD(builder->arena, builder->shown, builder->shown_count), judged = *out;
    if (first) add_curve(builder, shown, subject, options->shown_points);
    else *shown = judged;
}

/* The point that holds at `t` on the process's own axis, NULL before its start and after its end. */
static const struct report_point *point_at(const struct report_curve *curve, int64_t t, size_t *hint) {
    if (!curve->count || t < 0 || t > curve->points[curve->count - 1].t) return NULL;
    while (*hint + 1 < curve->count && curve->points[*hint + 1].t <= t) ++*hint;
    return &curve->points[*hint];
}

static void add_known(int64_t *sum, int64_t value) {
    if (value == REPORT_NONE) return;
    *sum = *sum == REPORT_NONE ? value : report_sum(*sum, value);
}

static void add_point(struct report_point *sum, const struct report_point *point) {
    sum->live_bytes = report_sum(sum->live_bytes, point->live_bytes);
    sum->live_blocks = report_sum(sum->live_blocks, point->live_blocks);
    sum->pinned_bytes = report_sum(sum->pinned_bytes, point->pinned_bytes);
    add_known(&sum->rss_bytes, point->rss_bytes);
    add_known(&sum->pss_bytes, point->pss_bytes);
    add_known(&sum->vms_bytes, point->vms_bytes);
    add_known(&sum->threads, point->threads);
    add_known(&sum->fds, point->fds);
    if (!isnan(point->cpu)) sum->cpu = isnan(sum->cpu) ? point->cpu : sum->cpu + point->cpu;
}

static struct report_point sum_at(const struct report_curve *curves, size_t count, size_t *hints, int64_t t) {
    struct report_point sum = {.t = t,
                               .rss_bytes = REPORT_NONE,
                               .pss_bytes = REPORT_NONE,
                               .vms_bytes = REPORT_NONE,
                               .cpu = NAN,
                               .threads = REPORT_NONE,
                               .fds = REPORT_NONE};
    for (size_t i = 0; i < count; i++) {
        const struct report_point *point = point_at(&curves[i], t - curves[i].start, &hints[i]);
        if (point) add_point(&sum, point);
    }
    return sum;
}

static int64_t end_of(const struct report_curve *curves, size_t count) {
    int64_t end = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t last = curves[i].count ? report_sum(curves[i].start, curves[i].points[curves[i].count - 1].t) : 0;
        if (last > end) end = last;
    }
    return end;
}

static int by_time(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

/* When each process had most live and most resident bytes, in order. Returns how many that are. */
static size_t list_extremes(const struct report_curve *curves, size_t count, int64_t *times) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct report_point *points = curves[i].points;
        size_t live = 0, rss = 0;
        for (size_t k = 0; k < curves[i].count; k++) {
            if (points[k].live_bytes > points[live].live_bytes) live = k;
            if (points[k].rss_bytes > points[rss].rss_bytes) rss = k;
        }
        if (!curves[i].count) continue;
        times[found++] = report_sum(curves[i].start, points[live].t);
        times[found++] = report_sum(curves[i].start, points[rss].t);
    }
    qsort(times, found, sizeof *times, by_time);
    return found;
}

/*
 * Between two points of the sum a process may have had more: the earlier one is what all had then, if that is the most.
 */
static void heed_extremes(struct report_curve *sum, const struct report_curve *curves, size_t count, size_t *hints,
                          int64_t *times) {
    size_t found = list_extremes(curves, count, times), at = 0;
    memset(hints, 0, count * sizeof *hints);
    for (size_t i = 0; i < found; i++) {
        struct report_point then = sum_at(curves, count, hints, times[i]);
        while (at + 1 < sum->count && sum->points[at + 1].t <= times[i]) at++;
        struct report_point *point = &sum->points[at];
        int64_t rss = point->rss_bytes > then.rss_bytes ? point->rss_bytes : then.rss_bytes;
        if (then.live_bytes > point->live_bytes) *point = then;
        point->rss_bytes = rss;
    }
}

/* The curve of all processes; that of a single one as it is. */
static struct report_curve sum_curves(struct builder *builder, const struct report_curve *curves, size_t count,
                                      size_t points) {
    if (count == 1) return curves[0];
    struct report_curve sum = {.points = arena_take(builder->arena, points, sizeof *sum.points), .count = points};
    size_t *hints = arena_take(builder->arena, count, sizeof *hints);
    int64_t end = end_of(curves, count);
    for (size_t i = 0; i < points; i++) {
        int64_t t = i + 1 < points ? (int64_t)((double)end * (double)i / (double)(points - 1)) : end;
        sum.points[i] = sum_at(curves, count, hints, t);
    }
    heed_extremes(&sum, curves, count, hints, arena_take(builder->arena, 2 * count, sizeof(int64_t)));
    return sum;
}

/* What processes had together at one moment is known from the curve alone. */
static void set_peaks(struct report *report) {
    struct report_totals *totals = &report->totals;
    totals->peak_live_bytes = totals->peak_rss_bytes = 0;
    for (size_t i = 0; i < report->point_count; i++) {
        const struct report_point *point = &report->curve[i];
        if (point->live_bytes > totals->peak_live_bytes) {
            totals->peak_live_bytes = point->live_bytes;
            totals->peak_live_t = point->t;
        }
        if (point->rss_bytes > totals->peak_rss_bytes) totals->peak_rss_bytes = point->rss_bytes;
    }
}

void builder_finish_curve(struct builder *builder) {
    struct report *report = builder->report;
    struct report_curve curve = sum_curves(builder, builder->curves, builder->curve_count, builder->options->points);
    report->curve = curve.points;
    report->point_count = curve.count;
    if (builder->curve_count != 1) set_peaks(report);
    if (!builder->shown_count) return;
    curve = sum_curves(builder, builder->shown, builder->shown_count, builder->options->shown_points);
    report->shown_curve = curve.points;
    report->shown_point_count = curve.count;
}
