/*
 * The JSON report, "tidemark-report/1", described by docs/report.schema.json: its objects as tables of members.
 */
#include <string.h>

#include "json_report.h"
#include "json_writer.h"
#include "render.h"

/* Trace, system, totals. */

static json_t *make_trace(const struct report_trace *trace) {
    static const struct member members[] = {
        TEXT(report_trace, path),
        FLAG(report_trace, complete),
        FLAG(report_trace, recovered),
        FLAG(report_trace, cut),
        INTEGER(report_trace, events),
        INTEGER(report_trace, lost_events),
        INTEGER(report_trace, impossible_events),
        INTEGER(report_trace, truncated_stacks),
        INTEGER(report_trace, size_bytes),
        TEXT(report_trace, run_id),
    };
    return object_of(MEMBERS(members), trace);
}

static json_t *make_system(const struct report_system *system) {
    static const struct member members[] = {
        INTEGER(report_system, cpus), INTEGER(report_system, ram_bytes), TEXT(report_system, kernel),
        TEXT(report_system, libc),    TEXT(report_system, allocator),    TEXT(report_system, host),
    };
    return object_of(MEMBERS(members), system);
}

static json_t *make_totals(const struct report_totals *totals) {
    static const struct member members[] = {
        INTEGER(report_totals, mappings),           INTEGER(report_totals, mapped_bytes_end),
        INTEGER(report_totals, allocations),        INTEGER(report_totals, frees),
        INTEGER(report_totals, failed_allocations), INTEGER(report_totals, allocated_bytes),
        INTEGER(report_totals, live_bytes_end),     INTEGER(report_totals, live_blocks_end),
        INTEGER(report_totals, peak_live_bytes),    INTEGER(report_totals, peak_live_t),
        INTEGER(report_totals, peak_rss_bytes),     INTEGER(report_totals, temporary_allocations),
        REAL(report_totals, explained_share),
    };
    return object_of(MEMBERS(members), totals);
}

/* Processes. */

static json_t *make_process(const void *item) {
    static const struct member members[] = {
        INTEGER(report_process, pid),
        INTEGER(report_process, parent),
        INTEGER(report_process, parent_index),
        TEXT(report_process, exe),
        TEXT(report_process, started),
        INTEGER(report_process, duration_ns),
        INTEGER(report_process, cpu_ns),
        TEXT(report_process, trace_path),
        INTEGER(report_process, allocations),
        INTEGER(report_process, peak_live_bytes),
        INTEGER(report_process, peak_rss_bytes),
        INTEGER(report_process, live_bytes_end),
        TEXT(report_process, result),
    };
    static const struct member exit_members[] = {
        {"kind", MEMBER_TEXT, offsetof(struct report_process, exit_kind)},
        {"code", MEMBER_INTEGER, offsetof(struct report_process, exit_code)},
    };
    static const struct member recorder_members[] = {
        {"rss_bytes", MEMBER_INTEGER, offsetof(struct report_process, recorder_rss_bytes)},
        {"cpu_ns", MEMBER_INTEGER, offsetof(struct report_process, recorder_cpu_ns)},
        {"fallback_stacks", MEMBER_INTEGER, offsetof(struct report_process, fallback_stacks)},
    };
    const struct report_process *process = item;
    json_t *object = object_of(MEMBERS(members), process);
    object = with(object, "args", ARRAY(process->args, process->arg_count, make_text));
    object = with(object, "exit", object_of(MEMBERS(exit_members), process));
    return with(object, "recorder", object_of(MEMBERS(recorder_members), process));
}

static json_t *make_point(const void *item) {
    static const struct member members[] = {
        INTEGER(report_point, t),           INTEGER(report_point, live_bytes),
        INTEGER(report_point, live_blocks), INTEGER(report_point, pinned_bytes),
        INTEGER(report_point, rss_bytes),   INTEGER(report_point, pss_bytes),
        INTEGER(report_point, vms_bytes),   REAL(report_point, cpu),
        INTEGER(report_point, threads),     INTEGER(report_point, fds),
    };
    return object_of(MEMBERS(members), item);
}

/* Residency. */

static json_t *make_look(const void *item) {
    static const struct member members[] = {
        INTEGER(report_look, t),
        FLAG(report_look, at_edge),
        INTEGER(report_look, rss_bytes),
        INTEGER(report_look, resident_bytes),
        INTEGER(report_look, sites_bytes),
        INTEGER(report_look, free_bytes),
        INTEGER(report_look, stack_bytes),
        INTEGER(report_look, code_bytes),
        INTEGER(report_look, file_bytes),
        INTEGER(report_look, recorder_bytes),
        INTEGER(report_look, other_bytes),
        INTEGER(report_look, slack_bytes),
        INTEGER(report_look, untouched_bytes),
        INTEGER(report_look, trim_bytes),
    };
    return object_of(MEMBERS(members), item);
}

static json_t *make_resident_file(const void *item) {
    static const struct member members[] = {
        TEXT(report_resident_file, path),
        INTEGER(report_resident_file, code_bytes),
        INTEGER(report_resident_file, data_bytes),
    };
    return object_of(MEMBERS(members), item);
}

static json_t *make_pin(const void *item) {
    static const struct member members[] = {
        TEXT(report_pin, site),    INTEGER(report_pin, address),          INTEGER(report_pin, size),
        INTEGER(report_pin, born), INTEGER(report_pin, free_below_bytes), INTEGER(report_pin, blocks_above),
    };
    return object_of(MEMBERS(members), item);
}

static json_t *make_residency(const struct report_residency *residency) {
    static const struct member members[] = {
        INTEGER(report_residency, other_sites_bytes),
        INTEGER(report_residency, wasted_bytes),
        REAL(report_residency, explained_share),
    };
    bool any = residency->look_count > 0;
    json_t *object = object_of(MEMBERS(members), residency);
    object = with(object, "process", integer_value(any ? residency->process : REPORT_NONE));
    object = with(object, "process_index", integer_value(any ? residency->process_index : REPORT_NONE));
    object = with(object, "peak", integer_value(any ? (int64_t)residency->peak : REPORT_NONE));
    object = with(object, "looks", ARRAY(residency->looks, residency->look_count, make_look));
    object = with(object, "files", ARRAY(residency->files, residency->file_count, make_resident_file));
    object = with(object, "pins_t", integer_value(residency->pin_count ? residency->pins_t : REPORT_NONE));
    return with(object, "pins", ARRAY(residency->pins, residency->pin_count, make_pin));
}

/* Phases. */

static json_t *make_spread(const struct report_spread *spread) {
    static const struct member members[] = {
        ROUNDED(report_spread, mean),   ROUNDED(report_spread, min), ROUNDED(report_spread, p50),
        ROUNDED(report_spread, p95),    ROUNDED(report_spread, p99), ROUNDED(report_spread, max),
        ROUNDED(report_spread, stddev), REAL(report_spread, drift),
    };
    return object_of(MEMBERS(members), spread);
}

static json_t *make_op(const void *item) {
    static const struct member members[] = {
        TEXT(report_op, name),
        INTEGER(report_op, count),
        INTEGER(report_op, ok),
        INTEGER(report_op, failed),
        INTEGER(report_op, rejected),
        REAL(report_op, per_s),
        INTEGER(report_op, peak_in_flight),
    };
    const struct report_op *op = item;
    return with(object_of(MEMBERS(members), op), "ns", make_spread(&op->ns));
}

static json_t *make_unit(const void *item) {
    static const struct member members[] = {
        TEXT(report_unit, name),
        INTEGER(report_unit, items),
        REAL(report_unit, items_per_s),
    };
    return object_of(MEMBERS(members), item);
}

static json_t *make_named_value(const void *item) {
    static const struct member members[] = {
        TEXT(report_value, name),
        REAL(report_value, last),
        REAL(report_value, min),
        REAL(report_value, max),
    };
    return object_of(MEMBERS(members), item);
}

static json_t *make_round(const void *item) {
    static const struct member members[] = {
        INTEGER(report_round, round),      INTEGER(report_round, begin),    INTEGER(report_round, end),
        INTEGER(report_round, live_begin), INTEGER(report_round, live_end), INTEGER(report_round, rss_begin),
        INTEGER(report_round, rss_end),    INTEGER(report_round, items),    INTEGER(report_round, allocations),
    };
    return object_of(MEMBERS(members), item);
}

static json_t *make_mark(const void *item) {
    static const struct member members[] = {
        INTEGER(report_mark, process_index),
        TEXT(report_mark, name),
        INTEGER(report_mark, t),
    };
    return object_of(MEMBERS(members), item);
}

static json_t *make_rate(const struct report_rate *rate) {
    static const struct member members[] = {
        REAL(report_rate, value),
        REAL(report_rate, low),
        REAL(report_rate, high),
    };
    return object_of(MEMBERS(members), rate);
}

static json_t *make_phase(const void *item) {
    static const struct member members[] = {
        TEXT(report_phase, name),
        TEXT(report_phase, parent),
        INTEGER(report_phase, rounds),
        TEXT(report_phase, rounds_kind),
        FLAG(report_phase, judged),
        INTEGER(report_phase, items),
        INTEGER(report_phase, duration_ns),
        INTEGER(report_phase, process_index),
        REAL(report_phase, items_per_s),
        INTEGER(report_phase, begin),
        FLAG(report_phase, approximate),
        INTEGER(report_phase, end),
        INTEGER(report_phase, peak_in_flight),
        INTEGER(report_phase, rss_start),
        INTEGER(report_phase, rss_end),
        INTEGER(report_phase, rss_peak),
        INTEGER(report_phase, live_start),
        INTEGER(report_phase, live_end),
        INTEGER(report_phase, live_peak),
        INTEGER(report_phase, blocks_start),
        INTEGER(report_phase, blocks_end),
        INTEGER(report_phase, overhead_bytes),
        INTEGER(report_phase, allocations),
        INTEGER(report_phase, allocated_bytes),
        INTEGER(report_phase, retained_bytes),
        ROUNDED(report_phase, retained_per_round),
        TEXT(report_phase, diagnosis),
        INTEGER(report_phase, limit_bytes),
        REAL(report_phase, limit_s),
    };
    const struct report_phase *phase = item;
    json_t *object = object_of(MEMBERS(members), phase);
    object = with(object, "rss_growth_per_s", make_rate(&phase->rss_growth));
    object = with(object, "live_growth_per_s", make_rate(&phase->live_growth));
    object = with(object, "round_ns", make_spread(&phase->round_ns));
    object = with(object, "units", ARRAY(phase->units, phase->unit_count, make_unit));
    object = with(object, "ops", ARRAY(phase->ops, phase->op_count, make_op));
    object = with(object, "values", ARRAY(phase->values, phase->value_count, make_named_value));
    return with(object, "instances", ARRAY(phase->instances, phase->instance_count, make_round));
}

/* Sites. */

static json_t *make_evidence(const struct report_growth *growth) {
    static const struct member members[] = {
        INTEGER(report_growth, rounds), INTEGER(report_growth, n),         INTEGER(report_growth, k),
        REAL(report_growth, reach),     INTEGER(report_growth, first),     INTEGER(report_growth, last),
        TEXT(report_growth, sentence),  TEXT(report_growth, would_change), INTEGER(report_growth, alive_each),
    };
    json_t *survivors = ARRAY(growth->survivors, growth->survivor_count, make_integer);
    json_t *object = with(object_of(MEMBERS(members), growth), "survivors", survivors);
    return with(object, "alive", ARRAY(growth->alive, growth->alive_count, make_integer));
}

static json_t *make_growth(const void *item) {
    static const struct member members[] = {
        TEXT(report_growth, phase),          {"class", MEMBER_TEXT, offsetof(struct report_growth, class_slug)},
        TEXT(report_growth, held_until),     FLAG(report_growth, only_phase),
        TEXT(report_growth, rounds_kind),    ROUNDED(report_growth, bytes_per_round),
        ROUNDED(report_growth, ci_low),      ROUNDED(report_growth, ci_high),
        REAL(report_growth, bytes_per_item), INTEGER(report_growth, threads_affected),
    };
    return with(object_of(MEMBERS(members), item), "evidence", make_evidence(item));
}

static json_t *make_lifetime(const struct report_site *site) {
    static const struct member members[] = {
        {"p50", MEMBER_INTEGER, offsetof(struct report_site, lifetime_p50)},
        {"p95", MEMBER_INTEGER, offsetof(struct report_site, lifetime_p95)},
        {"max", MEMBER_INTEGER, offsetof(struct report_site, lifetime_max)},
    };
    return object_of(MEMBERS(members), site);
}

static const struct {
    const char *name;
    size_t offset;
} courses[] = {
    {"live", offsetof(struct report_site, live)},
    {"blocks", offsetof(struct report_site, blocks)},
    {"resident", offsetof(struct report_site, resident)},
    {"born", offsetof(struct report_site, born)},
    {"born_bytes", offsetof(struct report_site, born_bytes)},
    {"born_temporary", offsetof(struct report_site, born_temporary)},
};

/* Numbers by slice; none where all are 0. */
static json_t *course_of(const struct report_site *site, size_t offset) {
    const int64_t *values = *(int64_t *const *)(const void *)((const char *)site + offset);
    bool any = false;
    for (size_t i = 0; i < site->slice_count; i++) any |= values[i] != 0;
    return ARRAY(values, any ? site->slice_count : 0, make_integer);
}

static json_t *make_site(const void *item) {
    static const struct member members[] = {
        TEXT(report_site, id),
        TEXT(report_site, function),
        TEXT(report_site, file),
        TEXT(report_site, module),
        INTEGER(report_site, allocations),
        INTEGER(report_site, allocated_bytes),
        INTEGER(report_site, live_bytes_end),
        INTEGER(report_site, live_blocks_end),
        INTEGER(report_site, peak_bytes),
        INTEGER(report_site, temporary),
        INTEGER(report_site, live_at_peak),
        INTEGER(report_site, rss_bytes),
        INTEGER(report_site, rss_peak_bytes),
        INTEGER(report_site, alone_bytes),
        INTEGER(report_site, wasted_bytes),
        INTEGER(report_site, process),
        INTEGER(report_site, process_index),
    };
    const struct report_site *site = item;
    json_t *object = with(object_of(MEMBERS(members), site), "line", line_value(site->line));
    object = with(object, "stack", ARRAY(site->stack, site->depth, make_frame));
    object = with(object, "lifetime_ns", make_lifetime(site));
    object = with(object, "sizes", ARRAY(site->sizes, site->size_count, make_integer));
    object = with(object, "lifetimes", ARRAY(site->lifetimes, site->lifetime_count, make_integer));
    for (size_t i = 0; i < sizeof courses / sizeof *courses; i++)
        object = with(object, courses[i].name, course_of(site, courses[i].offset));
    object = with(object, "ages", ARRAY(site->ages, site->age_count, make_integer));
    return with(object, "growth", ARRAY(site->growth, site->growth_count, make_growth));
}

/* Verdict. */

static json_t *make_finding(const void *item) {
    static const struct member members[] = {
        TEXT(report_finding, site),
        TEXT(report_finding, phase),
        {"class", MEMBER_TEXT, offsetof(struct report_finding, class_slug)},
        TEXT(report_finding, reason),
    };
    return object_of(MEMBERS(members), item);
}

static bool is_whole(const char *unit) {
    return unit && (!strcmp(unit, "bytes") || !strcmp(unit, "ns") || !strcmp(unit, "count"));
}

static json_t *make_budget(const void *item) {
    static const struct member whole[] = {ROUNDED(report_budget, measured), ROUNDED(report_budget, allowed)},
                               real[] = {REAL(report_budget, measured), REAL(report_budget, allowed)};
    static const struct member members[] = {
        TEXT(report_budget, rule), TEXT(report_budget, phase), TEXT(report_budget, limit), TEXT(report_budget, value),
        FLAG(report_budget, ok),   TEXT(report_budget, state), TEXT(report_budget, unit),
    };
    const struct report_budget *budget = item;
    json_t *numbers = is_whole(budget->unit) ? object_of(MEMBERS(whole), item) : object_of(MEMBERS(real), item);
    json_t *object = object_of(MEMBERS(members), item);
    if (object && numbers && json_object_update(object, numbers)) {
        json_decref(object);
        object = NULL;
    }
    json_decref(numbers);
    return object;
}

static json_t *make_verdict(const struct report_verdict *verdict) {
    static const struct member members[] = {
        TEXT(report_verdict, result),
        TEXT(report_verdict, leaks_below),
        {"exit_code", MEMBER_SMALL, offsetof(struct report_verdict, exit_code)},
    };
    static const struct member judged[] = {
        {"phases", MEMBER_INTEGER, offsetof(struct report_verdict, judged_phases)},
        {"sites", MEMBER_INTEGER, offsetof(struct report_verdict, judged_sites)},
        {"not_judged", MEMBER_INTEGER, offsetof(struct report_verdict, not_judged)},
        {"rounds_missing", MEMBER_INTEGER, offsetof(struct report_verdict, rounds_missing)},
    };
    json_t *object = with(object_of(MEMBERS(members), verdict), "judged", object_of(MEMBERS(judged), verdict));
    object = with(object, "leaks", ARRAY(verdict->leaks, verdict->leak_count, make_finding));
    object = with(object, "known", ARRAY(verdict->known, verdict->known_count, make_finding));
    object = with(object, "warnings", ARRAY(verdict->warnings, verdict->warning_count, make_finding));
    object = with(object, "budgets", ARRAY(verdict->budgets, verdict->budget_count, make_budget));
    object = with(object, "reasons", ARRAY(verdict->reasons, verdict->reason_count, make_text));
    return with(object, "hints", ARRAY(verdict->hints, verdict->hint_count, make_text));
}

static json_t *octaves_of(const int64_t *counts) {
    size_t count = REPORT_OCTAVES;
    while (count && !counts[count - 1]) count--;
    return ARRAY(counts, count, make_integer);
}

static json_t *make_sizes(const void *item) { return octaves_of(((const struct report_slice *)item)->sizes); }
static json_t *make_lifetimes(const void *item) { return octaves_of(((const struct report_slice *)item)->lifetimes); }

static json_t *without_sites(const struct report *report) {
    json_t *object = with(json_object(), "schema", json_string("tidemark-report/1"));
    object = with(object, "verdict", make_verdict(&report->verdict));
    object = with(object, "trace", make_trace(&report->trace));
    object = with(object, "system", make_system(&report->system));
    object = with(object, "totals", make_totals(&report->totals));
    object = with(object, "processes", ARRAY(report->processes, report->process_count, make_process));
    object = with(object, "phases", ARRAY(report->phases, report->phase_count, make_phase));
    object = with(object, "marks", ARRAY(report->marks, report->mark_count, make_mark));
    object = with(object, "sites_total", integer_value(report->sites_total));
    object = with(object, "slice_ns", integer_value(report->slice_ns));
    object = with(object, "slices", integer_value((int64_t)report->slice_count));
    object = with(object, "slice_sizes", ARRAY(report->slices, report->slice_count, make_sizes));
    object = with(object, "slice_lifetimes", ARRAY(report->slices, report->slice_count, make_lifetimes));
    object = with(object, "curve", ARRAY(report->curve, report->point_count, make_point));
    object = with(object, "residency", make_residency(&report->residency));
    return with(object, "doubts", ARRAY(report->doubts, report->doubt_count, make_text));
}

json_t *json_of_report(const struct report *report) {
    return with(without_sites(report), "sites", ARRAY(report->sites, report->site_count, make_site));
}

int render_json(FILE *out, const struct report *report) {
    const struct json_many sites = {"sites", report->sites, report->site_count, sizeof *report->sites, make_site};
    return json_write_many(out, without_sites(report), &sites);
}
