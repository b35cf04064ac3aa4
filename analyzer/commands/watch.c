/*
 * tidemark watch: a live view of a target that is being recorded. The target is not stopped and not asked: its trace is
 * read while it grows.
 *
 * Each view reads the trace anew, which costs more the longer it gets; so the time between two views grows with the
 * processor time of a reading, of which a fifth of one processor is used at most. In between, RSS is asked of the
 * kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../launch/living.h"
#include "../launch/mailbox.h"
#include "../nanoseconds.h"
#include "../render/watch.h"
#include "../symbols/symbols.h"
#include "explain.h"
#include "quantity.h"
#include "screen.h"

#define INTERVAL_NS INT64_C(1000000000)
#define REST_NS INT64_C(50000000)
enum { REST_PER_COST = 4, POINTS = 400 };

struct watch_values {
    struct common_values common;
    struct symbol_values symbols;
    bool plain, self;
    int64_t interval, count;
};

static const struct option_row rows[] = {
    OPTION("plain", 0, OPTION_FLAG, NULL, offsetof(struct watch_values, plain),
           "A line for each view, no terminal control"),
    OPTION("interval", 0, OPTION_TIME, "TIME", offsetof(struct watch_values, interval),
           "Time between two views, at least (default 1s)"),
    OPTION("count", 0, OPTION_COUNT, "N", offsetof(struct watch_values, count), "End after so many views"),
    OPTION("self", 0, OPTION_FLAG, NULL, offsetof(struct watch_values, self),
           "This trace alone, without the processes beside it in TRACE.d"),
};
static const struct option_group own_options = {NULL, OPTION_ROWS(rows)};
static const struct option_use uses[] = {
    {&own_options, 0},
    {&symbol_options, offsetof(struct watch_values, symbols)},
    {&common_options, offsetof(struct watch_values, common)},
    {NULL, 0},
};

struct watching {
    const struct watch_values *values;
    char *trace; /* path */
    int64_t pid; /* 0: that of the trace */
    bool plain;
    struct symbols *symbols;
    struct screen screen;
    struct explained now, before;
    int64_t read_ns, before_ns; /* when they were read */
    int64_t cost_ns;            /* of processor time */
};

/* Reading. */

/* `again`: in place of the last view, which missed the end. */
static int read_trace(struct watching *w, bool again) {
    struct common_values quiet = w->values->common;
    const struct filter_values filters = filter_nothing(POINTS);
    struct input_values input = {.self = w->values->self || w->pid};
    quiet.quiet = true;
    struct explain_request request = {.common = &quiet,
                                      .filters = &filters,
                                      .symbols = &w->values->symbols,
                                      .input = &input,
                                      .resolver = w->symbols,
                                      .traces = &w->trace,
                                      .trace_count = 1};
    struct explained read;
    int64_t started = ns_now(CLOCK_MONOTONIC), used = ns_now(CLOCK_PROCESS_CPUTIME_ID);
    int status = explain_open(&request, &read);
    if (status) return status;
    explain_close(again ? &w->now : &w->before);
    if (!again) {
        w->before = w->now;
        w->before_ns = w->read_ns;
    }
    w->now = read;
    w->read_ns = started;
    w->cost_ns = ns_now(CLOCK_PROCESS_CPUTIME_ID) - used;
    return 0;
}

/* A process of another user can't be looked into, but is there. */
static bool is_recorded(int64_t pid) {
    struct mailbox mailbox;
    int error = mailbox_find(&mailbox, (pid_t)pid);
    if (!error) mailbox_close(&mailbox);
    return !error || ((error == -EACCES || error == -EPERM) && (!kill((pid_t)pid, 0) || errno == EPERM));
}

/* NULL: it goes on. */
static const char *end_of(const struct watching *w) {
    const struct report *report = w->now.report;
    if (report->trace.complete) return "the trace is closed";
    const struct report_process *first = report->process_count ? report->processes : NULL;
    const char *kind = first ? report_last_program(report, first)->exit_kind : NULL;
    if (kind && !strcmp(kind, "exec")) return "another program took its place";
    return is_recorded(w->pid ? w->pid : first ? first->pid : 0) ? NULL : "the process has ended";
}

/* Showing. */

static int64_t wanted_interval(const struct watching *w) {
    return w->values->interval == OPTION_ABSENT ? INTERVAL_NS : w->values->interval;
}

static int64_t interval_of(const struct watching *w) {
    int64_t least = wanted_interval(w), rest = w->cost_ns * (REST_PER_COST + 1);
    return rest > least ? rest : least;
}

/* Until the next view is due; on a busy machine that may have been before this one was done. */
static int64_t rest_of(const struct watching *w) {
    int64_t rest = w->read_ns + interval_of(w) - ns_now(CLOCK_MONOTONIC);
    return rest > REST_NS ? rest : REST_NS;
}

static struct watch_view view_of(const struct watching *w, const char *end) {
    return (struct watch_view){.now = w->now.report,
                               .before = w->before.report,
                               .between_ns = w->read_ns - w->before_ns,
                               .state = end ? end : "recording",
                               .cost_ns = w->cost_ns,
                               .interval_ns = interval_of(w),
                               .rows = screen_rows()};
}

static void show_view(const struct watching *w, const struct watch_view *view) {
    struct text_style style = text_style_for(STDOUT_FILENO, color_wanted(&w->values->common, STDOUT_FILENO));
    if (w->plain) {
        render_watch_line(stdout, view, &style);
        return;
    }
    fputs("\033[H", stdout);
    render_watch_screen(stdout, view, &style);
}

static void show(const struct watching *w, const char *end) {
    struct watch_view view = view_of(w, end);
    show_view(w, &view);
}

/* Of the first process, less what the recorder had when the trace was read; -1: it has gone. */
static int64_t rss_now(const struct watching *w) {
    const struct report *report = w->now.report;
    char path[64];
    unsigned long pages = 0;
    if (!report->process_count) return -1;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)living_thread((pid_t)report->processes[0].pid));
    FILE *file = fopen(path, "re");
    int read = file ? fscanf(file, "%*u %lu", &pages) : 0;
    if (file) fclose(file);
    int64_t own = report_last_program(report, &report->processes[0])->recorder_rss_bytes;
    int64_t rss = (int64_t)pages * sysconf(_SC_PAGESIZE) - (own > 0 ? own : 0);
    return read == 1 && rss > 0 ? rss : -1;
}

/* A glance at each interval that was asked for, of a second at least, while the next reading is not due. */
static enum screen_event rest(struct watching *w, int *signal) {
    int64_t wanted = wanted_interval(w) > INTERVAL_NS ? wanted_interval(w) : INTERVAL_NS;
    for (;;) {
        int64_t left = rest_of(w), step = left >= 2 * wanted ? wanted : left;
        enum screen_event event = screen_wait(&w->screen, step, signal);
        int64_t rss = event == SCREEN_TIMEOUT && step < left ? rss_now(w) : -1;
        if (rss < 0) return event;
        struct watch_view view = view_of(w, NULL);
        view.age_ns = ns_now(CLOCK_MONOTONIC) - w->read_ns;
        view.rss_bytes = rss;
        show_view(w, &view);
        fflush(stdout);
    }
}

/* What is left on the terminal when the other screen has gone. */
static void show_last(const struct watching *w, const char *end) {
    struct watch_view view = view_of(w, end);
    struct text_style style = text_style_for(STDOUT_FILENO, color_wanted(&w->values->common, STDOUT_FILENO));
    if (w->now.report) render_watch_line(stdout, &view, &style);
}

/* Views until the end; sets what ended it. A signal that asked to end is the exit status, as a shell has it. */
static int watch(struct watching *w, const char **end) {
    int signal = 0;
    for (int64_t views = 1;; views++) {
        *end = end_of(w);
        if (*end && !w->now.report->trace.complete && !read_trace(w, true)) *end = end_of(w);
        show(w, *end);
        if (*end || views == w->values->count) return STATUS_OK;
        enum screen_event event = rest(w, &signal);
        if (event == SCREEN_QUIT) return signal ? 128 + signal : STATUS_OK;
        int status = read_trace(w, false);
        if (status) return status;
    }
}

static int run_screen(struct watching *w) {
    const char *end = NULL;
    if (screen_open(&w->screen, !w->plain)) {
        say("the terminal can't be used: %s", strerror(errno));
        return STATUS_INTERNAL;
    }
    int status = watch(w, &end);
    screen_close(&w->screen);
    if (!w->plain) show_last(w, end);
    return status;
}

/* The trace of a process, kept open: it can be read on when the process or the file's name has gone. */
static int find_trace(struct watching *w, char path[static MAILBOX_PATH_MAX]) {
    struct mailbox mailbox;
    int error = mailbox_find_path(&mailbox, (pid_t)w->pid, path);
    if (error) {
        say("process %" PRId64 " can't be watched: %s", w->pid, mailbox_explain(error));
        return STATUS_UNREADABLE;
    }
    mailbox_close(&mailbox);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        say("%s: can't be read: %s", path, strerror(errno));
        return STATUS_UNREADABLE;
    }
    snprintf(path, MAILBOX_PATH_MAX, "/proc/self/fd/%d", fd);
    w->trace = path;
    return 0;
}

static int run(void *own, int count, char **arguments) {
    const struct watch_values *values = own;
    char path[MAILBOX_PATH_MAX];
    struct watching w = {.values = values, .trace = arguments[0], .plain = values->plain || !isatty(STDOUT_FILENO)};
    const struct symbol_options options = symbol_options_of(&values->symbols);
    (void)count;
    bool is_pid =
        access(arguments[0], F_OK) != 0 && !quantity_count(arguments[0], &w.pid) && w.pid > 0 && w.pid <= INT_MAX;
    if (!is_pid) w.pid = 0;
    int status = is_pid ? find_trace(&w, path) : 0;
    if (!status && symbols_open(&w.symbols, &options)) status = STATUS_INTERNAL;
    if (!status) status = read_trace(&w, false);
    if (!status) status = run_screen(&w);
    explain_close(&w.now);
    explain_close(&w.before);
    symbols_close(w.symbols);
    return status;
}

const struct command command_watch = {
    .name = "watch",
    .arguments = "PID|TRACE",
    .summary = "A live view of a running target: curve, phases, what grows now, the verdict so far",
    .text = "PID is a process under the recorder, of the same user; TRACE a trace that is being written. The target is "
            "not stopped. The view ends when the trace is closed or the process has gone, and with q. Where stdout is "
            "no terminal, or with --plain, each view is one line.\n\n"
            "Each view reads the whole trace; the time between two grows so that reading takes a fifth of one "
            "processor at most, and the view says how long that is. Where it is long, RSS is shown in "
            "between.\n\n"
            "Exit status: 0; 128 and the signal's number when one ended it; 3 when there is no such process or trace.",
    .values_size = sizeof(struct watch_values),
    .uses = uses,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
