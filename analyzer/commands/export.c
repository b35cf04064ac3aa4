/*
 * tidemark export: the report in the formats of other tools. All sites with whole stacks, so that nothing is missing
 * there.
 */
#include <errno.h>
#include <unistd.h>

#include "../export/export.h"
#include "../text/plural.h"
#include "explain.h"
#include "files.h"

struct export_values {
    struct common_values common;
    struct symbol_values symbols;
    struct input_values input;
    const struct export_format *format;
    const struct export_metric *metric;
    const char *table, *output;
    int64_t points;
};

static int parse_format(void *field, const char *text) {
    const struct export_format **format = field;
    *format = text ? export_format(text) : NULL;
    return text && !*format ? -EINVAL : 0;
}

static int parse_metric(void *field, const char *text) {
    const struct export_metric **metric = field;
    *metric = text ? export_metric(text) : export_metrics;
    return *metric ? 0 : -EINVAL;
}

#define FORMATS "folded, pprof, massif, speedscope, callgrind, heaptrack, perfetto, csv, sqlite, openmetrics"
#define AT(field) offsetof(struct export_values, field)
static const struct option_row rows[] = {
    {"format", 'f', OPTION_CUSTOM, "FORMAT", AT(format), "The format to write", parse_format, "one of " FORMATS},
    {"output", 'o', OPTION_TEXT, "FILE", AT(output), "Write to this file instead of stdout", NULL, NULL},
    {"value", 0, OPTION_CUSTOM, "VALUE", AT(metric),
     "What a stack counts in folded, speedscope and callgrind: live (default), live-blocks, peak, allocated, "
     "allocations, "
     "temporary or rss",
     parse_metric, "one of live, live-blocks, peak, allocated, allocations, temporary, rss"},
    {"table", 0, OPTION_TEXT, "NAME", AT(table),
     "Which table csv writes: sites (default), frames, growth, survivors, phases, rounds, operations, phase_units, "
     "phase_values, "
     "curve, "
     "processes, leaks, warnings or budgets",
     NULL,
     "one of sites, frames, growth, survivors, phases, rounds, operations, phase_units, phase_values, curve, "
     "processes, leaks, "
     "warnings, budgets"},
    {"points", 0, OPTION_CUSTOM, "N", AT(points), "Points of the curve (default 1000)", parse_points, EXPECTED_POINTS},
};
static const struct option_group export_group = {NULL, OPTION_ROWS(rows)};
static const struct option_use uses[] = {
    {&export_group, 0},
    {&symbol_options, offsetof(struct export_values, symbols)},
    {&input_options, offsetof(struct export_values, input)},
    {&common_options, offsetof(struct export_values, common)},
    {NULL, 0},
};

static int write_report(const struct export_values *values, const struct report *report) {
    const struct export_options options = {.metric = values->metric, .table = values->table};
    const char *path = values->output ? values->output : "-";
    FILE *file = file_open(path);
    if (!file) return STATUS_INTERNAL;
    int result = values->format->write(file, report, &options);
    bool no_table = result == -EINVAL;
    if (no_table) say("there is no such table");
    int status = file_close(file, path, no_table ? 0 : result);
    return no_table ? STATUS_USAGE : status;
}

static int run(void *own, int count, char **arguments) {
    const struct export_values *values = own;
    const struct filter_values filters = filter_nothing(values->points);
    const struct explain_request request = {.common = &values->common,
                                            .filters = &filters,
                                            .symbols = &values->symbols,
                                            .input = &values->input,
                                            .traces = arguments,
                                            .trace_count = count,
                                            .every_site = true};
    struct explained explained;
    if (!values->format) {
        say("export: --format is needed: " FORMATS);
        return STATUS_USAGE;
    }
    if (values->format->binary && !values->output && isatty(STDOUT_FILENO)) {
        say("%s is binary; name a file with -o", values->format->name);
        return STATUS_USAGE;
    }
    int status = explain_open(&request, &explained);
    if (status) return status;
    int64_t others = explained.report->other_runs;
    if (others > 0)
        say_unless_quiet("%lld trace%s left out, of other runs", (long long)others, plural_were((uint64_t)others));
    status = write_report(values, explained.report);
    explain_close(&explained);
    return status;
}

const struct command command_export = {
    .name = "export",
    .arguments = "TRACE...",
    .summary = "Write what traces tell in the formats of other tools",
    .text = "Formats: folded (flame graphs), pprof, massif, speedscope, callgrind, heaptrack, perfetto (Chrome trace), "
            "csv, "
            "sqlite (with ready queries as views whose names begin with q_), openmetrics.",
    .values_size = sizeof(struct export_values),
    .uses = uses,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run,
};
