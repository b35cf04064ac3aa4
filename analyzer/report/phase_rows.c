/*
 * The phases of a report: what analysis/phases found, in the report's terms.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../verdict/statistics.h"
#include "../verdict/verdict.h"
#include "builder.h"

#define DIAGNOSIS_POINTS 12u

static int64_t known(uint64_t value) { return value == PHASE_UNKNOWN ? REPORT_NONE : report_count(value); }

static double drift_of(const struct drift *drift) {
    double first[DRIFT_BINS / 3], last[DRIFT_BINS / 3];
    size_t count = drift_third(drift, false, first);
    drift_third(drift, true, last);
    double before = statistics_median(first, count), after = statistics_median(last, count);
    return before > 0 ? after / before - 1 : NAN;
}

static struct report_spread make_spread(const struct spread *spread) {
    if (!spread->count) return (struct report_spread){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    return (struct report_spread){
        .mean = spread->mean,
        .min = (double)spread->min,
        .p50 = spread_at(spread, 0.5),
        .p95 = spread_at(spread, 0.95),
        .p99 = spread_at(spread, 0.99),
        .max = (double)spread->histogram.max,
        .stddev = spread_deviation(spread),
        .drift = drift_of(&spread->drift),
    };
}

static double per_second(uint64_t count, uint64_t ns) { return ns ? (double)count * 1e9 / (double)ns : NAN; }

static void add_units(struct builder *builder, struct report_phase *row, const struct phase *phase) {
    row->units = arena_take(builder->arena, phase->unit_count, sizeof *row->units);
    row->unit_count = phase->unit_count;
    for (size_t i = 0; i < phase->unit_count; i++) {
        const struct phase_unit *unit = &phase->units[i];
        row->units[i] = (struct report_unit){.name = arena_text(builder->arena, unit->name),
                                             .items = report_count(unit->count),
                                             .items_per_s = per_second(unit->count, phase->duration_ns)};
    }
}

static void add_ops(struct builder *builder, struct report_phase *row, const struct phase *phase) {
    row->ops = arena_take(builder->arena, phase->op_count, sizeof *row->ops);
    row->op_count = phase->op_count;
    for (size_t i = 0; i < phase->op_count; i++) {
        const struct phase_op *op = &phase->ops[i];
        row->ops[i] = (struct report_op){
            .name = arena_text(builder->arena, op->name),
            .count = report_count(op->count),
            .ok = report_count(op->ok),
            .failed = report_count(op->failed),
            .rejected = report_count(op->rejected),
            .peak_in_flight = report_count(op->peak_in_flight),
            .per_s = per_second(op->count, phase->duration_ns),
            .ns = make_spread(&op->ns),
        };
    }
}

static void add_values(struct builder *builder, struct report_phase *row, const struct phase *phase) {
    row->values = arena_take(builder->arena, phase->value_count, sizeof *row->values);
    row->value_count = phase->value_count;
    for (size_t i = 0; i < phase->value_count; i++) {
        const struct phase_value *value = &phase->values[i];
        row->values[i] =
            (struct report_value){arena_text(builder->arena, value->name), value->last, value->min, value->max};
    }
}

static void add_instances(struct builder *builder, struct report_phase *row, const struct phase *phase, int64_t start) {
    row->instances = arena_take(builder->arena, phase->kept_count, sizeof *row->instances);
    row->instance_count = phase->kept_count;
    for (size_t i = 0; i < phase->kept_count; i++) {
        const struct phase_round *round = &phase->kept[i];
        row->instances[i] = (struct report_round){
            .round = report_count(round->number),
            .begin = report_sum(start, report_count(round->begin.ns)),
            .end = report_sum(start, report_count(round->end.ns)),
            .live_begin = report_count(round->begin.live_bytes),
            .live_end = report_count(round->end.live_bytes),
            .rss_begin = known(round->begin.rss),
            .rss_end = known(round->end.rss),
            .items = report_count(round->items),
            .allocations = report_count(round->end.allocations - round->begin.allocations),
        };
    }
}

static bool is_steady(const struct build_options *options, const char *phase) {
    struct phase_facts facts = {.steady = false};
    return options->phase_facts && options->phase_facts(options->phase_context, phase, &facts) && facts.steady;
}

/* The phases as judged, by name. A trace may have a million. */
struct judged_phase {
    struct growth_phase of;
    size_t index;
};
struct judged {
    struct judged_phase *phases;
    size_t count;
};

static int by_name(const void *left, const void *right) {
    const struct judged_phase *a = left, *b = right;
    int order = strcmp(a->of.name, b->of.name);
    return order ? order : (a->index > b->index) - (a->index < b->index);
}

static struct judged judged_phases(struct arena *arena, const struct subject *subject) {
    struct judged judged = {.count = growth_phase_count(subject->growth)};
    judged.phases = arena_take(arena, judged.count, sizeof *judged.phases);
    for (size_t i = 0; i < judged.count; i++)
        judged.phases[i] = (struct judged_phase){growth_phase(subject->growth, i), i};
    qsort(judged.phases, judged.count, sizeof *judged.phases, by_name);
    return judged;
}

static size_t first_named(const struct judged *judged, const char *name) {
    size_t low = 0, high = judged->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(judged->phases[middle].of.name, name) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* A phase counts its rounds in one way; as the parent of siblings it may be judged once more. */
static void set_rounds_kind(struct report_phase *row, const struct build_options *options,
                            const struct judged *judged) {
    row->rounds_kind = growth_kind_name(GROWTH_ROUNDS_PHASES);
    for (size_t i = first_named(judged, row->name); i < judged->count; i++) {
        const struct growth_phase *found = &judged->phases[i].of;
        if (strcmp(found->name, row->name)) break;
        if (!found->siblings) row->rounds_kind = growth_kind_name(found->kind);
        row->judged |= growth_phase_is_judged(found, is_steady(options, row->name));
    }
}

/* From the part of the process's own curve that the phase spans. */
static void diagnose(struct report_phase *row, const struct report_curve *curve, const struct phase *phase,
                     size_t phases) {
    size_t from = 0, until = curve->count;
    while (from < until && curve->points[from].t < report_count(phase->first.ns)) from++;
    while (until > from && curve->points[until - 1].t > report_count(phase->last.ns)) until--;
    if (until - from >= DIAGNOSIS_POINTS) verdict_diagnose(row, curve->points + from, until - from, phases);
}

/* `start`: of its process, from that of the first. */
static struct report_phase make_phase(const struct phase *phase, int64_t start) {
    return (struct report_phase){
        .rounds = report_count(phase->rounds),
        .items = report_count(phase->items),
        .duration_ns = report_count(phase->duration_ns),
        .items_per_s = phase->items ? per_second(phase->items, phase->duration_ns) : NAN,
        .begin = report_sum(start, report_count(phase->first.ns)),
        .approximate = phase->approximate,
        .end = report_sum(start, report_count(phase->last.ns)),
        .peak_in_flight = report_count(phase->peak_in_flight),
        .rss_start = known(phase->first.rss),
        .rss_end = known(phase->last.rss),
        .rss_peak = known(phase->rss_peak),
        .live_start = report_count(phase->first.live_bytes),
        .live_end = report_count(phase->last.live_bytes),
        .live_peak = report_count(phase->live_peak),
        .blocks_start = report_count(phase->first.live_blocks),
        .blocks_end = report_count(phase->last.live_blocks),
        .overhead_bytes = known(phase->overhead_bytes),
        .allocations = report_count(phase->allocations),
        .allocated_bytes = report_count(phase->allocated_bytes),
        .retained_bytes = report_count(phase->retained_bytes),
        .retained_per_round = phase->rounds ? (double)phase->retained_bytes / (double)phase->rounds : NAN,
        .round_ns = make_spread(&phase->round_ns),
        .rss_growth = {NAN, NAN, NAN},
        .live_growth = {NAN, NAN, NAN},
        .limit_bytes = REPORT_NONE,
        .limit_s = NAN,
    };
}

static void add_marks(struct builder *builder, const struct subject *subject, int64_t start) {
    struct report *report = builder->report;
    const struct phase_mark *marks;
    size_t count = phases_marks(subject->phases, &marks);
    for (size_t i = 0; i < count; i++) {
        struct report_mark *row = ARENA_ADD(builder->arena, report->marks, report->mark_count);
        *row = (struct report_mark){.process_index = (int64_t)report->process_count - 1,
                                    .name = arena_text(builder->arena, marks[i].name),
                                    .t = report_sum(start, report_count(marks[i].ns))};
    }
}

void builder_add_phases(struct builder *builder, const struct subject *subject, bool judged) {
    struct report *report = builder->report;
    const int64_t start = builder_start_of(builder, subject);
    add_marks(builder, subject, start);
    const struct judged as_judged = judged ? judged_phases(builder->arena, subject) : (struct judged){.count = 0};
    for (size_t i = 0; i < phases_count(subject->phases); i++) {
        const struct phase *phase = phases_get(subject->phases, i);
        if (!phase->rounds) continue;
        struct report_phase *row = ARENA_ADD(builder->arena, report->phases, report->phase_count);
        *row = make_phase(phase, start);
        row->process_index = (int64_t)report->process_count - 1;
        row->name = arena_text(builder->arena, phase->name);
        if (phase->parent != PHASE_NO_PARENT && phase->parent != 0)
            row->parent = arena_text(builder->arena, phases_get(subject->phases, phase->parent)->name);
        add_units(builder, row, phase);
        add_ops(builder, row, phase);
        add_values(builder, row, phase);
        add_instances(builder, row, phase, start);
        if (!judged) continue;
        set_rounds_kind(row, builder->options, &as_judged);
        diagnose(row, &builder->curves[builder->curve_count - 1], phase, phases_count(subject->phases));
    }
}
