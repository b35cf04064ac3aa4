/*
 * tidemark diff: two traces, or two trees of them, side by side.
 */
#include <errno.h>
#include <unistd.h>

#include "../render/diff.h"
#include "../verdict/limits.h"
#include "explain.h"
#include "files.h"

#define MARGIN_DEFAULT 0.05
enum { LEAST_DEFAULT = 4096, LEAST_RSS_DEFAULT = 4 << 20, SITES_WRITTEN = 2000 };

struct diff_values {
    struct common_values common;
    struct filter_values filters;
    struct symbol_values symbols;
    struct input_values input;
    const char *json, *html, *markdown;
    double margin; /* negative: not given */
    int64_t least, least_rss;
    bool exit_code;
};

static int parse_margin(void *field, const char *text) {
    double *margin = field;
    *margin = -1;
    return !text || (limit_parse(text, LIMIT_SHARE, margin) && *margin >= 0) ? 0 : -EINVAL;
}

static const struct option_row rows[] = {
    OPTION("exit-code", 0, OPTION_FLAG, NULL, offsetof(struct diff_values, exit_code), "End with 1 if anything grew"),
    {"margin", 0, OPTION_CUSTOM, "P%", offsetof(struct diff_values, margin),
     "Differences up to this share are noise (default 5%)", parse_margin, "a share such as 10%"},
    OPTION("least", 0, OPTION_SIZE, "SIZE", offsetof(struct diff_values, least),
           "Differences up to this size are noise (default 4k)"),
    OPTION("least-rss", 0, OPTION_SIZE, "SIZE", offsetof(struct diff_values, least_rss),
           "The same for resident memory (default 4M)"),
};
static const struct option_group own_options = {NULL, OPTION_ROWS(rows)};

static const struct option_row output_rows[] = {
    OPTION("json", 0, OPTION_TEXT, "FILE", offsetof(struct diff_values, json), "Write the comparison as JSON"),
    OPTION("html", 0, OPTION_TEXT, "FILE", offsetof(struct diff_values, html), "Write the comparison as one HTML page"),
    OPTION("markdown", 0, OPTION_TEXT, "FILE", offsetof(struct diff_values, markdown), "Write a summary as Markdown"),
};
static const struct option_group outputs = {"Outputs (FILE - is stdout):", OPTION_ROWS(output_rows)};

static const struct option_use uses[] = {
    {&own_options, 0},
    {&outputs, 0},
    {&filter_options, offsetof(struct diff_values, filters)},
    {&symbol_options, offsetof(struct diff_values, symbols)},
    {&input_options, offsetof(struct diff_values, input)},
    {&common_options, offsetof(struct diff_values, common)},
    {NULL, 0},
};

/* Sites are left out after the comparison, not before. */
static int open_side(const struct diff_values *values, char **trace, struct symbols *symbols, struct explained *out) {
    struct filter_values filters = values->filters;
    filters.top = OPTION_ABSENT;
    struct explain_request request = {.common = &values->common,
                                      .filters = &filters,
                                      .symbols = &values->symbols,
                                      .input = &values->input,
                                      .traces = trace,
                                      .trace_count = 1,
                                      .every_site = true,
                                      .resolver = symbols};
    return explain_open(&request, out);
}

static int write_text(const struct diff_values *values, const struct comparison *comparison) {
    struct text_style style = text_style_for(STDOUT_FILENO, color_wanted(&values->common, STDOUT_FILENO));
    if (file_is_stdout(values->json) || file_is_stdout(values->html) || file_is_stdout(values->markdown)) return 0;
    if (values->filters.top != OPTION_ABSENT) style.sites = (size_t)values->filters.top;
    return file_close(stdout, "-", render_diff_text(stdout, comparison, &style));
}

static int write_outputs(const struct diff_values *values, struct comparison *comparison) {
    const struct {
        const char *path;
        int (*render)(FILE *, const struct comparison *);
    } files[] = {
        {values->json, render_diff_json}, {values->html, render_diff_html}, {values->markdown, render_diff_markdown}};
    size_t most = values->filters.top == OPTION_ABSENT ? SITES_WRITTEN : (size_t)values->filters.top;
    int status = write_text(values, comparison);
    if (comparison->site_count > most) comparison->site_count = most;
    for (size_t i = 0; i < sizeof files / sizeof *files && !status; i++) {
        FILE *file = files[i].path ? file_open(files[i].path) : NULL;
        if (!file) status = files[i].path ? STATUS_INTERNAL : 0;
        else status = file_close(file, files[i].path, files[i].render(file, comparison));
    }
    return status;
}

static int compare(const struct diff_values *values, const struct explained *before, const struct explained *after) {
    const struct compare_tolerance tolerance = {
        .margin = values->margin < 0 ? MARGIN_DEFAULT : values->margin,
        .least = values->least == OPTION_ABSENT ? LEAST_DEFAULT : values->least,
        .least_rss = values->least_rss == OPTION_ABSENT ? LEAST_RSS_DEFAULT : values->least_rss,
    };
    struct comparison *comparison = compare_reports(before->report, after->report, &tolerance, values->filters.sort);
    int status = write_outputs(values, comparison);
    if (!status && values->exit_code && comparison->grew) status = STATUS_GREW;
    comparison_release(comparison);
    return status;
}

static int compare_traces(const struct diff_values *values, char **traces, struct symbols *symbols) {
    struct explained before, after;
    int status = open_side(values, traces, symbols, &before);
    if (status) return status;
    symbols_next(symbols);
    status = open_side(values, traces + 1, symbols, &after);
    if (!status) {
        status = compare(values, &before, &after);
        explain_close(&after);
    }
    explain_close(&before);
    return status;
}

/* Both sides mostly have the same modules, which one resolver reads once. */
static int run(void *own, int count, char **arguments) {
    const struct diff_values *values = own;
    struct symbol_options options = symbol_options_of(&values->symbols);
    struct symbols *symbols;
    (void)count;
    if (symbols_open(&symbols, &options)) {
        say("out of memory");
        return STATUS_INTERNAL;
    }
    int status = compare_traces(values, arguments, symbols);
    symbols_close(symbols);
    return status;
}

const struct command command_diff = {
    .name = "diff",
    .arguments = "OLD NEW",
    .summary = "Compare two traces, or two folders of traces: what grew",
    .text =
        "Totals, phases, verdicts and call sites of two recordings side by side. Call sites are the same where their "
        "functions are: they survive a rebuild. What counts as grown: live bytes at the end and at the peak, of "
        "the whole, of a phase and of a call site; peak RSS; what a phase retains; a leak that was none before. "
        "Times and numbers of allocations are shown, but never count.\n\n"
        "Where the two did different amounts of work (items, operations or rounds of the phase that takes longest), "
        "what builds up with the work is compared for each unit of it, and other values count as changed only if "
        "they changed both as they are and for the work done.\n\n"
        "Exit status: 0; with --exit-code 1 if anything grew; 3 when a trace cannot be read.",
    .values_size = sizeof(struct diff_values),
    .uses = uses,
    .min_arguments = 2,
    .max_arguments = 2,
    .run = run,
};
