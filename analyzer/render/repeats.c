/*
 * What the processes of a tree have in common, see repeats.h. Sites are the same where their stacks are, address by
 * address: the table has a few rows, each compared with all sites.
 */
#include "repeats.h"

#include <stdlib.h>
#include <string.h>

#include "../must.h"
#include "../report/count.h"
#include "../text/file_name.h"
#include "naming.h"

static bool same_text(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

static bool same_frame(const struct report_frame *a, const struct report_frame *b) {
    return a->offset == b->offset && a->line == b->line && same_text(a->function, b->function) &&
           same_text(a->module, b->module);
}

static bool same_elsewhere(const struct report_site *a, const struct report_site *b) {
    if (a->process_index == b->process_index || a->depth != b->depth) return false;
    for (size_t i = 0; i < a->depth; i++)
        if (!same_frame(&a->stack[i], &b->stack[i])) return false;
    return true;
}

bool site_is_repeated(const struct report *report, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (same_elsewhere(&report->sites[i], &report->sites[index])) return true;
    return false;
}

struct repeats repeats_of_site(const struct report *report, size_t index) {
    struct repeats repeats = {0};
    for (size_t i = index + 1; i < report->site_count; i++) {
        if (!same_elsewhere(&report->sites[index], &report->sites[i])) continue;
        repeats.sites++;
        if (report->sites[i].live_bytes_end > 0)
            report_add(&repeats.live_bytes, (uint64_t)report->sites[i].live_bytes_end);
    }
    return repeats;
}

static const char *program_of(const struct report_process *process) {
    return process->exe ? file_name(process->exe) : "?";
}

static bool is_plain(const struct report_phase *phase) {
    return phase->process_index > 0 && phase->rounds == 1 && !phase->unit_count && !phase->op_count &&
           !phase->value_count;
}

static bool same_phase(const struct report *report, const struct report_phase *a, const struct report_phase *b) {
    return a->process_index != b->process_index && same_text(a->name, b->name) &&
           strcmp(program_of(&report->processes[a->process_index]), program_of(&report->processes[b->process_index])) ==
               0;
}

bool phase_is_repeated(const struct report *report, size_t index) {
    const struct report_phase *phase = &report->phases[index];
    for (size_t i = 0; is_plain(phase) && i < index; i++)
        if (is_plain(&report->phases[i]) && same_phase(report, &report->phases[i], phase)) return true;
    return false;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct program_count *)a)->name, ((const struct program_count *)b)->name);
}

static int by_processes(const void *a, const void *b) {
    const struct program_count *left = a, *right = b;
    if (left->processes != right->processes) return left->processes > right->processes ? -1 : 1;
    return strcmp(left->name, right->name);
}

size_t count_programs(const struct report *report, struct program_count *out, size_t most) {
    struct program_count *all = must(calloc(report->process_count + 1, sizeof *all));
    size_t count = 0;
    for (size_t i = 0; i < report->process_count; i++)
        all[i] = (struct program_count){program_of(&report->processes[i]), 1};
    qsort(all, report->process_count, sizeof *all, by_name);
    for (size_t i = 0; i < report->process_count; i++) {
        if (count && strcmp(all[count - 1].name, all[i].name) == 0) all[count - 1].processes++;
        else all[count++] = all[i];
    }
    qsort(all, count, sizeof *all, by_processes);
    if (count > most) count = most;
    if (count) memcpy(out, all, count * sizeof *out);
    free(all);
    return count;
}
