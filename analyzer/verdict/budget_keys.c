/*
 * The keys of budget files that measure something: a row each, and the measures. A measure is a pure function of a
 * scope; NAN says that the report does not have what it needs.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../report/count.h"
#include "budget_rules.h"
#include "outcome.h"
#include "statistics.h"

static double known(int64_t value) { return value == REPORT_NONE ? NAN : (double)value; }

/* Of the run. */

/* RSS is the target's own; what the recorder needed beside it is told. */
static double less_recorder(struct scope *s, int64_t rss) {
    int64_t own = 0;
    for (size_t i = 0; i < s->report->process_count; i++)
        if (s->report->processes[i].recorder_rss_bytes > 0)
            own = report_sum(own, s->report->processes[i].recorder_rss_bytes);
    if (own > 0)
        s->note =
            arena_format(s->arena, "and %s of the recorder, not counted", limit_show((double)own, LIMIT_BYTES).text);
    return known(rss);
}

static double run_max_rss(struct scope *s) { return less_recorder(s, s->report->totals.peak_rss_bytes); }
static double run_max_live(struct scope *s) { return known(s->report->totals.peak_live_bytes); }
static double run_duration(struct scope *s) {
    return s->report->process_count ? known(s->report->processes[0].duration_ns) : NAN;
}
static double run_lost(struct scope *s) { return known(s->report->trace.lost_events); }
static double run_unreleased(struct scope *s) { return known(s->report->totals.live_bytes_end); }
static double run_failed(struct scope *s) { return known(s->report->totals.failed_allocations); }

static int64_t vms_of(const struct report_point *point) { return point->vms_bytes; }
static int64_t threads_of(const struct report_point *point) { return point->threads; }
static int64_t fds_of(const struct report_point *point) { return point->fds; }
static int64_t rss_of(const struct report_point *point) { return point->rss_bytes; }
static int64_t live_of(const struct report_point *point) { return point->live_bytes; }

typedef int64_t (*quantity)(const struct report_point *);

static double highest(const struct report *report, quantity of) {
    double most = NAN;
    for (size_t i = 0; i < report->point_count; i++) most = fmax(most, known(of(&report->curve[i])));
    return most;
}

static double run_max_vms(struct scope *s) { return highest(s->report, vms_of); }
static double run_max_threads(struct scope *s) { return highest(s->report, threads_of); }
static double run_max_fds(struct scope *s) { return highest(s->report, fds_of); }

/* A stretch of the curve. */
struct stretch {
    int64_t from, to; /* ns */
};
static const struct stretch whole_run = {INT64_MIN, INT64_MAX};

static bool inside(const struct report_point *point, struct stretch stretch, quantity of) {
    return point->t >= stretch.from && point->t <= stretch.to && of(point) != REPORT_NONE;
}

static double first_of(const struct report *report, struct stretch stretch, quantity of) {
    for (size_t i = 0; i < report->point_count; i++)
        if (inside(&report->curve[i], stretch, of)) return (double)of(&report->curve[i]);
    return NAN;
}

static double last_of(const struct report *report, struct stretch stretch, quantity of) {
    for (size_t i = report->point_count; i-- > 0;)
        if (inside(&report->curve[i], stretch, of)) return (double)of(&report->curve[i]);
    return NAN;
}

static double run_rss_growth(struct scope *s) {
    return last_of(s->report, whole_run, rss_of) - first_of(s->report, whole_run, rss_of);
}

struct samples {
    double t[STATISTICS_MOST_POINTS], y[STATISTICS_MOST_POINTS];
    size_t count;
};

static struct samples sample(const struct report *report, struct stretch stretch, quantity of) {
    struct samples samples = {.count = 0};
    size_t step = report->point_count / STATISTICS_MOST_POINTS + 1;
    for (size_t i = 0; i < report->point_count && samples.count < STATISTICS_MOST_POINTS; i += step) {
        if (!inside(&report->curve[i], stretch, of)) continue;
        samples.t[samples.count] = (double)report->curve[i].t / 1e9;
        samples.y[samples.count++] = (double)of(&report->curve[i]);
    }
    return samples;
}

static double run_rss_rate(struct scope *s) {
    struct samples samples = sample(s->report, whole_run, rss_of);
    return statistics_theil_sen(samples.t, samples.y, samples.count).value;
}

/* Share of all processors, over the run of CMD. */
static double run_cpu(struct scope *s) {
    double used = NAN, cpus = (double)s->report->system.cpus, time = run_duration(s);
    for (size_t i = 0; i < s->report->process_count; i++) {
        double own = known(s->report->processes[i].cpu_ns);
        if (!isnan(own)) used = isnan(used) ? own : used + own;
    }
    return time > 0 && cpus > 0 ? used / time / cpus : NAN;
}

/*
 * The classic check: the growth in per cent, counted only where the trend rises and memory never fell back by 5 %; else
 * 0.
 */
static double classic_leak(const struct report *report, struct stretch stretch, struct scope *s) {
    struct samples samples = sample(report, stretch, rss_of);
    if (samples.count < 3 || samples.y[0] <= 0) return NAN;
    double growth = (samples.y[samples.count - 1] - samples.y[0]) / samples.y[0], most = 0;
    for (size_t i = 0; i < samples.count; i++) {
        if (samples.y[i] < 0.95 * most) {
            s->note = "memory fell back by 5 %";
            return 0;
        }
        most = fmax(most, samples.y[i]);
    }
    struct trend trend = statistics_mann_kendall(samples.y, samples.count);
    if (trend.z > 0 && trend.p < 0.05) return fmax(0, growth);
    s->note = "no rising trend";
    return 0;
}
static double run_classic(struct scope *s) { return classic_leak(s->report, whole_run, s); }

static double success_of(const struct report_phase *phase, double *ok, double *all) {
    for (size_t i = 0; i < phase->op_count; i++) { /* what was rejected neither succeeded nor failed */
        *ok += (double)phase->ops[i].ok;
        *all += (double)phase->ops[i].ok + (double)phase->ops[i].failed;
    }
    return *all > 0 ? *ok / *all : NAN;
}

/* All work of a process is counted in its phase `run`, too. */
static bool is_whole_run(const struct report_phase *phase) { return strcmp(phase->name, "run") == 0; }

static double run_success(struct scope *s) {
    double ok = 0, all = 0;
    for (size_t i = 0; i < s->report->phase_count; i++)
        if (is_whole_run(&s->report->phases[i])) success_of(&s->report->phases[i], &ok, &all);
    return all > 0 ? ok / all : NAN;
}

static double run_concurrent(struct scope *s) {
    double most = NAN;
    for (size_t i = 0; i < s->report->phase_count; i++)
        if (is_whole_run(&s->report->phases[i])) most = fmax(most, known(s->report->phases[i].peak_in_flight));
    return most;
}

static double run_exit(struct scope *s) {
    if (!s->report->process_count) return NAN;
    const struct report_process *process = report_last_program(s->report, &s->report->processes[0]);
    const char *kind = strncmp(s->rule->text, "signal:", 7) == 0 ? "signal" : "code";
    if (!process->exit_kind || strcmp(process->exit_kind, "unknown") == 0) return NAN;
    s->note = arena_format(s->arena, "%s:%lld", process->exit_kind, (long long)process->exit_code);
    return strcmp(process->exit_kind, kind) == 0 && (double)process->exit_code == s->rule->limit;
}

/* Of a phase. */

static double difference(int64_t from, int64_t to) { return known(to) - known(from); }
/* Nothing more than nothing is no growth; anything more is infinitely much. */
static double relative(double change, double from) { return change == 0 ? 0 : change / from; }

static double phase_max_rss(struct scope *s) { return less_recorder(s, s->phase->rss_peak); }
static double phase_max_live(struct scope *s) { return known(s->phase->live_peak); }
static double phase_overhead(struct scope *s) { return difference(s->phase->rss_start, s->phase->rss_peak); }
static double phase_overhead_live(struct scope *s) { return difference(s->phase->live_start, s->phase->live_peak); }
static double phase_growth(struct scope *s) { return difference(s->phase->rss_start, s->phase->rss_end); }
static double phase_growth_live(struct scope *s) { return difference(s->phase->live_start, s->phase->live_end); }
static double phase_growth_share(struct scope *s) { return relative(phase_growth(s), known(s->phase->rss_start)); }
static double phase_growth_share_live(struct scope *s) {
    return relative(phase_growth_live(s), known(s->phase->live_start));
}
static double phase_duration(struct scope *s) { return known(s->phase->duration_ns); }
static double phase_rounds(struct scope *s) { return known(s->phase->rounds); }
static double phase_item_rate(struct scope *s) { return s->phase->items_per_s; }

/* Slope over the ends of the rounds after the first, which may warm up. */
static double per_round(const struct report_phase *phase, bool live) {
    double round[STATISTICS_MOST_POINTS], bytes[STATISTICS_MOST_POINTS];
    size_t count = 0, step = phase->instance_count / STATISTICS_MOST_POINTS + 1;
    for (size_t i = phase->instance_count > 3; i < phase->instance_count && count < STATISTICS_MOST_POINTS; i += step) {
        int64_t end = live ? phase->instances[i].live_end : phase->instances[i].rss_end;
        if (end == REPORT_NONE) continue;
        round[count] = (double)phase->instances[i].round;
        bytes[count++] = (double)end;
    }
    return statistics_theil_sen(round, bytes, count).value;
}
static double phase_round_growth(struct scope *s) { return per_round(s->phase, false); }
static double phase_round_growth_live(struct scope *s) { return per_round(s->phase, true); }

static double operations_of(const struct report_phase *phase) {
    double count = 0;
    for (size_t i = 0; i < phase->op_count; i++) count += (double)phase->ops[i].count;
    return count;
}

static double ratio(double part, double whole) { return whole > 0 ? part / whole : NAN; }

static double phase_bytes_per_item(struct scope *s) {
    return ratio(known(s->phase->retained_bytes), known(s->phase->items));
}
static double phase_bytes_per_operation(struct scope *s) {
    return ratio(known(s->phase->retained_bytes), operations_of(s->phase));
}
static double phase_allocations_per_item(struct scope *s) {
    return ratio(known(s->phase->allocations), known(s->phase->items));
}
static double phase_operation_rate(struct scope *s) {
    return ratio(operations_of(s->phase) * 1e9, known(s->phase->duration_ns));
}

static double phase_success(struct scope *s) {
    double ok = 0, all = 0;
    return success_of(s->phase, &ok, &all);
}

/* Times of the operation that is worst in this respect; of the rounds where there are no operations. */
static double worst_time(const struct report_phase *phase, double (*of)(const struct report_spread *)) {
    double most = NAN;
    for (size_t i = 0; i < phase->op_count; i++) most = fmax(most, of(&phase->ops[i].ns));
    return phase->op_count ? most : of(&phase->round_ns);
}
static double mean_of(const struct report_spread *spread) { return spread->mean; }
static double p50_of(const struct report_spread *spread) { return spread->p50; }
static double p95_of(const struct report_spread *spread) { return spread->p95; }
static double p99_of(const struct report_spread *spread) { return spread->p99; }
static double longest_of(const struct report_spread *spread) { return spread->max; }
static double phase_mean(struct scope *s) { return worst_time(s->phase, mean_of); }
static double phase_p50(struct scope *s) { return worst_time(s->phase, p50_of); }
static double phase_p95(struct scope *s) { return worst_time(s->phase, p95_of); }
static double phase_p99(struct scope *s) { return worst_time(s->phase, p99_of); }
static double phase_longest(struct scope *s) { return worst_time(s->phase, longest_of); }

static double drift_of(const struct report_spread *spread) { return spread->drift; }
static double phase_drift(struct scope *s) { return worst_time(s->phase, drift_of); }

static struct stretch stretch_of(const struct report_phase *phase) {
    return (struct stretch){phase->begin, phase->end};
}
static double phase_classic(struct scope *s) { return classic_leak(s->report, stretch_of(s->phase), s); }

/*
 * Whether memory was back near the level before the phase within the time given; at its own end first, which is
 * read at the mark itself, while the curve's next point may already hold what came after.
 */
static double recovered(struct scope *s, quantity of, int64_t before, int64_t after) {
    struct stretch phase = stretch_of(s->phase);
    double level = known(before), until = (double)phase.to + s->rule->within;
    double best = relative(known(after) - level, level), took = 0;
    for (size_t i = 0; i < s->report->point_count && !(best <= s->rule->limit); i++) {
        const struct report_point *point = &s->report->curve[i];
        if (point->t < phase.to || (double)point->t > until || of(point) == REPORT_NONE) continue;
        best = fmin(best, relative((double)of(point) - level, level));
        took = (double)(point->t - phase.to);
    }
    if (isnan(best)) return NAN;
    bool back = best <= s->rule->limit;
    struct quantity_text share = limit_show(best, LIMIT_SHARE), time = limit_show(took, LIMIT_TIME);
    if (!back) s->note = arena_format(s->arena, "%s at best", share.text);
    else if (took > 0) s->note = arena_format(s->arena, "%s after %s", share.text, time.text);
    else s->note = arena_format(s->arena, "%s at its end", share.text);
    return back;
}
static double phase_recovers(struct scope *s) { return recovered(s, rss_of, s->phase->rss_start, s->phase->rss_end); }
static double phase_recovers_live(struct scope *s) {
    return recovered(s, live_of, s->phase->live_start, s->phase->live_end);
}

static double phase_value(struct scope *s) {
    for (size_t i = 0; i < s->phase->value_count; i++)
        if (strcmp(s->phase->values[i].name, s->rule->name) == 0) return s->phase->values[i].last;
    return NAN;
}
static double run_value(struct scope *s) {
    double last = NAN;
    for (size_t i = 0; i < s->report->phase_count; i++) {
        struct scope phase = {.phase = &s->report->phases[i], .rule = s->rule};
        double value = phase_value(&phase);
        if (isfinite(value)) last = value;
    }
    return last;
}

/* Of a site. */

static double site_live(struct scope *s) { return known(s->site->live_bytes_end); }
static double site_growth(struct scope *s) {
    double most = 0;
    for (size_t i = 0; i < s->site->growth_count; i++) {
        const struct report_growth *growth = &s->site->growth[i];
        if (outcome_of_slug(growth->class_slug) >= GROWTH_WARN) most = fmax(most, growth->bytes_per_round);
    }
    return most;
}

const struct rule_row rule_rows[] = {
    {SECTION_RUN, "max-rss", LIMIT_BYTES, AT_MOST, run_max_rss},
    {SECTION_RUN, "max-live", LIMIT_BYTES, AT_MOST, run_max_live},
    {SECTION_RUN, "max-vms", LIMIT_BYTES, AT_MOST, run_max_vms},
    {SECTION_RUN, "max-duration", LIMIT_TIME, AT_MOST, run_duration},
    {SECTION_RUN, "max-rss-growth", LIMIT_BYTES, AT_MOST, run_rss_growth},
    {SECTION_RUN, "max-rss-growth-rate", LIMIT_BYTES_PER_SECOND, AT_MOST, run_rss_rate},
    {SECTION_RUN, "max-cpu", LIMIT_SHARE, AT_MOST, run_cpu},
    {SECTION_RUN, "max-threads", LIMIT_COUNT, AT_MOST, run_max_threads},
    {SECTION_RUN, "max-fds", LIMIT_COUNT, AT_MOST, run_max_fds},
    {SECTION_RUN, "max-concurrent", LIMIT_COUNT, AT_MOST, run_concurrent},
    {SECTION_RUN, "max-lost-events", LIMIT_COUNT, AT_MOST, run_lost},
    {SECTION_RUN, "max-unreleased", LIMIT_BYTES, AT_MOST, run_unreleased},
    {SECTION_RUN, "min-success", LIMIT_SHARE, AT_LEAST, run_success},
    {SECTION_RUN, "max-failed-allocations", LIMIT_COUNT, AT_MOST, run_failed},
    {SECTION_RUN, "classic-leak", LIMIT_SHARE, AT_MOST, run_classic},
    {SECTION_RUN, "expect-exit", LIMIT_COUNT, HOLDS, run_exit},
    {SECTION_RUN, "value", LIMIT_NUMBER, EQUAL, run_value},
    {SECTION_PHASE, "max-rss", LIMIT_BYTES, AT_MOST, phase_max_rss},
    {SECTION_PHASE, "max-live", LIMIT_BYTES, AT_MOST, phase_max_live},
    {SECTION_PHASE, "max-overhead", LIMIT_BYTES, AT_MOST, phase_overhead},
    {SECTION_PHASE, "max-overhead-live", LIMIT_BYTES, AT_MOST, phase_overhead_live},
    {SECTION_PHASE, "max-growth", LIMIT_BYTES, AT_MOST, phase_growth},
    {SECTION_PHASE, "max-growth-live", LIMIT_BYTES, AT_MOST, phase_growth_live},
    {SECTION_PHASE, "max-growth-percent", LIMIT_SHARE, AT_MOST, phase_growth_share},
    {SECTION_PHASE, "max-growth-percent-live", LIMIT_SHARE, AT_MOST, phase_growth_share_live},
    {SECTION_PHASE, "max-growth-per-round", LIMIT_BYTES, AT_MOST, phase_round_growth},
    {SECTION_PHASE, "max-growth-per-round-live", LIMIT_BYTES, AT_MOST, phase_round_growth_live},
    {SECTION_PHASE, "max-bytes-per-item", LIMIT_BYTES, AT_MOST, phase_bytes_per_item},
    {SECTION_PHASE, "max-bytes-per-op", LIMIT_BYTES, AT_MOST, phase_bytes_per_operation},
    {SECTION_PHASE, "max-allocations-per-item", LIMIT_NUMBER, AT_MOST, phase_allocations_per_item},
    {SECTION_PHASE, "max-duration", LIMIT_TIME, AT_MOST, phase_duration},
    {SECTION_PHASE, "min-items-per-s", LIMIT_NUMBER, AT_LEAST, phase_item_rate},
    {SECTION_PHASE, "min-ops-per-s", LIMIT_NUMBER, AT_LEAST, phase_operation_rate},
    {SECTION_PHASE, "max-mean", LIMIT_TIME, AT_MOST, phase_mean},
    {SECTION_PHASE, "max-p50", LIMIT_TIME, AT_MOST, phase_p50},
    {SECTION_PHASE, "max-p95", LIMIT_TIME, AT_MOST, phase_p95},
    {SECTION_PHASE, "max-p99", LIMIT_TIME, AT_MOST, phase_p99},
    {SECTION_PHASE, "max-max", LIMIT_TIME, AT_MOST, phase_longest},
    {SECTION_PHASE, "max-drift", LIMIT_SHARE, AT_MOST, phase_drift},
    {SECTION_PHASE, "min-success", LIMIT_SHARE, AT_LEAST, phase_success},
    {SECTION_PHASE, "min-rounds", LIMIT_COUNT, AT_LEAST, phase_rounds},
    {SECTION_PHASE, "recover-to", LIMIT_SHARE, HOLDS, phase_recovers},
    {SECTION_PHASE, "recover-live-to", LIMIT_SHARE, HOLDS, phase_recovers_live},
    {SECTION_PHASE, "classic-leak", LIMIT_SHARE, AT_MOST, phase_classic},
    {SECTION_PHASE, "value", LIMIT_NUMBER, EQUAL, phase_value},
    {SECTION_COMPARE, "max-slower", LIMIT_SHARE, AT_MOST, NULL},
    {SECTION_COMPARE, "max-bigger", LIMIT_SHARE, AT_MOST, NULL},
    {SECTION_COMPARE, "min-ratio", LIMIT_NUMBER, AT_LEAST, NULL},
    {SECTION_SITE, "max-live", LIMIT_BYTES, AT_MOST, site_live},
    {SECTION_SITE, "max-growth-per-round", LIMIT_BYTES, AT_MOST, site_growth},
};
const size_t rule_row_count = sizeof rule_rows / sizeof *rule_rows;

const struct rule_row *rule_row_of(enum section_kind section, const char *key) {
    for (size_t i = 0; i < rule_row_count; i++)
        if (rule_rows[i].section == section && strcmp(rule_rows[i].key, key) == 0) return &rule_rows[i];
    return NULL;
}
