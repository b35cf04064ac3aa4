/*
 * Which tables there are and what their columns come from. A table lies in arrays: of the report, and of the objects
 * found there, up to three deep.
 */
#include "tables.h"

#include <math.h>
#include <string.h>

#define INTEGER(level, type, field)                                                                                    \
    { #field, COLUMN_INTEGER, level, offsetof(struct type, field) }
#define REAL(level, type, field)                                                                                       \
    { #field, COLUMN_REAL, level, offsetof(struct type, field) }
#define TEXT(level, type, field)                                                                                       \
    { #field, COLUMN_TEXT, level, offsetof(struct type, field) }
#define FLAG(level, type, field)                                                                                       \
    { #field, COLUMN_FLAG, level, offsetof(struct type, field) }
#define NAMED(name, kind, level, type, field)                                                                          \
    { name, COLUMN_##kind, level, offsetof(struct type, field) }
#define INDEX(name, level)                                                                                             \
    { name, COLUMN_INDEX, level, 0 }

static const struct column process_columns[] = {
    INTEGER(0, report_process, pid),
    INTEGER(0, report_process, parent),
    TEXT(0, report_process, exe),
    TEXT(0, report_process, started),
    INTEGER(0, report_process, duration_ns),
    INTEGER(0, report_process, cpu_ns),
    TEXT(0, report_process, exit_kind),
    INTEGER(0, report_process, exit_code),
    INTEGER(0, report_process, allocations),
    INTEGER(0, report_process, peak_live_bytes),
    INTEGER(0, report_process, peak_rss_bytes),
    INTEGER(0, report_process, live_bytes_end),
    INTEGER(0, report_process, recorder_rss_bytes),
    INTEGER(0, report_process, recorder_cpu_ns),
    TEXT(0, report_process, trace_path),
    TEXT(0, report_process, result),
};
static const struct column curve_columns[] = {
    INTEGER(0, report_point, t),           INTEGER(0, report_point, live_bytes),
    INTEGER(0, report_point, live_blocks), INTEGER(0, report_point, pinned_bytes),
    INTEGER(0, report_point, rss_bytes),   INTEGER(0, report_point, pss_bytes),
    INTEGER(0, report_point, vms_bytes),   REAL(0, report_point, cpu),
    INTEGER(0, report_point, threads),     INTEGER(0, report_point, fds),
};
static const struct column phase_columns[] = {
    INDEX("phase", 0),
    TEXT(0, report_phase, name),
    TEXT(0, report_phase, parent),
    INTEGER(0, report_phase, rounds),
    TEXT(0, report_phase, rounds_kind),
    INTEGER(0, report_phase, items),
    INTEGER(0, report_phase, duration_ns),
    REAL(0, report_phase, items_per_s),
    INTEGER(0, report_phase, rss_start),
    INTEGER(0, report_phase, rss_end),
    INTEGER(0, report_phase, rss_peak),
    INTEGER(0, report_phase, live_start),
    INTEGER(0, report_phase, live_end),
    INTEGER(0, report_phase, live_peak),
    INTEGER(0, report_phase, blocks_start),
    INTEGER(0, report_phase, blocks_end),
    INTEGER(0, report_phase, overhead_bytes),
    INTEGER(0, report_phase, allocations),
    INTEGER(0, report_phase, allocated_bytes),
    INTEGER(0, report_phase, retained_bytes),
    REAL(0, report_phase, retained_per_round),
    NAMED("round_mean_ns", REAL, 0, report_phase, round_ns.mean),
    NAMED("round_p50_ns", REAL, 0, report_phase, round_ns.p50),
    NAMED("round_p95_ns", REAL, 0, report_phase, round_ns.p95),
    NAMED("round_max_ns", REAL, 0, report_phase, round_ns.max),
    TEXT(0, report_phase, diagnosis),
};
static const struct column round_columns[] = {
    INDEX("phase", 0),
    NAMED("phase_name", TEXT, 0, report_phase, name),
    INTEGER(1, report_round, round),
    NAMED("begin_ns", INTEGER, 1, report_round, begin),
    NAMED("end_ns", INTEGER, 1, report_round, end),
    INTEGER(1, report_round, live_begin),
    INTEGER(1, report_round, live_end),
    INTEGER(1, report_round, rss_begin),
    INTEGER(1, report_round, rss_end),
    INTEGER(1, report_round, items),
    INTEGER(1, report_round, allocations),
};
static const struct column operation_columns[] = {
    INDEX("phase", 0),
    NAMED("phase_name", TEXT, 0, report_phase, name),
    TEXT(1, report_op, name),
    INTEGER(1, report_op, count),
    INTEGER(1, report_op, ok),
    INTEGER(1, report_op, failed),
    INTEGER(1, report_op, rejected),
    REAL(1, report_op, per_s),
    INTEGER(1, report_op, peak_in_flight),
    NAMED("mean_ns", REAL, 1, report_op, ns.mean),
    NAMED("p50_ns", REAL, 1, report_op, ns.p50),
    NAMED("p95_ns", REAL, 1, report_op, ns.p95),
    NAMED("p99_ns", REAL, 1, report_op, ns.p99),
    NAMED("max_ns", REAL, 1, report_op, ns.max),
};
static const struct column unit_columns[] = {
    INDEX("phase", 0),
    NAMED("phase_name", TEXT, 0, report_phase, name),
    TEXT(1, report_unit, name),
    INTEGER(1, report_unit, items),
    REAL(1, report_unit, items_per_s),
};
static const struct column value_columns[] = {
    INDEX("phase", 0),           NAMED("phase_name", TEXT, 0, report_phase, name),
    TEXT(1, report_value, name), REAL(1, report_value, last),
    REAL(1, report_value, min),  REAL(1, report_value, max),
};
static const struct column site_columns[] = {
    INDEX("site", 0),
    TEXT(0, report_site, id),
    INTEGER(0, report_site, process),
    TEXT(0, report_site, function),
    TEXT(0, report_site, file),
    INTEGER(0, report_site, line),
    TEXT(0, report_site, module),
    INTEGER(0, report_site, allocations),
    INTEGER(0, report_site, allocated_bytes),
    INTEGER(0, report_site, live_bytes_end),
    INTEGER(0, report_site, live_blocks_end),
    INTEGER(0, report_site, peak_bytes),
    INTEGER(0, report_site, live_at_peak),
    INTEGER(0, report_site, temporary),
    INTEGER(0, report_site, lifetime_p50),
    INTEGER(0, report_site, lifetime_p95),
    INTEGER(0, report_site, lifetime_max),
    INTEGER(0, report_site, rss_bytes),
};
static const struct column frame_columns[] = {
    INDEX("site", 0),
    INDEX("depth", 1),
    TEXT(1, report_frame, function),
    TEXT(1, report_frame, file),
    INTEGER(1, report_frame, line),
    TEXT(1, report_frame, module),
    INTEGER(1, report_frame, offset),
    FLAG(1, report_frame, inlined),
};
static const struct column growth_columns[] = {
    INDEX("site", 0),
    INDEX("growth", 1),
    TEXT(1, report_growth, phase),
    NAMED("class", TEXT, 1, report_growth, class_slug),
    TEXT(1, report_growth, held_until),
    FLAG(1, report_growth, only_phase),
    TEXT(1, report_growth, rounds_kind),
    INTEGER(1, report_growth, rounds),
    INTEGER(1, report_growth, n),
    INTEGER(1, report_growth, k),
    REAL(1, report_growth, reach),
    INTEGER(1, report_growth, first),
    INTEGER(1, report_growth, last),
    REAL(1, report_growth, bytes_per_round),
    REAL(1, report_growth, ci_low),
    REAL(1, report_growth, ci_high),
    REAL(1, report_growth, bytes_per_item),
    INTEGER(1, report_growth, threads_affected),
    TEXT(1, report_growth, sentence),
};
static const struct column survivor_columns[] = {
    INDEX("site", 0),
    INDEX("growth", 1),
    INDEX("round_from_0", 2),
    {"blocks", COLUMN_INTEGER, 2, 0},
};
static const struct column leak_columns[] = {
    TEXT(0, report_finding, site),
    TEXT(0, report_finding, phase),
    NAMED("class", TEXT, 0, report_finding, class_slug),
    TEXT(0, report_finding, reason),
};
static const struct column budget_columns[] = {
    TEXT(0, report_budget, rule),  TEXT(0, report_budget, phase), TEXT(0, report_budget, limit),
    TEXT(0, report_budget, value), FLAG(0, report_budget, ok),    TEXT(0, report_budget, state),
};

/* An array is told by a pointer and a count in the object that holds it. */
#define IN(holder, items, count, type)                                                                                 \
    { offsetof(struct holder, items), offsetof(struct holder, count), sizeof(type) }
#define SITES IN(report, sites, site_count, struct report_site)
#define GROWTH IN(report_site, growth, growth_count, struct report_growth)
#define PHASES IN(report, phases, phase_count, struct report_phase)
#define TABLE(name, columns, ...)                                                                                      \
    {                                                                                                                  \
        name, columns, sizeof(columns) / sizeof *(columns), { __VA_ARGS__ }                                            \
    }

const struct table tables[] = {
    TABLE("sites", site_columns, SITES),
    TABLE("frames", frame_columns, SITES, IN(report_site, stack, depth, struct report_frame)),
    TABLE("growth", growth_columns, SITES, GROWTH),
    TABLE("survivors", survivor_columns, SITES, GROWTH, IN(report_growth, survivors, survivor_count, int64_t)),
    TABLE("phases", phase_columns, PHASES),
    TABLE("rounds", round_columns, PHASES, IN(report_phase, instances, instance_count, struct report_round)),
    TABLE("operations", operation_columns, PHASES, IN(report_phase, ops, op_count, struct report_op)),
    TABLE("phase_values", value_columns, PHASES, IN(report_phase, values, value_count, struct report_value)),
    TABLE("phase_units", unit_columns, PHASES, IN(report_phase, units, unit_count, struct report_unit)),
    TABLE("curve", curve_columns, IN(report, curve, point_count, struct report_point)),
    TABLE("processes", process_columns, IN(report, processes, process_count, struct report_process)),
    TABLE("leaks", leak_columns, IN(report, verdict.leaks, verdict.leak_count, struct report_finding)),
    TABLE("warnings", leak_columns, IN(report, verdict.warnings, verdict.warning_count, struct report_finding)),
    TABLE("budgets", budget_columns, IN(report, verdict.budgets, verdict.budget_count, struct report_budget)),
    {0},
};

struct walk {
    const struct table *table;
    int (*each)(void *context, const struct table_row *row);
    void *context;
};

static int walk_level(const struct walk *walk, struct table_row *row, unsigned level, const void *holder) {
    const struct table_array *array = &walk->table->arrays[level];
    const char *items = *(const char *const *)((const char *)holder + array->items);
    size_t count = *(const size_t *)((const char *)holder + array->count);
    int result = 0;
    for (size_t i = 0; items && i < count && !result; i++) {
        row->objects[level] = items + i * array->size;
        row->indices[level] = i;
        bool innermost = level + 1 == TABLE_LEVELS || !array[1].size;
        result = innermost ? walk->each(walk->context, row) : walk_level(walk, row, level + 1, row->objects[level]);
    }
    return result;
}

int table_rows(const struct table *table, const struct report *report,
               int (*each)(void *context, const struct table_row *row), void *context) {
    const struct walk walk = {table, each, context};
    struct table_row row = {0};
    return walk_level(&walk, &row, 0, report);
}

struct cell table_cell(const struct column *column, const struct table_row *row) {
    const char *at = (const char *)row->objects[column->level] + column->offset;
    struct cell cell = {.kind = COLUMN_INTEGER};
    switch (column->kind) {
    case COLUMN_INDEX: cell.integer = (int64_t)row->indices[column->level]; break;
    case COLUMN_FLAG: cell.integer = *(const bool *)at; break;
    case COLUMN_INTEGER:
        cell.integer = *(const int64_t *)at;
        cell.null = cell.integer == REPORT_NONE;
        break;
    case COLUMN_REAL:
        cell = (struct cell){.kind = COLUMN_REAL, .real = *(const double *)at};
        cell.null = !isfinite(cell.real);
        break;
    case COLUMN_TEXT:
        cell = (struct cell){.kind = COLUMN_TEXT, .text = *(const char *const *)at};
        cell.null = !cell.text;
        break;
    }
    return cell;
}
