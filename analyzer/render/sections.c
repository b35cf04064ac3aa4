/*
 * The plain tables of the text report: what was recorded, phases, sites, processes, doubts.
 */
#include "sections.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../text/file_name.h"
#include "../text/plural.h"
#include "amount.h"
#include "naming.h"
#include "repeats.h"

enum { INDENT = 4, TREE_DEPTH_MAX = 12, DOUBTS = 8, EVENTS_FOR_SHARE = 10000 };

/* About. */

static void put_exit(struct pen *pen, const struct report_process *process) {
    const char *kind = process->exit_kind ? process->exit_kind : "unknown";
    if (process->exit_code == REPORT_NONE || strcmp(kind, "unknown") == 0 || strcmp(kind, "running") == 0)
        pen_print(pen, "%s",
                  strcmp(kind, "running") == 0 ? "still running"
                  : strcmp(kind, "exec") == 0  ? "exec"
                                               : "end unknown");
    else pen_print(pen, "%s %" PRId64, strcmp(kind, "code") == 0 ? "exit" : kind, process->exit_code);
}

static void put_command(struct pen *pen, const struct report *report) {
    const struct report_process *process = &report->processes[0];
    pen_to(pen, INDENT);
    if (process->arg_count == 0 && process->exe) pen_name(pen, process->exe, pen->style.width - INDENT);
    for (size_t i = 0; i < process->arg_count; i++) {
        if (i) pen_put(pen, " ");
        int room = pen->style.width - pen->column;
        if (room < 12) {
            pen_put(pen, "…");
            break;
        }
        bool quoted = !process->args[i][0] || strpbrk(process->args[i], " \t\n'\"\\$`*?;&|<>()#~");
        if (quoted) pen_put(pen, "'");
        pen_name(pen, process->args[i], quoted ? room - 2 : room);
        if (quoted) pen_put(pen, "'");
    }
    pen_line(pen);
    pen_to(pen, INDENT);
    pen_print(pen, "pid %" PRId64 " · %s · ", process->pid, amount_time_whole(report->duration_ns).text);
    put_exit(pen, report_last_program(report, process));
}

static void compose_trace(FILE *out, const void *object) {
    const struct report_trace *trace = object;
    fprintf(out, "%s event%s", amount_count(trace->events).text, plural((uint64_t)trace->events));
    if (trace->size_bytes <= 0) return;
    fprintf(out, " in %s", amount_bytes(trace->size_bytes).text);
    /* Of few events, or before the end, it is the size of the header and the buffers. */
    if (trace->events >= EVENTS_FOR_SHARE && !trace->recovered)
        fprintf(out, " (%.2f bytes each)", (double)trace->size_bytes / (double)trace->events);
}

static void compose_totals(FILE *out, const void *object) {
    const struct report *report = object;
    const struct report_totals *totals = &report->totals;
    fprintf(out, "%s allocation%s of %s, %s freed", amount_count(totals->allocations).text,
            plural((uint64_t)totals->allocations), amount_bytes(totals->allocated_bytes).text,
            amount_count(totals->frees).text);
    if (totals->temporary_allocations > 0)
        fprintf(out, ", %s temporary", amount_count(totals->temporary_allocations).text);
    if (totals->failed_allocations > 0) fprintf(out, ", %s failed", amount_count(totals->failed_allocations).text);
    fprintf(out, "; %s live in %s block%s ", amount_bytes(totals->live_bytes_end).text,
            amount_count(totals->live_blocks_end).text, plural((uint64_t)totals->live_blocks_end));
    /* The sum may be above the peak of all: they did not end together. */
    if (report->process_count > 1) fprintf(out, "where its %zu processes ended", report->process_count);
    else fputs("at the end", out);
    if (isfinite(totals->explained_share))
        fprintf(out, "; the trace explains %s of the growth of RSS", amount_share(totals->explained_share).text);
}

void section_about(struct pen *pen, const struct report *report) {
    if (report->process_count) put_command(pen, report);
    if (pen->column) pen_put(pen, " · ");
    pen_composed(pen, INDENT, compose_trace, &report->trace);
    pen_line(pen);
    pen_composed(pen, INDENT, compose_totals, report);
    pen_line(pen);
    pen_line(pen);
}

/* Phases. */

/* Columns of the table, by their right edges counted from the end of the name. */
enum phase_column { PHASE_ROUNDS, PHASE_TIME, PHASE_RATE, PHASE_RSS, PHASE_LIVE, PHASE_KEPT, PHASE_COLUMNS };
static const struct {
    const char *title;
    int width, least; /* least: width of the page from which on it is shown */
} phase_columns[PHASE_COLUMNS] = {
    {"rounds", 7, 0},     {"time", 9, 0}, {"items/s", 8, 92}, {"RSS peak", 10, 0}, {"live start > end", 22, 92},
    {"kept/round", 11, 0}};

static int phase_name_width(const struct pen *pen) {
    int width = pen->style.width - 14;
    for (size_t i = 0; i < PHASE_COLUMNS; i++)
        if (pen->style.width >= phase_columns[i].least) width -= phase_columns[i].width;
    return width < 12 ? 12 : width > 40 ? 40 : width;
}

static void put_phase_cells(struct pen *pen, const char *const cells[PHASE_COLUMNS]) {
    for (size_t i = 0; i < PHASE_COLUMNS; i++)
        if (pen->style.width >= phase_columns[i].least) pen_right(pen, phase_columns[i].width, cells[i]);
}

static void put_phase_head(struct pen *pen) {
    const char *titles[PHASE_COLUMNS];
    for (size_t i = 0; i < PHASE_COLUMNS; i++) titles[i] = phase_columns[i].title;
    pen_tinted(pen, TINT_TITLE, "Phases");
    pen_tint(pen, TINT_FAINT);
    pen_to(pen, phase_name_width(pen));
    put_phase_cells(pen, titles);
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
}

static int nesting(const struct report *report, const struct report_phase *phase) {
    int depth = 0;
    for (const char *parent = phase->parent; parent && depth < TREE_DEPTH_MAX; depth++) {
        const struct report_phase *found = NULL;
        for (size_t i = 0; i < report->phase_count && !found; i++)
            if (strcmp(report->phases[i].name, parent) == 0) found = &report->phases[i];
        parent = found ? found->parent : NULL;
    }
    return depth;
}

static enum tint diagnosis_tint(const char *diagnosis) {
    return strcmp(diagnosis, "steady") == 0 ? TINT_GOOD : TINT_WARN;
}

/* Of a tree: whose phase it is, where it is not the first program's. */
static void put_program(struct pen *pen, const struct report *report, const struct report_phase *phase) {
    const int room = phase_name_width(pen) - pen->column - 2;
    if (!phase->process_index || room < 3) return;
    const char *exe = report->processes[phase->process_index].exe;
    pen_put(pen, " ");
    pen_tint(pen, TINT_FAINT);
    pen_name(pen, exe ? file_name(exe) : "?", room);
    pen_tint(pen, TINT_NONE);
}

static void put_phase(struct pen *pen, const struct report *report, const struct report_phase *phase) {
    int indent = 2 + 2 * nesting(report, phase);
    char live[80];
    const struct amount rounds = amount_count(phase->rounds), time = amount_time_whole(phase->duration_ns),
                        rate = amount_number(phase->items_per_s), rss = amount_bytes(phase->rss_peak),
                        kept = amount_bytes_real(phase->retained_per_round);
    snprintf(live, sizeof live, "%s → %s", amount_bytes(phase->live_start).text, amount_bytes(phase->live_end).text);
    const char *const cells[PHASE_COLUMNS] = {rounds.text, time.text, rate.text, rss.text, live, kept.text};
    pen_to(pen, indent);
    pen_name(pen, phase->name, phase_name_width(pen) - indent - 1);
    put_program(pen, report, phase);
    pen_to(pen, phase_name_width(pen));
    put_phase_cells(pen, cells);
    if (phase->diagnosis) {
        pen_put(pen, " ");
        pen_tinted(pen, diagnosis_tint(phase->diagnosis), phase->diagnosis);
    }
    pen_line(pen);
}

/* "RSS grows 3.10 MiB a second (95%: 2.90 MiB to 3.30 MiB), live 3.00 MiB; 23.5 GiB are reached in 2h 5m". */
static void compose_growth(FILE *out, const void *object) {
    const struct report_phase *phase = object;
    const struct report_rate *rss = &phase->rss_growth;
    fprintf(out, "RSS grows %s a second (95%%: %s to %s)", amount_bytes_real(rss->value).text,
            amount_bytes_real(rss->low).text, amount_bytes_real(rss->high).text);
    if (isfinite(phase->live_growth.value))
        fprintf(out, ", live bytes %s", amount_bytes_real(phase->live_growth.value).text);
    fprintf(out, "; at this rate it reaches %s in %s", amount_bytes(phase->limit_bytes).text,
            amount_time(phase->limit_s * 1e9).text);
}

/* Where one line of output ends a round and begins the next, nothing lies between. */
static bool is_empty(const struct report_phase *phase) {
    return report_is_between(phase->name) && phase->allocations == 0 && phase->duration_ns < 1000 * phase->rounds;
}

static void put_growth(struct pen *pen, const struct report_phase *phase) {
    if (!isfinite(phase->limit_s) || report_is_between(phase->name)) return;
    pen_to(pen, INDENT + 2);
    pen_composed(pen, INDENT + 2, compose_growth, phase);
    pen_line(pen);
}

#define DRIFT_TOLD 0.1 /* what an operation's times may change without a word */

static void compose_op(FILE *out, const void *object) {
    const struct report_op *op = object;
    fprintf(out, "%s: %s", op->name, amount_count(op->count).text);
    if (isfinite(op->per_s)) fprintf(out, ", %s/s", amount_number(op->per_s).text);
    if (op->failed > 0) fprintf(out, ", %s failed", amount_count(op->failed).text);
    if (op->rejected > 0) fprintf(out, ", %s rejected", amount_count(op->rejected).text);
    fprintf(out, " · mean %s, p50 %s, p95 %s, p99 %s, max %s", amount_time(op->ns.mean).text,
            amount_time(op->ns.p50).text, amount_time(op->ns.p95).text, amount_time(op->ns.p99).text,
            amount_time(op->ns.max).text);
    if (fabs(op->ns.drift) >= DRIFT_TOLD) fprintf(out, ", drift %+.0f%%", 100 * op->ns.drift);
}

static void put_op(struct pen *pen, const struct report_op *op) {
    pen_to(pen, INDENT + 2);
    pen_composed(pen, INDENT + 2, compose_op, op);
    pen_line(pen);
}

static void put_unit(struct pen *pen, const struct report_unit *unit) {
    pen_to(pen, INDENT + 2);
    pen_name(pen, unit->name, 40);
    pen_print(pen, ": %s", amount_count(unit->items).text);
    if (isfinite(unit->items_per_s)) pen_print(pen, ", %s/s", amount_number(unit->items_per_s).text);
    pen_line(pen);
}

static void put_value(struct pen *pen, const struct report_value *value) {
    pen_to(pen, INDENT + 2);
    pen_name(pen, value->name, 40);
    pen_print(pen, ": %s", amount_number(value->last).text);
    if (value->min < value->max)
        pen_print(pen, " (%s to %s)", amount_number(value->min).text, amount_number(value->max).text);
    pen_line(pen);
}

enum { MARKS_SHOWN = 20 };

static void put_marks(struct pen *pen, const struct report *report) {
    if (report->mark_count == 0) return;
    pen_tinted(pen, TINT_TITLE, "Marks");
    pen_line(pen);
    for (size_t i = 0; i < report->mark_count && i < MARKS_SHOWN; i++) {
        const struct report_mark *mark = &report->marks[i];
        pen_print(pen, "  %-10s %s", amount_time_whole(mark->t).text, mark->name);
        if (mark->process_index > 0) pen_print(pen, " (pid %" PRId64 ")", report->processes[mark->process_index].pid);
        pen_line(pen);
    }
    if (report->mark_count > MARKS_SHOWN) {
        pen_print(pen, "  … and %zu more", report->mark_count - MARKS_SHOWN);
        pen_line(pen);
    }
    pen_line(pen);
}

void section_phases(struct pen *pen, const struct report *report, bool details) {
    if (report->phase_count == 0) return;
    put_phase_head(pen);
    size_t repeated = 0;
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        bool repeats = phase_is_repeated(report, i);
        repeated += repeats;
        if (repeats || is_empty(phase)) continue;
        put_phase(pen, report, phase);
        if (details) put_growth(pen, phase);
        for (size_t k = 0; details && k < phase->unit_count; k++) put_unit(pen, &phase->units[k]);
        for (size_t k = 0; details && k < phase->op_count; k++) put_op(pen, &phase->ops[k]);
        for (size_t k = 0; details && k < phase->value_count; k++) put_value(pen, &phase->values[k]);
    }
    if (repeated) pen_print(pen, "  … and %zu more of further processes of these programs", repeated);
    if (repeated) pen_line(pen);
    pen_line(pen);
    if (details) put_marks(pen, report);
}

/* Sites. */

enum {
    SITE_LIVE = 11,
    SITE_BLOCKS = 9,
    SITE_PEAK = 11,
    SITE_ALLOCATED = 11,
    SITE_NAME = SITE_LIVE + SITE_BLOCKS + SITE_PEAK + SITE_ALLOCATED + 2,
    PLACE = 26,           /* file and line */
    ROOM_WITH_PLACE = 44, /* for both name and place */
};

/* The class that says most: anything but a pass. */
static const char *class_of(const struct report_site *site) {
    static const char *const quiet[] = {"released", "one-time", "bounded", "sawtooth",
                                        "backlog",  "returned", "runtime", "not-judged"};
    for (size_t i = 0; i < site->growth_count; i++) {
        const char *slug = site->growth[i].class_slug;
        bool loud = slug != NULL;
        for (size_t k = 0; loud && k < sizeof quiet / sizeof *quiet; k++) loud = strcmp(slug, quiet[k]) != 0;
        if (loud) return slug;
    }
    return site->growth_count ? site->growth[0].class_slug : NULL;
}

void section_callers(struct pen *pen, const struct report_site *site, int column) {
    bool any = false;
    for (size_t i = 1; i < site->depth; i++) {
        const char *name = site->stack[i].function;
        int room = pen->style.width - pen->column - 3;
        if (room < 12) break;
        if (!name) continue;
        if (!any) {
            pen_to(pen, column);
            pen_tint(pen, TINT_FAINT);
        }
        pen_put(pen, any ? " ← " : "← ");
        pen_name(pen, name, room < 34 ? room : 34);
        any = true;
    }
    if (!any) return;
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
}

static void put_site_place(struct pen *pen, const struct report_site *site) {
    const char *place = site->file ? site->file : site->module;
    if (!place) return;
    pen_put(pen, " ");
    pen_name(pen, file_name(place), PLACE - 7);
    if (site->file && site->line > 0) pen_print(pen, ":%" PRId64, site->line);
}

static void put_site(struct pen *pen, const struct report_site *site) {
    const char *slug = class_of(site);
    pen_right(pen, SITE_LIVE, amount_bytes(site->live_bytes_end).text);
    pen_right(pen, SITE_BLOCKS, amount_count(site->live_blocks_end).text);
    pen_right(pen, SITE_PEAK, amount_bytes(site->peak_bytes).text);
    pen_right(pen, SITE_ALLOCATED, amount_bytes(site->allocated_bytes).text);
    pen_to(pen, SITE_NAME);
    int room = pen->style.width - SITE_NAME - (slug ? pen_width_of(slug) + 3 : 0);
    pen_tint(pen, TINT_NAME);
    pen_name(pen, name_of_site(site).text, room < ROOM_WITH_PLACE ? room : room - PLACE);
    pen_tint(pen, TINT_FAINT);
    if (room >= ROOM_WITH_PLACE) put_site_place(pen, site);
    pen_tint(pen, TINT_NONE);
    if (slug) pen_print(pen, " [%s]", slug);
    pen_line(pen);
    section_callers(pen, site, SITE_NAME);
}

/* Small sites of other processes may not be in the report. */
static void put_repeats(struct pen *pen, const struct repeats *repeats, bool all) {
    if (!repeats->sites) return;
    pen_to(pen, SITE_NAME);
    pen_tint(pen, TINT_FAINT);
    pen_print(pen, "also in %zu %sprocess%s: %s", repeats->sites, all ? "" : "or more ",
              all && repeats->sites == 1 ? "" : "es", amount_bytes(repeats->live_bytes).text);
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
}

void section_sites(struct pen *pen, const struct report *report) {
    size_t most = pen->style.sites ? pen->style.sites : 10;
    if (report->site_count == 0) return;
    pen_tinted(pen, TINT_TITLE, "Call sites");
    pen_line(pen);
    pen_tint(pen, TINT_FAINT);
    pen_right(pen, SITE_LIVE, "live");
    pen_right(pen, SITE_BLOCKS, "blocks");
    pen_right(pen, SITE_PEAK, "peak");
    pen_right(pen, SITE_ALLOCATED, "allocated");
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
    int64_t total =
        report->sites_total > (int64_t)report->site_count ? report->sites_total : (int64_t)report->site_count;
    size_t shown = 0, told = 0;
    for (size_t i = 0; i < report->site_count && shown < most; i++) {
        if (site_is_repeated(report, i)) continue;
        struct repeats repeats = repeats_of_site(report, i);
        put_site(pen, &report->sites[i]);
        put_repeats(pen, &repeats, total == (int64_t)report->site_count);
        shown++;
        told += 1 + repeats.sites;
    }
    if ((int64_t)told < total) {
        pen_to(pen, SITE_NAME);
        pen_print(pen, "… %" PRId64 " more (--top N)", total - (int64_t)told);
        pen_line(pen);
    }
    pen_line(pen);
}

/* Processes. */

enum { TIME = 36, END = 46, RSS = 60, RESULT = 71 };

static void put_process(struct pen *pen, const struct report_process *process, int depth) {
    pen_to(pen, 2 + 2 * depth);
    pen_print(pen, "%s%" PRId64 " ", depth ? "└ " : "", process->pid);
    pen_name(pen, process->exe ? file_name(process->exe) : "?", TIME - pen->column - 1);
    pen_to(pen, TIME);
    pen_put(pen, amount_time_whole(process->duration_ns).text);
    pen_to(pen, END);
    put_exit(pen, process);
    pen_to(pen, RSS);
    pen_put(pen, amount_bytes(process->peak_rss_bytes).text);
    if (process->result) {
        pen_to(pen, RESULT);
        pen_put(pen, process->result);
    }
    pen_line(pen);
}

/* The children of the process with this index, REPORT_NONE for those whose parent was not recorded, and theirs. */
static void put_children(struct pen *pen, const struct report *report, int64_t parent, int depth, size_t *room) {
    for (size_t i = 0; i<report->process_count && * room> 0 && depth <= TREE_DEPTH_MAX; i++) {
        if (report->processes[i].parent_index != parent) continue;
        (*room)--;
        put_process(pen, &report->processes[i], depth);
        put_children(pen, report, (int64_t)i, depth + 1, room);
    }
}

/* "programs: 182 bash, 30 ls, 30 sort". */
static void compose_programs(FILE *out, const void *object) {
    enum { PROGRAMS = 8 };
    struct program_count programs[PROGRAMS];
    size_t count = count_programs(object, programs, PROGRAMS);
    fputs("most often:", out);
    for (size_t i = 0; i < count; i++) fprintf(out, "%s %zu %s", i ? "," : "", programs[i].processes, programs[i].name);
}

void section_processes(struct pen *pen, const struct report *report) {
    enum { SHOWN_MAX = 40 };
    size_t room = SHOWN_MAX;
    if (report->process_count < 2) return;
    pen_tinted(pen, TINT_TITLE, "Processes");
    pen_tint(pen, TINT_FAINT);
    pen_print(pen, " %zu", report->process_count);
    pen_to(pen, TIME);
    pen_put(pen, "time");
    pen_to(pen, END);
    pen_put(pen, "end");
    pen_to(pen, RSS);
    pen_put(pen, "peak RSS");
    pen_tint(pen, TINT_NONE);
    pen_line(pen);
    put_children(pen, report, REPORT_NONE, 0, &room);
    if (room == 0 && report->process_count > SHOWN_MAX) {
        pen_to(pen, 2);
        pen_print(pen, "… and %zu more; ", report->process_count - SHOWN_MAX);
        pen_composed(pen, INDENT, compose_programs, report);
        pen_line(pen);
    }
    pen_line(pen);
}

/* Doubts. */

static void put_doubt(struct pen *pen, const char *text) {
    pen_put(pen, "  • ");
    pen_wrapped(pen, text, INDENT);
    pen_line(pen);
}

void section_doubts(struct pen *pen, const struct report *report) {
    if (report->doubt_count == 0) return;
    pen_tinted(pen, TINT_TITLE, "Doubts and losses");
    pen_line(pen);
    size_t most = pen->style.sites > DOUBTS ? pen->style.sites : DOUBTS;
    for (size_t i = 0; i < report->doubt_count && i < most; i++) put_doubt(pen, report->doubts[i]);
    if (report->doubt_count > most) {
        pen_print(pen, "  … and %zu more (--top N or --json shows them)", report->doubt_count - most);
        pen_line(pen);
    }
    pen_line(pen);
}
