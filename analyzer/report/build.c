/*
 * One process after another into one report. See build.h.
 */
#include "build.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../symbols/names.h"
#include "../text/plural.h"
#include "builder.h"
#include "drivers.h"
#include "modules.h"
#include "object_pools.h"

struct progress {
    const struct build_options *options;
    const char *path;
};

static void pass_progress(void *context, uint64_t events, uint64_t expected) {
    const struct progress *progress = context;
    const struct build_options *options = progress->options;
    if (options->progress) options->progress(options->progress_context, progress->path, events, expected);
}

/* A member that is damaged is a doubt: the files may still be here. */
static int read_names(struct builder *builder, const struct bundle *bundle, uint32_t space,
                      const struct bundle_member *member) {
    uint8_t *bytes;
    int error = member ? bundle_content(bundle, member, &bytes) : 0;
    if (error || !member) return error == -ENOMEM ? error : 0;
    error = names_read(builder->symbols, space, bytes, (size_t)member->size);
    free(bytes);
    if (error == -EBADMSG) builder_doubt(builder, "the bundle's names are damaged");
    return error == -ENOMEM ? error : 0;
}

/* Those of all traces once for each bundle, whose traces follow each other; then what this trace has for itself. */
static int add_names(struct builder *builder, const struct tree_trace *trace, const struct trace_input *input,
                     uint32_t space) {
    const struct bundle *bundle = input->bundle;
    int error = 0;
    if (!bundle) return 0;
    if (!trace->bundle || builder->names_of != trace->bundle)
        error = read_names(builder, bundle, 0, bundle_find(bundle, BUNDLE_NAMES, NULL));
    builder->names_of = trace->bundle;
    return error ? error : read_names(builder, bundle, space, bundle_find(bundle, BUNDLE_JIT, input->member->name));
}

static bool is_named(const struct build_options *options, const struct subject *subject) {
    const char *exe = subject->trace.tables.process.exe;
    return options->names_process && options->names_process(options->process_context, exe);
}

/* A program that only starts others is judged where that is asked for: by name, or by phases that were meant for it. */
static bool only_starts(const struct subject *subject) {
    const struct process_record *process = &subject->trace.tables.process;
    return is_driver(process->exe, process->args, process->arg_count) && !subject_has_own_phases(subject);
}

static int add_replayed(struct builder *builder, struct subject *subject, const char *path, uint32_t space) {
    bool first = space == 0, shown = first || subject_has_phases(subject), named = is_named(builder->options, subject);
    bool driver = only_starts(subject), judged = named || (shown && !driver);
    builder_add_process(builder, subject, path, driver && !named);
    builder_add_doubts(builder, subject);
    builder_add_curve(builder, subject, first);
    if (shown || judged) builder_add_phases(builder, subject, judged);
    bool resident = builder_add_residency(builder, subject);
    return builder_add_sites(builder, subject, space, judged, resident);
}

/* Serials of the threads with this name or tid, ascending. */
static size_t named_threads(const struct tables *tables, const char *name, uint32_t *serials) {
    size_t count = 0;
    for (size_t i = 0; i < tables->thread_count; i++) {
        const struct thread_record *thread = &tables->threads[i];
        char tid[16];
        snprintf(tid, sizeof tid, "%u", thread->tid);
        if (!strcmp(name, tid) || !strcmp(name, thread->name)) serials[count++] = thread->serial;
    }
    return count;
}

static int replay_chosen(struct subject *subject, const struct build_options *options, struct replay_options replay) {
    struct block_choice choice;
    uint32_t *serials = NULL;
    if (options->choice) {
        choice = *options->choice;
        replay.choice = &choice;
    }
    if (options->choice && options->thread) {
        serials = calloc(subject->trace.tables.thread_count + 1, sizeof *serials);
        if (!serials) return -ENOMEM;
        choice.threads = serials;
        choice.thread_count = named_threads(&subject->trace.tables, options->thread, serials);
    }
    int error = subject_replay(subject, &replay);
    free(serials);
    return error;
}

static int add_phases_of_file(struct builder *builder, struct subject *subject, const struct phase_intervals *phases) {
    size_t left_out = 0;
    int error = subject_add_phases(subject, phases, &left_out);
    if (left_out)
        builder_doubt(builder,
                      arena_format(builder->arena,
                                   "%zu of %zu phases of the file begin after the recording ended, and %s left "
                                   "out: times are seconds from its start",
                                   left_out, phases->count, left_out == 1 ? "is" : "are"));
    return error;
}

/* The phases that somebody else than the program knows of. */
static int add_phases(struct builder *builder, struct subject *subject, uint32_t space,
                      const struct replay_options *options) {
    const struct build_options *o = builder->options;
    int error = o->phases && space == 0 ? add_phases_of_file(builder, subject, o->phases) : 0;
    if (error || !o->functions || !o->functions->count) return error;
    return by_function_add_phases(subject, builder->symbols, space, o->functions, options, &builder->calls);
}

/* 0 also where this file can't be read: then it is listed in `refused`. */
static int add_trace(struct builder *builder, const struct tree_trace *trace, uint32_t space, struct tree *refused,
                     struct arena *memory) {
    const char *path = trace->path;
    struct subject subject;
    struct reader_refusal refusal;
    struct progress progress = {builder->options, path};
    struct replay_options options = {.workers = replay_workers(), .progress = pass_progress, .context = &progress};
    int error = subject_open(&subject, path, &refusal);
    if (error) {
        struct tree_refused *row = ARENA_ADD(memory, refused->refused, refused->refused_count);
        *row = (struct tree_refused){arena_text(memory, path), arena_text(memory, reader_explain(&refusal).text)};
        return error == -ENOMEM ? error : 0;
    }
    error = modules_add(builder->symbols, space, &subject.trace, path);
    if (!error) error = add_names(builder, trace, &subject.trace.input, space);
    if (!error) error = add_phases(builder, &subject, space, &options);
    if (!error) error = replay_chosen(&subject, builder->options, options);
    if (!error) error = add_replayed(builder, &subject, path, space);
    subject_close(&subject);
    return error;
}

static int add_all(struct builder *builder, const struct tree *tree, struct tree *refused, struct arena *memory) {
    for (size_t i = 0; i < tree->count; i++) {
        uint32_t space = (uint32_t)builder->report->process_count;
        int error = add_trace(builder, &tree->traces[i], space, refused, memory);
        if (error) return error;
    }
    return builder->report->process_count ? 0 : -ENOENT;
}

static void add_symbol_doubts(struct builder *builder) {
    const char *const *doubts = symbols_doubts(builder->symbols);
    for (; doubts && *doubts; doubts++) builder_doubt(builder, arena_printable(builder->arena, *doubts));
}

/* ---- what could have been asked for instead of a function that nothing ran below ---- */

enum { INSTEAD_TALLIED = 64, INSTEAD_SHOWN = 3 };

struct instead {
    const char *function;
    int64_t allocations;
};

/* A stripped program's own have no name, and libc is what starts programs and threads. */
static bool is_to_ask_for(const struct report_frame *frame) {
    return frame->function && strcmp(frame->function, "main") != 0 && strcmp(frame->function, "_start") != 0 &&
           !(frame->module && strncmp(frame->module, "libc.so", 7) == 0);
}

static const char *outermost_function(const struct report_site *site) {
    size_t i = site->depth;
    while (i && !is_to_ask_for(&site->stack[i - 1])) i--;
    return i ? site->stack[i - 1].function : NULL;
}

static void tally(struct instead *list, size_t *count, const char *function, int64_t allocations) {
    size_t i = 0;
    while (i < *count && strcmp(list[i].function, function) != 0) i++;
    if (i == INSTEAD_TALLIED) return;
    if (i == *count) list[(*count)++] = (struct instead){function, 0};
    list[i].allocations += allocations;
}

static int by_allocations(const void *a, const void *b) {
    const struct instead *x = a, *y = b;
    return (x->allocations < y->allocations) - (x->allocations > y->allocations);
}

/* "; outermost with a name: f, g"; in the arena. */
static const char *functions_instead(const struct builder *builder) {
    struct instead list[INSTEAD_TALLIED] = {{NULL, 0}};
    size_t count = 0;
    for (size_t s = 0; s < builder->report->site_count; s++) {
        const struct report_site *site = &builder->report->sites[s];
        const char *function = outermost_function(site);
        if (function) tally(list, &count, function, site->allocations);
    }
    qsort(list, count, sizeof *list, by_allocations);
    const char *text = "";
    for (size_t i = 0; i < count && i < INSTEAD_SHOWN; i++)
        text = arena_format(builder->arena, "%s%s%s", text, i ? ", " : "; outermost with a name: ", list[i].function);
    return text;
}

static void add_function_doubts(struct builder *builder) {
    const struct function_phases *functions = builder->options->functions;
    for (size_t i = 0; functions && i < functions->count; i++) {
        const char *name = functions->items[i].name;
        if (!builder->calls.calls[i])
            builder_doubt(builder,
                          arena_format(builder->arena, "phase %s: no allocation was made below such a function%s", name,
                                       functions_instead(builder)));
        if (builder->calls.calls[i] == 1)
            builder_doubt(builder,
                          arena_format(builder->arena,
                                       "phase %s: one call of such a function, or several that allocations can't tell "
                                       "apart, for it loops: mark its rounds, or name what it calls once in each",
                                       name));
    }
    if (builder->calls.dropped)
        builder_doubt(builder, arena_format(builder->arena, "%" PRIu64 " call%s too many to be rounds of a phase",
                                            builder->calls.dropped, plural_were(builder->calls.dropped)));
}

static void add_guess_doubt(struct builder *builder) {
    const struct report *report = builder->report;
    size_t guessed = 0;
    for (size_t i = 0; i < report->site_count; i++) guessed += report->sites[i].guessed;
    if (guessed)
        builder_doubt(builder, arena_format(builder->arena,
                                            "stacks of %zu of %zu call sites lead through code without unwind tables: "
                                            "what is outside of it was found by frame pointers, if it keeps any",
                                            guessed, report->site_count));
}

static void add_edge_doubt(struct builder *builder) {
    const struct report *report = builder->report;
    size_t i = 0;
    while (i < report->phase_count && !report->phases[i].approximate) i++;
    if (i < report->phase_count)
        builder_doubt(
            builder,
            "phases are told from outside the program: a block close to an edge of one may count for either side");
}

static const char *no_end(const struct builder *builder) {
    const struct report *report = builder->report;
    const struct report_process *last = report_last_program(report, &report->processes[0]);
    if (report->process_count > 1)
        return arena_format(builder->arena,
                            "of %zu processes %zu were killed or are still running, and what they would have released, "
                            "or have since, is unknown",
                            report->process_count, builder->endless);
    if (last->exit_kind && !strcmp(last->exit_kind, "signal"))
        return arena_format(builder->arena,
                            "signal %" PRId64
                            " ended the process, and what it would have released at its end is unknown",
                            last->exit_code);
    return "the process was killed or is still running, and what it would have released, or has since, is unknown";
}

static void add_end_doubts(struct builder *builder) {
    int64_t partial = builder->report->trace.truncated_stacks;
    if (builder->endless) builder_doubt(builder, no_end(builder));
    if (partial > 0)
        builder_doubt(builder, arena_format(builder->arena, "%" PRId64 " stack%s incomplete at the outer end", partial,
                                            plural_are((uint64_t)partial)));
}

static void finish(struct builder *builder, const struct tree *tree) {
    builder_finish_processes(builder);
    add_end_doubts(builder);
    builder_finish_curve(builder);
    builder_finish_sites(builder);
    builder_finish_residency(builder);
    add_function_doubts(builder);
    add_guess_doubt(builder);
    add_edge_doubt(builder);
    builder_add_pool_doubts(builder);
    builder->report->other_runs = report_count(tree->meant_runs);
    builder->report->unread_named = report_count(tree->unread_named);
    if (tree->absent)
        builder_doubt(builder, arena_format(builder->arena, "%s is not there: what is judged are the processes in %s.d",
                                            arena_printable(builder->arena, tree->absent),
                                            arena_printable(builder->arena, tree->absent)));
    if (tree->other_runs)
        builder_doubt(builder, arena_format(builder->arena, "%zu trace%s left out, of other runs", tree->other_runs,
                                            plural_were(tree->other_runs)));
    add_symbol_doubts(builder); /* last: they may be many */
}

static struct report *new_report(void) {
    struct arena *arena = arena_new();
    struct report *report = arena_take(arena, 1, sizeof *report);
    report->memory = arena;
    return report;
}

int report_build(struct report **out, char *const *paths, size_t count, const struct build_options *options,
                 struct tree *refused, struct arena *memory) {
    int error = tree_find(refused, memory, paths, count, options->self);
    if (error) return error;
    struct builder builder = {.options = options, .report = new_report()};
    builder.arena = builder.report->memory;
    builder.calls.calls =
        arena_take(builder.arena, options->functions ? options->functions->count + 1 : 1, sizeof(uint64_t));
    builder.symbols = options->resolver;
    if (!options->resolver) error = symbols_open(&builder.symbols, &options->symbols);
    struct tree tree = *refused;
    if (!error) error = add_all(&builder, &tree, refused, memory);
    if (!error) finish(&builder, &tree);
    if (!options->resolver) symbols_close(builder.symbols);
    if (error) report_release(builder.report);
    else *out = builder.report;
    return error;
}

void report_release(struct report *report) {
    if (report) arena_free(report->memory);
}
