/*
 * tidemark budget: measures clean runs and proposes limits for later ones.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../verdict/limits.h"
#include "../verdict/propose.h"
#include "explain.h"
#include "files.h"

#define DEFAULT_MARGIN 0.25

struct budget_values {
    struct common_values common;
    double margin; /* 0: the default */
    const char *output;
    bool self;
};

static int parse_margin(void *field, const char *text) {
    double *margin = field;
    if (!text) return 0;
    return limit_parse(text, LIMIT_SHARE, margin) && *margin > 0 ? 0 : -EINVAL;
}

static const struct option_row rows[] = {
    {"margin", 0, OPTION_CUSTOM, "P%", offsetof(struct budget_values, margin),
     "Allow so much more than was seen (default: 25%)", parse_margin, "a share such as 25%"},
    OPTION("output", 'o', OPTION_TEXT, "FILE", offsetof(struct budget_values, output), "Write the budget to this file"),
    OPTION("self", 0, OPTION_FLAG, NULL, offsetof(struct budget_values, self),
           "Each trace alone, without those of its children"),
};
static const struct option_group own_options = {NULL, OPTION_ROWS(rows)};
static const struct option_use uses[] = {
    {&own_options, 0},
    {&common_options, offsetof(struct budget_values, common)},
    {NULL, 0},
};

/* Limits that were measured on a run that leaks let the next leak pass as much: said, once for each site. */
static void tell_leaks(const char *path, const struct report *report) {
    static const char leak[] = "leak"; /* leak-intermittent, too */
    for (size_t i = 0; i < report->site_count; i++) {
        const struct report_site *site = &report->sites[i];
        size_t j = 0;
        while (j < site->growth_count && strncmp(site->growth[j].class_slug, leak, strlen(leak)) != 0) j++;
        if (j == site->growth_count) continue;
        say("%s: %s leaks in %s, and the limits allow for that: better measured on a run that does not leak", path,
            site->function ? site->function : "an unknown function", site->growth[j].phase);
    }
}

/* Each argument is one run. */
static int add_run(struct proposal *proposal, char *path, const struct budget_values *values) {
    const struct input_values input = {.self = values->self};
    const struct explain_request request = {
        .common = &values->common, .input = &input, .traces = &path, .trace_count = 1};
    struct explained explained;
    int status = explain_open(&request, &explained);
    if (status) return status;
    tell_leaks(path, explained.report);
    proposal_add(proposal, explained.report);
    explain_close(&explained);
    return STATUS_OK;
}

static int write_budget(const struct proposal *proposal, const char *path) {
    char *text = proposal_text(proposal);
    FILE *out = text ? file_open(path) : NULL;
    if (!text) say("out of memory");
    int status = out ? file_close(out, path, fputs(text, out) == EOF ? -errno : 0) : STATUS_INTERNAL;
    free(text);
    return status;
}

static int run(void *own, int count, char **arguments) {
    const struct budget_values *values = own;
    struct proposal *proposal = proposal_new(values->margin > 0 ? values->margin : DEFAULT_MARGIN);
    int status = proposal ? STATUS_OK : STATUS_INTERNAL;
    for (int i = 0; i < count && status == STATUS_OK; i++) status = add_run(proposal, arguments[i], values);
    if (status == STATUS_OK) status = write_budget(proposal, values->output ? values->output : "-");
    proposal_release(proposal);
    return status;
}

const struct command command_budget = {
    .name = "budget",
    .arguments = "TRACE...",
    .summary = "Propose a budget file from the traces of clean runs",
    .text =
        "Each TRACE is one run. The limits are the worst values seen and a margin; what depends on the speed of the "
        "machine becomes a warning. Use the file with `tidemark check --budget FILE` or `tidemark run --budget FILE`.",
    .values_size = sizeof(struct budget_values),
    .uses = uses,
    .min_arguments = 1,
    .max_arguments = -1,
    .run = run,
};
