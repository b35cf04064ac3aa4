/*
 * The comparison as JSON, "tidemark-diff/1", described by docs/diff.schema.json.
 */
#include <stdlib.h>

#include "diff.h"
#include "diff_words.h"
#include "json_report.h"
#include "json_writer.h"

static json_t *make_side(const struct report *report) {
    static const struct member members[] = {
        {"path", MEMBER_TEXT, offsetof(struct report, trace.path)},
        {"complete", MEMBER_FLAG, offsetof(struct report, trace.complete)},
        {"lost_events", MEMBER_INTEGER, offsetof(struct report, trace.lost_events)},
        {"result", MEMBER_TEXT, offsetof(struct report, verdict.result)},
        {"exit_code", MEMBER_SMALL, offsetof(struct report, verdict.exit_code)},
    };
    const struct report_process *first = report->process_count ? report->processes : NULL;
    json_t *object = object_of(MEMBERS(members), report);
    object = with(object, "exe", text_value(first ? first->exe : NULL));
    object = with(object, "args", ARRAY(first ? first->args : NULL, first ? first->arg_count : 0, make_text));
    object = with(object, "duration_ns", integer_value(first ? report->duration_ns : REPORT_NONE));
    object = with(object, "processes", json_integer((json_int_t)report->process_count));
    return with(object, "doubts", ARRAY(report->doubts, report->doubt_count, make_text));
}

static json_t *change_value(enum change change) { return json_string(change_name(change)); }

static json_t *make_work(const struct compared_work *work) {
    static const struct member members[] = {
        TEXT(compared_work, kind),
        {"old", MEMBER_INTEGER, offsetof(struct compared_work, before)},
        {"new", MEMBER_INTEGER, offsetof(struct compared_work, after)},
        REAL(compared_work, ratio),
    };
    return work->kind ? object_of(MEMBERS(members), work) : json_null();
}

static json_t *make_total(const void *item) {
    static const struct member members[] = {
        TEXT(compared_total, name),
        {"old", MEMBER_INTEGER, offsetof(struct compared_total, before)},
        {"new", MEMBER_INTEGER, offsetof(struct compared_total, after)},
        FLAG(compared_total, judged),
    };
    const struct compared_total *total = item;
    return with(object_of(MEMBERS(members), total), "change", change_value(total->change));
}

static json_t *make_phase_side(const struct report_phase *phase) {
    static const struct member members[] = {
        INTEGER(report_phase, rounds),         INTEGER(report_phase, items),
        INTEGER(report_phase, duration_ns),    REAL(report_phase, items_per_s),
        INTEGER(report_phase, rss_peak),       INTEGER(report_phase, live_peak),
        INTEGER(report_phase, live_end),       INTEGER(report_phase, allocations),
        INTEGER(report_phase, retained_bytes), ROUNDED(report_phase, retained_per_round),
        TEXT(report_phase, diagnosis),
    };
    return phase ? object_of(MEMBERS(members), phase) : json_null();
}

static json_t *make_phase(const void *item) {
    static const struct member members[] = {
        TEXT(compared_phase, name),
        {"kept_per_unit_old", MEMBER_REAL, offsetof(struct compared_phase, kept_before)},
        {"kept_per_unit_new", MEMBER_REAL, offsetof(struct compared_phase, kept_after)},
        {"ns_per_unit_old", MEMBER_REAL, offsetof(struct compared_phase, time_before)},
        {"ns_per_unit_new", MEMBER_REAL, offsetof(struct compared_phase, time_after)},
    };
    const struct compared_phase *phase = item;
    json_t *object = with(object_of(MEMBERS(members), phase), "change", change_value(phase->change));
    object = with(object, "work", make_work(&phase->work));
    object = with(object, "old", make_phase_side(phase->before));
    return with(object, "new", make_phase_side(phase->after));
}

static json_t *make_finding(const void *item) {
    static const struct member members[] = {
        TEXT(compared_finding, site),
        TEXT(compared_finding, function),
        TEXT(compared_finding, phase),
        {"class_old", MEMBER_TEXT, offsetof(struct compared_finding, class_before)},
        {"class_new", MEMBER_TEXT, offsetof(struct compared_finding, class_after)},
        TEXT(compared_finding, reason),
    };
    const struct compared_finding *finding = item;
    json_t *object = with(object_of(MEMBERS(members), finding), "change", change_value(finding->change));
    return with(object, "kind", json_string(finding->leak ? "leak" : "warning"));
}

static json_t *make_numbers(const struct compared_numbers *numbers) {
    static const struct member members[] = {
        INTEGER(compared_numbers, allocations),    INTEGER(compared_numbers, allocated_bytes),
        INTEGER(compared_numbers, live_bytes_end), INTEGER(compared_numbers, live_blocks_end),
        INTEGER(compared_numbers, peak_bytes),     INTEGER(compared_numbers, live_at_peak),
        INTEGER(compared_numbers, temporary),
    };
    return object_of(MEMBERS(members), numbers);
}

static json_t *make_site(const void *item) {
    static const struct member members[] = {
        TEXT(report_site, function),
        TEXT(report_site, file),
        TEXT(report_site, module),
    };
    const struct compared_site *site = item;
    json_t *object = with(object_of(MEMBERS(members), site->shown), "id", text_value(site->id));
    object = with(object, "line", line_value(site->shown->line));
    object = with(object, "change", change_value(site->change));
    object = with(object, "other", text_value(site->other));
    object = with(object, "per_unit", json_boolean(site->scaled));
    object = with(object, "old", make_numbers(&site->before));
    object = with(object, "new", make_numbers(&site->after));
    return with(object, "stack", ARRAY(site->shown->stack, site->shown->depth, make_frame));
}

static json_t *make_counts(const struct comparison *c) {
    json_t *object = json_object();
    for (size_t i = 0; i < CHANGES; i++)
        object = with(object, change_name((enum change)i), json_integer((json_int_t)c->sites_by_change[i]));
    return object;
}

static json_t *make_tolerance(const struct compare_tolerance *tolerance) {
    static const struct member members[] = {
        REAL(compare_tolerance, margin),
        {"least_bytes", MEMBER_INTEGER, offsetof(struct compare_tolerance, least)},
        {"least_rss_bytes", MEMBER_INTEGER, offsetof(struct compare_tolerance, least_rss)},
    };
    return object_of(MEMBERS(members), tolerance);
}

static json_t *make_unlike(const struct comparison *c) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    diff_unlike(out, c);
    json_t *value = fclose(out) ? NULL : text_value(size ? text : NULL);
    free(text);
    return value;
}

json_t *json_of_comparison(const struct comparison *c) {
    json_t *object = with(json_object(), "schema", json_string("tidemark-diff/1"));
    object = with(object, "grew", json_boolean(c->grew));
    object = with(object, "tolerance", make_tolerance(&c->tolerance));
    object = with(object, "old", make_side(c->before));
    object = with(object, "new", make_side(c->after));
    object = with(object, "work", make_work(&c->work));
    object = with(object, "work_phase", text_value(c->work_phase));
    object = with(object, "unlike", make_unlike(c));
    object = with(object, "totals", ARRAY(c->totals, c->total_count, make_total));
    object = with(object, "phases", ARRAY(c->phases, c->phase_count, make_phase));
    object = with(object, "findings", ARRAY(c->findings, c->finding_count, make_finding));
    object = with(object, "sites_by_change", make_counts(c));
    return with(object, "sites", ARRAY(c->sites, c->site_count, make_site));
}

int render_diff_json(FILE *out, const struct comparison *c) { return json_write(out, json_of_comparison(c)); }
