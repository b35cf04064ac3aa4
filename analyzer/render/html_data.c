/*
 * The report in few bytes. See html_data.h.
 */
#include "html_data.h"

#include <errno.h>
#include <stdlib.h>

#include "../report/together.h"
#include "html_stacks.h"
#include "json_report.h"
#include "json_writer.h"
#include "naming.h"

/* Leaks and warnings each, and their sums by source line; sites that are large in one way or other. */
enum { MOST_FINDINGS = 100, MOST_SUMS = 10, MOST_LARGE = 150 };

/* Which sites are kept. */

static void keep_found(bool *keep, const struct report_finding *findings, size_t count) {
    for (size_t i = 0; i < count && i < MOST_FINDINGS; i++)
        if (findings[i].site_index != SIZE_MAX) keep[findings[i].site_index] = true;
}

static const size_t sizes[] = {
    offsetof(struct report_site, live_bytes_end), offsetof(struct report_site, live_at_peak),
    offsetof(struct report_site, peak_bytes),     offsetof(struct report_site, allocated_bytes),
    offsetof(struct report_site, allocations),    offsetof(struct report_site, rss_bytes),
    offsetof(struct report_site, rss_peak_bytes),
};

static int64_t size_of(const struct report_site *site, size_t offset) {
    return *(const int64_t *)(const void *)((const char *)site + offset);
}

static int falling(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left < right) - (left > right);
}

/* Those that are among the largest by this size. */
static int keep_large(bool *keep, const struct report *report, size_t offset) {
    int64_t *values = calloc(report->site_count + 1, sizeof *values);
    if (!values) return -ENOMEM;
    for (size_t i = 0; i < report->site_count; i++) values[i] = size_of(&report->sites[i], offset);
    qsort(values, report->site_count, sizeof *values, falling);
    int64_t least = report->site_count > MOST_LARGE ? values[MOST_LARGE - 1] : 1;
    for (size_t i = 0, kept = 0; i < report->site_count && kept < MOST_LARGE; i++) {
        if (least < 1 || size_of(&report->sites[i], offset) < least) continue;
        keep[i] = true;
        kept++;
    }
    free(values);
    return 0;
}

static int choose(bool *keep, const struct report *report) {
    int error = 0;
    keep_found(keep, report->verdict.leaks, report->verdict.leak_count);
    keep_found(keep, report->verdict.warnings, report->verdict.warning_count);
    for (size_t i = 0; i < report->residency.pin_count; i++)
        if (report->residency.pins[i].site_index != SIZE_MAX) keep[report->residency.pins[i].site_index] = true;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && !error; i++) error = keep_large(keep, report, sizes[i]);
    return error;
}

static size_t at_most_findings(size_t count) { return count < MOST_FINDINGS ? count : MOST_FINDINGS; }

/* The report with what is kept only; its sites are to be freed. */
static int cut(const struct report *report, struct report *out) {
    bool *keep = calloc(report->site_count + 1, sizeof *keep);
    *out = *report;
    out->sites = calloc(report->site_count + 1, sizeof *out->sites);
    int error = keep && out->sites ? choose(keep, report) : -ENOMEM;
    out->site_count = 0;
    for (size_t i = 0; !error && i < report->site_count; i++)
        if (keep[i]) out->sites[out->site_count++] = report->sites[i];
    out->verdict.leak_count = at_most_findings(report->verdict.leak_count);
    out->verdict.warning_count = at_most_findings(report->verdict.warning_count);
    free(keep);
    return error;
}

static json_t *left_out(const struct report *all, const struct report *kept) {
    json_t *object =
        with(json_object(), "leaks", json_integer((json_int_t)(all->verdict.leak_count - kept->verdict.leak_count)));
    object =
        with(object, "warnings", json_integer((json_int_t)(all->verdict.warning_count - kept->verdict.warning_count)));
    return with(object, "sites", integer_value(all->sites_total - (int64_t)kept->site_count));
}

/* Sums of source lines, which the page could not make of the findings that are kept. */

struct sum {
    const char *function, *file, *phase;
    int64_t line, stacks;
    double bytes_per_round;
};

static json_t *make_sum(const struct together *together, const char *phase) {
    static const struct member members[] = {TEXT(sum, function), TEXT(sum, file),      TEXT(sum, phase),
                                            INTEGER(sum, line),  INTEGER(sum, stacks), REAL(sum, bytes_per_round)};
    const struct report_site *site = together->site;
    const struct naming name = name_of_site(site);
    const struct sum sum = {.function = together->one_function ? name.text : NULL,
                            .file = site->file,
                            .phase = phase,
                            .line = site->line,
                            .stacks = (int64_t)together->stacks,
                            .bytes_per_round = together->bytes_per_round};
    return object_of(MEMBERS(members), &sum);
}

static void add_sums(json_t *sums, const struct report *report, const struct report_finding *findings, size_t count) {
    struct together together;
    size_t most = json_array_size(sums) + MOST_SUMS;
    for (size_t i = 0; i < count && json_array_size(sums) < most; i++)
        if (together_from(report, findings, count, i, &together))
            json_array_append_new(sums, make_sum(&together, findings[i].phase));
}

static json_t *all_sums(const struct report *report) {
    json_t *sums = json_array();
    add_sums(sums, report, report->verdict.leaks, report->verdict.leak_count);
    add_sums(sums, report, report->verdict.warnings, report->verdict.warning_count);
    return sums;
}

/* Columns. */

static json_t *columns_of(const json_t *rows) {
    json_t *columns = json_object();
    const char *name;
    json_t *value, *row = json_array_get(rows, 0);
    json_object_foreach(row, name, value) {
        json_t *column = json_array();
        for (size_t i = 0; i < json_array_size(rows); i++)
            json_array_append(column, json_object_get(json_array_get(rows, i), name));
        columns = with(columns, name, column);
    }
    return columns;
}

static json_t *with_columns(json_t *object, const char *name) {
    return with(object, name, columns_of(json_object_get(object, name)));
}

/* The page draws none. */
static void drop_ages(json_t *data) {
    json_t *sites = json_object_get(data, "sites");
    for (size_t i = 0; i < json_array_size(sites); i++) json_object_del(json_array_get(sites, i), "ages");
}

int html_data_write(FILE *out, const struct report *report) {
    struct report kept;
    int error = cut(report, &kept);
    json_t *data = error ? NULL : json_of_report(&kept);
    if (data) data = html_pack_stacks(data);
    drop_ages(data);
    if (data) data = with_columns(data, "curve");
    if (data) with_columns(json_object_get(data, "residency"), "looks");
    if (data) data = with(data, "left_out", left_out(report, &kept));
    if (data) data = with(data, "together", all_sums(report));
    free(kept.sites);
    if (!data) return -ENOMEM;
    return json_write_compact(out, data, HTML_DIGITS, "");
}
