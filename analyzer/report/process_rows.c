/*
 * Processes, totals and doubts of a report.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../text/plural.h"
#include "builder.h"

static const char *iso_time(struct arena *arena, uint64_t realtime_ns) {
    time_t seconds = (time_t)(realtime_ns / 1000000000u);
    struct tm fields;
    char text[40];
    if (!realtime_ns || !gmtime_r(&seconds, &fields)) return NULL;
    size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &fields);
    return length ? arena_format(arena, "%s.%03uZ", text, (unsigned)(realtime_ns / 1000000u % 1000u)) : NULL;
}

static void set_exit(struct report_process *row, const struct subject *subject) {
    const struct tables *t = &subject->trace.tables;
    row->exit_code = REPORT_NONE;
    if (t->exited.present) {
        row->exit_kind = t->exited.kind == TRACE_EXITED_SIGNAL ? "signal" : "code";
        row->exit_code = report_count(t->exited.value);
    } else if (t->end.present ? t->end.how == TRACE_EXIT_EXEC : subject->replay.ended_by_exec) {
        row->exit_kind = "exec";
    } else if (t->end.present) {
        row->exit_kind = "code";
        row->exit_code = (int64_t)(t->end.status & 0xff);
    } else {
        row->exit_kind = "unknown";
    }
}

static void set_args(struct arena *arena, struct report_process *row, const struct process_record *process) {
    row->args = arena_take(arena, process->arg_count, sizeof *row->args);
    row->arg_count = process->arg_count;
    for (size_t i = 0; i < process->arg_count; i++) row->args[i] = arena_text(arena, process->args[i]);
}

/* Since the recorder began to look. */
static int64_t cpu_used(const struct curve *curve) {
    if (curve->first_cpu_ns == CURVE_UNKNOWN || curve->last.cpu_ns < curve->first_cpu_ns) return REPORT_NONE;
    return report_count(curve->last.cpu_ns - curve->first_cpu_ns);
}

static struct report_process *add_process_row(struct builder *builder, const struct subject *subject,
                                              const char *path) {
    struct report *report = builder->report;
    const struct tables *t = &subject->trace.tables;
    struct report_process *row = ARENA_ADD(builder->arena, report->processes, report->process_count);
    uint64_t realtime = t->clock_count ? t->clocks[0].realtime : 0;
    *row = (struct report_process){
        .pid = t->process.present ? report_count(t->process.pid) : (int64_t)subject->trace.input.header.pid,
        .parent = report_count(t->process.parent),
        .exe = arena_text(builder->arena, t->process.exe),
        .started = iso_time(builder->arena, realtime),
        .started_ns = report_count(realtime),
        .duration_ns = report_count(subject->replay.end.ns),
        .cpu_ns = cpu_used(subject->curve),
        .recorder_rss_bytes = report_count(t->end.present ? t->end.recorder_rss : t->memory.recorder_rss),
        .recorder_cpu_ns = t->end.present ? report_count(t->end.recorder_cpu_ns) : REPORT_NONE,
        .fallback_stacks = t->end.present ? report_count(t->end.by_libunwind) : REPORT_NONE,
        .trace_path = arena_printable(builder->arena, path),
        .allocations = report_count(subject->replay.counts.allocations),
        .peak_live_bytes = report_count(subject->totals->peak_live_bytes),
        .peak_rss_bytes = subject->totals->samples ? report_count(subject->totals->peak_rss_bytes) : REPORT_NONE,
        .live_bytes_end = report_count(subject->replay.end.live_bytes),
    };
    set_args(builder->arena, row, &t->process);
    set_exit(row, subject);
    return row;
}

static uint64_t temporary_of(const struct sites *sites) {
    uint64_t temporary = 0;
    for (size_t i = 0; i < sites_count(sites); i++) temporary += sites_get(sites, i)->temporary;
    return temporary;
}

static void add_totals(struct report_totals *totals, const struct subject *subject, bool first) {
    const struct model_counts *counts = &subject->replay.counts;
    report_add(&totals->allocations, counts->allocations);
    report_add(&totals->frees, counts->frees);
    report_add(&totals->failed_allocations, counts->failed);
    report_add(&totals->allocated_bytes, counts->allocated_bytes);
    report_add(&totals->live_bytes_end, subject->replay.end.live_bytes);
    report_add(&totals->live_blocks_end, subject->replay.end.live_blocks);
    report_add(&totals->temporary_allocations, temporary_of(subject->sites));
    report_add(&totals->mappings, counts->mappings);
    report_add(&totals->mapped_bytes_end, counts->mapped_bytes);
    if (!first) return; /* peaks of a tree come from its common curve */
    totals->peak_live_bytes = report_count(subject->totals->peak_live_bytes);
    totals->peak_live_t = report_count(subject->totals->peak_live_ns);
    totals->peak_rss_bytes = subject->totals->samples ? report_count(subject->totals->peak_rss_bytes) : REPORT_NONE;
    /* Without looks: as much as the pages of live blocks explain. */
    totals->explained_share =
        subject->residency->look_count ? residency_explained(subject->residency) : totals_explained(subject->totals);
}

static const char *hex_id(struct arena *arena, const uint8_t id[16]) {
    char *text = arena_take(arena, 33, 1);
    for (int i = 0; i < 16; i++) {
        text[2 * i] = "0123456789abcdef"[id[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[id[i] & 15];
    }
    return text;
}

static bool damaged(const struct trace *trace) {
    const struct trace_damage *d = &trace->input.damage;
    return d->gaps || d->payloads || d->records || d->tail || trace->tables.bad_frames || trace->tables.bad_records ||
           trace->nodes.bad_frames;
}

static void add_trace(struct builder *builder, const struct subject *subject, const char *path, bool first) {
    struct report_trace *row = &builder->report->trace;
    const struct trace *trace = &subject->trace;
    bool cut = !trace->tables.end.present || trace->tables.stopped.present;
    bool lost = trace->input.header.lost || trace->input.damage.events;
    if (first) {
        row->path = arena_printable(builder->arena, path);
        row->run_id = hex_id(builder->arena, trace->input.header.run_id);
        row->complete = true;
    }
    row->complete &= !cut && !lost && !damaged(trace);
    row->recovered |= trace->recovery.ring_count || trace->recovery.journal_length;
    row->cut |= cut && !subject->replay.ended_by_exec;
    builder->endless += !trace->tables.end.present && !subject->replay.ended_by_exec;
    report_add(&row->events, subject->replay.counts.events);
    report_add(&row->lost_events, trace->input.header.lost + trace->input.damage.events);
    report_add(&row->impossible_events, subject->replay.counts.impossible);
    report_add(&row->truncated_stacks, trace->tables.end.partial + trace->tables.end.cut);
    report_add(&row->size_bytes, trace->input.stored);
}

static void set_system(struct builder *builder, const struct process_record *process) {
    builder->report->system = (struct report_system){
        .cpus = process->present ? report_count(process->cpus) : REPORT_NONE,
        .ram_bytes = process->present ? report_count(process->ram_bytes) : REPORT_NONE,
        .kernel = arena_text(builder->arena, process->kernel),
        .libc = arena_text(builder->arena, process->libc),
        .allocator = arena_text(builder->arena, process->allocator),
        .host = arena_text(builder->arena, process->host),
    };
}

void builder_add_process(struct builder *builder, const struct subject *subject, const char *path, bool only_starts) {
    bool first = !builder->report->process_count;
    add_process_row(builder, subject, path)->only_starts = only_starts;
    add_trace(builder, subject, path, first);
    add_totals(&builder->report->totals, subject, first);
    if (first) set_system(builder, &subject->trace.tables.process);
    const char *limit = phases_stopped(subject->phases);
    if (limit && !builder->report->stopped)
        builder->report->stopped =
            *limit ? arena_format(builder->arena, "at a limit: %s", limit) : arena_text(builder->arena, "on request");
}

/* Programs by pid, and those of one pid, which followed each other by exec, by their start. */
struct program {
    int64_t pid, started_ns;
    size_t index;
};

static int by_pid_and_start(const void *a, const void *b) {
    const struct program *left = a, *right = b;
    if (left->pid != right->pid) return left->pid < right->pid ? -1 : 1;
    if (left->started_ns != right->started_ns) return left->started_ns < right->started_ns ? -1 : 1;
    return (left->index > right->index) - (left->index < right->index);
}

/* How many come before this one would. */
static size_t rank_of(const struct program *programs, size_t count, struct program sought) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (by_pid_and_start(&programs[middle], &sought) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* The one that the parent was running then; if it is not here, what ran as the parent first. */
static int64_t parent_of(const struct program *programs, size_t count, const struct report_process *child) {
    size_t first = rank_of(programs, count, (struct program){.pid = child->parent, .started_ns = INT64_MIN});
    size_t next = rank_of(programs, count, (struct program){child->parent, child->started_ns, SIZE_MAX});
    if (child->pid == child->parent || first == count || programs[first].pid != child->parent) return REPORT_NONE;
    return (int64_t)programs[next > first ? next - 1 : first].index;
}

/* Its launcher learnt how a process ended, which only the last of its programs did. */
static void set_exec(struct report *report, const struct program *programs, size_t count) {
    int64_t last_start = 0;
    for (size_t i = count; i-- > 0;) {
        struct report_process *process = &report->processes[programs[i].index];
        if (i + 1 == count || programs[i].pid != programs[i + 1].pid) last_start = programs[i].started_ns;
        if (programs[i].started_ns == last_start) continue;
        process->exit_kind = "exec";
        process->exit_code = REPORT_NONE;
    }
}

void builder_finish_processes(struct builder *builder) {
    struct report *report = builder->report;
    size_t count = report->process_count;
    struct program *programs = arena_take(builder->arena, count + 1, sizeof *programs);
    for (size_t i = 0; i < count; i++)
        programs[i] = (struct program){report->processes[i].pid, report->processes[i].started_ns, i};
    qsort(programs, count, sizeof *programs, by_pid_and_start);
    for (size_t i = 0; i < count; i++)
        report->processes[i].parent_index = parent_of(programs, count, &report->processes[i]);
    set_exec(report, programs, count);
}

void builder_doubt(struct builder *builder, const char *text) {
    struct report *report = builder->report;
    const char **row = ARENA_ADD(builder->arena, report->doubts, report->doubt_count);
    *row = text;
}

/* "process 4711 (/usr/bin/x): ", empty where there is one process only. */
static const char *whose(struct builder *builder, const struct subject *subject) {
    const struct process_record *process = &subject->trace.tables.process;
    if (builder->report->process_count == 1) return "";
    return arena_format(builder->arena, "process %" PRIu64 " (%s): ", process->pid, process->exe ? process->exe : "?");
}

#define DOUBT(condition, format, ...)                                                                                  \
    do {                                                                                                               \
        if (condition) builder_doubt(builder, arena_format(builder->arena, "%s" format, who, __VA_ARGS__));            \
    } while (0)

static const char *const stop_causes[] = {
    "",
    [TRACE_STOP_SIZE] = "its size limit was reached",
    [TRACE_STOP_SPACE] = "the disk was full",
    [TRACE_STOP_FILE] = "writing failed",
    [TRACE_STOP_REQUEST] = "it was asked to stop",
    [TRACE_STOP_DESCRIPTORS] = "no descriptor was left",
};

/* Of the lost events: those that a repair left out. */
static uint64_t damaged_events(const struct trace *trace) {
    uint64_t events = 0, lost = trace->input.header.lost;
    for (size_t i = 0; i < trace->tables.loss_count; i++)
        if (trace->tables.losses[i].cause == TRACE_LOSS_DAMAGE && trace->tables.losses[i].events <= lost - events)
            events += trace->tables.losses[i].events;
    return events;
}

void builder_add_doubts(struct builder *builder, const struct subject *subject) {
    const struct trace *trace = &subject->trace;
    const struct trace_damage *d = &trace->input.damage;
    const struct tables *t = &trace->tables;
    const char *who = whose(builder, subject);
    uint64_t cause = t->stopped.cause < sizeof stop_causes / sizeof *stop_causes ? t->stopped.cause : 0;
    uint64_t impossible = subject->replay.counts.impossible;
    uint64_t misuses = phases_anomalies(subject->phases);
    uint64_t damaged = damaged_events(trace), lost = trace->input.header.lost - damaged;
    DOUBT(lost, "%" PRIu64 " event%s lost while recording", lost, plural_were(lost));
    DOUBT(damaged, "%" PRIu64 " event%s lost by damage to the trace, which was repaired", damaged,
          plural_were(damaged));
    DOUBT(d->payloads, "%" PRIu64 " damaged part%s left out of the trace, with %" PRIu64 " event%s", d->payloads,
          plural_were(d->payloads), d->events, plural(d->events));
    DOUBT(d->gaps, "%" PRIu64 " byte%s of the trace from offset %" PRIu64 " on could not be read", d->gap_bytes,
          plural(d->gap_bytes), d->first_gap);
    DOUBT(d->tail, "%s", "the file ends before its last part: the copy is incomplete, or it is still being written");
    DOUBT(t->bad_frames + t->bad_records, "%" PRIu64 " damaged record%s left out", t->bad_frames + t->bad_records,
          plural_were(t->bad_frames + t->bad_records));
    DOUBT(trace->nodes.bad_frames, "%" PRIu64 " damaged part%s left out of the stacks", trace->nodes.bad_frames,
          plural_were(trace->nodes.bad_frames));
    DOUBT(trace->recovery.bad_slots, "%s", "a buffer of the trace is damaged; the last events of a thread are missing");
    DOUBT(subject->replay.cut_rings, "%" PRIu64 " thread%s a cut event at the end", subject->replay.cut_rings,
          subject->replay.cut_rings == 1 ? " has" : "s have");
    DOUBT(impossible,
          "%" PRIu64
          " event%s others: an allocation where a block was live, or the end of a realloc that had not begun",
          impossible, impossible == 1 ? " contradicts" : "s contradict");
    DOUBT(misuses,
          "%" PRIu64
          " call%s of the API %s not fit: an end whose begin is not in the trace, a name over 255 bytes, or one from a "
          "signal handler",
          misuses, plural(misuses), misuses == 1 ? "does" : "do");
    DOUBT(t->stopped.present, "recording stopped before the process ended: %s", stop_causes[cause]);
    DOUBT(t->end.different, "%" PRIu64 " of %" PRIu64 " checked stack%s differ from libunwind's", t->end.different,
          t->end.checked, plural(t->end.checked));
    DOUBT(!t->process.present, "%s", "the trace does not say which process it describes");
}
