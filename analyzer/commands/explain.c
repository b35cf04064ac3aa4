/*
 * Report, verdict and outputs of traces: the way from a command line to all of them. See explain.h.
 */
#include "explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../render/github.h"
#include "../render/junit.h"
#include "../render/render.h"
#include "../render/sarif.h"
#include "../report/build.h"
#include "../report/filter.h"
#include "files.h"
#include "progress.h"

#define DEFAULT_POINTS 1000
#define EVERY_SITE_FROM 1000 /* --top: who asks for so many wants all; below, small ones need no names */
#define DEFAULT_TOP 100

struct explaining {
    const struct explain_request *request;
    struct progress progress;
    char what[512];
    bool shown; /* a progress line was begun */
    struct block_choice choice;
};

static void show_progress(void *context, const char *path, uint64_t events, uint64_t expected) {
    struct explaining *self = context;
    char what[sizeof self->what];
    snprintf(what, sizeof what, "reading %s", path);
    if (strcmp(what, self->what)) {
        if (self->shown) progress_end(&self->progress);
        memcpy(self->what, what, sizeof what);
        progress_begin(&self->progress, self->what);
        self->shown = true;
    }
    progress_show(&self->progress, events, expected);
}

static size_t given(int64_t value) { return value == OPTION_ABSENT ? 0 : (size_t)value; }

static uint64_t limit(int64_t value, uint64_t otherwise) {
    return value == OPTION_ABSENT ? otherwise : (uint64_t)value;
}

/* The blocks to be shown, if any option chooses some. */
static bool choose_blocks(struct block_choice *choice, const struct filter_values *f) {
    *choice = (struct block_choice){
        .from_ns = limit(f->from, 0),
        .to_ns = limit(f->to, UINT64_MAX),
        .min_size = limit(f->min_size, 0),
        .max_size = limit(f->max_size, UINT64_MAX),
        .min_life_ns = f->lifetime.given ? (uint64_t)f->lifetime.from : 0,
        .max_life_ns = f->lifetime.given && f->lifetime.to != INT64_MAX ? (uint64_t)f->lifetime.to : UINT64_MAX,
    };
    const int64_t numbers[] = {f->from, f->to, f->min_size, f->max_size};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i] != OPTION_ABSENT) return true;
    return f->lifetime.given || f->thread;
}

static struct build_options options_of(struct explaining *self, const struct rulebook *rules) {
    const struct explain_request *request = self->request;
    const struct filter_values *filters = request->filters;
    struct build_options options = {
        .top = DEFAULT_TOP,
        .points = DEFAULT_POINTS,
        .self = request->input && request->input->self,
        .progress = request->common && request->common->quiet ? NULL : show_progress,
        .progress_context = self,
    };
    if (filters) {
        options.shown_points = given(filters->points);
        if (given(filters->top) > DEFAULT_TOP || filters->site || filters->module || filters->sort)
            options.top = SIZE_MAX;
    }
    if (filters && choose_blocks(&self->choice, filters)) {
        options.choice = &self->choice;
        options.thread = filters->thread;
        options.top = SIZE_MAX;
    }
    options.every_site = request->every_site || (filters && given(filters->top) > EVERY_SITE_FROM);
    options.resolver = request->resolver;
    if (request->symbols) options.symbols = symbol_options_of(request->symbols);
    rulebook_set_options(rules, request->judging, &options);
    return options;
}

static void say_refused(const struct tree *refused) {
    for (size_t i = 0; i < refused->refused_count; i++)
        say("%s: %s", refused->refused[i].path, refused->refused[i].why);
}

static struct text_style style_of(const struct explain_request *request) {
    int fd = fileno(request->stream);
    struct text_style style = text_style_for(fd, request->common ? color_wanted(request->common, fd) : false);
    if (!request->filters) return style;
    style.sites = given(request->filters->top);
    style.depth = given(request->filters->depth);
    return style;
}

static int write_text(const struct explain_request *request, const struct report *report) {
    struct text_style style = style_of(request);
    switch (request->text) {
    case EXPLAIN_NOTHING: return 0;
    case EXPLAIN_VERDICT: return render_verdict(request->stream, report, &style);
    case EXPLAIN_SUMMARY: return render_summary(request->stream, report, &style);
    case EXPLAIN_FULL: return render_text(request->stream, report, &style);
    }
    return -EINVAL;
}

static int write_file(const char *path, const struct report *report, int (*render)(FILE *, const struct report *)) {
    FILE *file = path ? file_open(path) : NULL;
    if (!file) return path ? STATUS_INTERNAL : 0;
    return file_close(file, path, render(file, report));
}

struct output_row {
    size_t path; /* in struct output_values */
    int (*render)(FILE *, const struct report *);
};

static const struct output_row output_rows[] = {
    {offsetof(struct output_values, json), render_json},         {offsetof(struct output_values, html), render_html},
    {offsetof(struct output_values, markdown), render_markdown}, {offsetof(struct output_values, junit), render_junit},
    {offsetof(struct output_values, sarif), render_sarif},
};
#define OUTPUTS (sizeof output_rows / sizeof *output_rows)

static const char *output_path(const struct output_values *outputs, const struct output_row *row) {
    const char *path = NULL;
    if (outputs) memcpy(&path, (const char *)outputs + row->path, sizeof path);
    return path;
}

/* Text on stdout gives way to an output that goes there. */
static bool stdout_taken(const struct explain_request *request) {
    for (size_t i = 0; i < OUTPUTS && request->stream == stdout; i++) {
        if (file_is_stdout(output_path(request->outputs, &output_rows[i]))) return true;
    }
    return false;
}

/* 0, or STATUS_USAGE: what several outputs write to stdout is none of them. */
static int check_outputs(const struct output_values *outputs) {
    size_t taken = outputs && outputs->github;
    for (size_t i = 0; i < OUTPUTS; i++) taken += file_is_stdout(output_path(outputs, &output_rows[i]));
    if (taken < 2) return 0;
    say("only one output can go to stdout");
    return STATUS_USAGE;
}

/* Files first: who reads the text may stop early, which ends the program. */
static int write_outputs(const struct explain_request *request, const struct report *report) {
    int status = 0;
    for (size_t i = 0; i < OUTPUTS && !status; i++)
        status = write_file(output_path(request->outputs, &output_rows[i]), report, output_rows[i].render);
    /* What is wrong with stdout is said when the program ends; of stderr nobody can be told. */
    if (!stdout_taken(request) && write_text(request, report)) status = STATUS_INTERNAL;
    if (!status && request->outputs && request->outputs->github) status = write_file("-", report, render_github);
    return status;
}

static bool is_reversed(int64_t least, int64_t most) {
    return least != OPTION_ABSENT && most != OPTION_ABSENT && least > most;
}

/* 0, or STATUS_USAGE: what is below and above at once is nothing. */
static int check_ranges(const struct filter_values *f) {
    if (!f) return 0;
    const char *empty = is_reversed(f->from, f->to)             ? "--from is after --to"
                        : is_reversed(f->min_size, f->max_size) ? "--min-size is above --max-size"
                                                                : NULL;
    if (!empty) return 0;
    say("%s: nothing lies between them", empty);
    return STATUS_USAGE;
}

/* An empty page is more often a slip of the pen than what was asked for. */
static void say_unmatched(const struct filter_values *f, const struct report *report) {
    int64_t rounds = 0;
    bool any = false;
    for (size_t i = 0; i < report->phase_count; i++)
        if (report->phases[i].rounds > rounds) rounds = report->phases[i].rounds;
    for (size_t i = 0; i < report->site_count; i++) any |= report->sites[i].allocations > 0;
    if (f->phase.glob && !report->phase_count) say_unless_quiet("no phase matches --phase '%s'", f->phase.glob);
    else if (f->phase.glob && f->phase.round > rounds)
        say_unless_quiet("no phase that matches --phase '%s' has a round %lld", f->phase.glob,
                         (long long)f->phase.round);
    if (f->thread && !any) say_unless_quiet("no block that is shown is of a thread '%s'", f->thread);
    if ((f->site || f->module) && !report->site_count)
        say_unless_quiet("no call site matches %s '%s'", f->site ? "--site" : "--module",
                         f->site ? f->site : f->module);
}

static int filter_report(const struct explain_request *request, struct report *report) {
    const struct filter_values *f = request->filters;
    if (!f) return 0;
    struct report_filter filter = {.site = f->site,
                                   .module = f->module,
                                   .phase = f->phase.glob,
                                   .round = f->phase.round,
                                   .top = f->top,
                                   .sort = f->sort};
    if (report_show_only(report, &filter)) return STATUS_INTERNAL; /* they were looked at when the options were read */
    say_unmatched(f, report);
    return 0;
}

static int judge_and_filter(const struct explain_request *request, const struct rulebook *book, struct report *report) {
    struct verdict_rules rules = rulebook_rules(book, request->judging);
    rules.hint = request->hint;
    verdict_decide(report, &rules);
    int status = rulebook_update(book, report);
    return status ? status : filter_report(request, report);
}

static int build(const struct explain_request *request, const struct rulebook *book, const struct phase_sources *phases,
                 struct report **out) {
    struct explaining self = {.request = request};
    struct build_options options = options_of(&self, book);
    options.phases = &phases->intervals;
    options.functions = &phases->functions;
    struct arena *memory = arena_new();
    struct tree refused;
    int error = report_build(out, request->traces, (size_t)request->trace_count, &options, &refused, memory);
    if (self.shown) progress_end(&self.progress);
    say_refused(&refused);
    arena_free(memory);
    if (error && error != -ENOENT) say("the traces can't be analysed: %s", strerror(-error));
    return !error ? 0 : error == -ENOENT ? STATUS_UNREADABLE : STATUS_INTERNAL;
}

/* Where a CI server says that it has put the sources, else where we are. */
static void set_root(struct report *report) {
    const char *const given[] = {getenv("GITHUB_WORKSPACE"), getenv("CI_PROJECT_DIR")};
    char *here = getcwd(NULL, 0);
    report->root = here ? arena_text(report->memory, here) : NULL;
    for (size_t i = sizeof given / sizeof *given; i-- > 0;)
        if (given[i] && given[i][0] == '/') report->root = arena_text(report->memory, given[i]);
    free(here);
}

static int open_with(const struct explain_request *request, struct explained *out) {
    int status = rulebook_open(request->judging, &out->book);
    if (!status) status = build(request, &out->book, &out->phases, &out->report);
    if (!status) set_root(out->report);
    return status ? status : judge_and_filter(request, &out->book, out->report);
}

int explain_check(const struct explain_request *request) {
    struct rulebook book;
    struct phase_sources phases;
    int status = check_outputs(request->outputs);
    if (!status) status = rulebook_open(request->judging, &book);
    if (status) return status;
    rulebook_close(&book);
    /* The file of phases may be what the program writes. */
    const struct input_values input = {.phase_by_function = request->input->phase_by_function};
    status = phase_sources_read(&input, &phases);
    phase_sources_release(&phases);
    return status;
}

int explain_open(const struct explain_request *request, struct explained *out) {
    *out = (struct explained){.report = NULL};
    int status = phase_sources_read(request->input, &out->phases);
    if (!status) status = open_with(request, out);
    if (status) explain_close(out);
    return status;
}

void explain_close(struct explained *explained) {
    report_release(explained->report);
    rulebook_close(&explained->book);
    phase_sources_release(&explained->phases);
    *explained = (struct explained){.report = NULL};
}

int explain_traces(const struct explain_request *request, struct explain_result *out) {
    struct explained explained;
    int status = check_outputs(request->outputs);
    if (!status) status = check_ranges(request->filters);
    if (!status) status = explain_open(request, &explained);
    if (status) return status;
    status = write_outputs(request, explained.report);
    snprintf(out->result, sizeof out->result, "%s", explained.report->verdict.result);
    out->exit_code = explained.report->verdict.exit_code;
    explain_close(&explained);
    return status;
}
