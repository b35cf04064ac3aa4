/*
 * Who holds the resident pages, in a report: the looks, the files, and the blocks that stand in the way. Shares of
 * sites are in the sites' own rows.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../text/file_name.h"
#include "builder.h"
#include "residency_rows.h"

static struct report_look make_look(const struct residency_look *from, int64_t start, bool by_glibc) {
    return (struct report_look){
        .t = report_sum(start, report_count(from->ns)),
        .at_edge = from->edge,
        .rss_bytes = report_count(from->rss),
        .resident_bytes = report_count(residency_sum(from)),
        .sites_bytes = report_count(from->parts[RESIDENCY_SITES]),
        .free_bytes = report_count(from->parts[RESIDENCY_FREE]),
        .stack_bytes = report_count(from->parts[RESIDENCY_STACKS]),
        .code_bytes = report_count(from->parts[RESIDENCY_CODE]),
        .file_bytes = report_count(from->parts[RESIDENCY_FILES]),
        .recorder_bytes = report_count(from->parts[RESIDENCY_RECORDER]),
        .other_bytes = report_count(from->parts[RESIDENCY_OTHER]),
        .slack_bytes = report_count(from->slack),
        .untouched_bytes = report_count(from->untouched),
        .trim_bytes = by_glibc ? report_count(from->trim) : REPORT_NONE,
    };
}

/* malloc_trim is glibc's. */
static bool is_glibc(const char *allocator) { return allocator && strncmp(file_name(allocator), "libc.so", 7) == 0; }

static int larger_first(const void *a, const void *b) {
    const struct report_resident_file *left = a, *right = b;
    int64_t l = left->code_bytes + left->data_bytes, r = right->code_bytes + right->data_bytes;
    return l != r ? (l > r ? -1 : 1) : strcmp(left->path, right->path);
}

static void add_files(struct builder *builder, const struct residency *from) {
    struct report_residency *out = &builder->report->residency;
    out->files = arena_take(builder->arena, from->file_count, sizeof *out->files);
    out->file_count = from->file_count;
    for (size_t i = 0; i < from->file_count; i++) {
        const struct residency_file *file = &from->files[i];
        out->files[i] = (struct report_resident_file){arena_printable(builder->arena, file->name),
                                                      report_count(file->code), report_count(file->data)};
    }
    if (out->file_count) qsort(out->files, out->file_count, sizeof *out->files, larger_first);
}

static void add_pins(struct builder *builder, const struct residency *from, int64_t start) {
    struct report_residency *out = &builder->report->residency;
    out->pins = arena_take(builder->arena, from->pin_count, sizeof *out->pins);
    out->pin_count = from->pin_count;
    out->pins_t = report_sum(start, report_count(from->pins_ns));
    for (size_t i = 0; i < from->pin_count; i++) {
        const struct residency_pin *pin = &from->pins[i];
        out->pins[i] = (struct report_pin){
            .site_index = SIZE_MAX,
            .address = report_count(pin->address),
            .size = report_count(pin->size),
            .born = report_sum(start, report_count(pin->birth_ns)),
            .free_below_bytes = report_count(pin->free_below),
            .blocks_above = report_count(pin->blocks_above),
        };
    }
}

/* -1: there was no look. */
static int64_t highest_own(const struct residency *from) {
    if (!from->look_count) return -1;
    const struct residency_look *look = &from->looks[from->peak];
    return report_count(residency_sum(look) - look->parts[RESIDENCY_RECORDER]);
}

static void forget_pins(struct builder *builder) {
    for (size_t i = 0; i < builder->candidate_count; i++) builder->candidates[i].pins = 0;
}

bool builder_add_residency(struct builder *builder, const struct subject *subject) {
    const struct residency *from = subject->residency;
    struct report_residency *out = &builder->report->residency;
    const struct report_look *best = out->look_count ? &out->looks[out->peak] : NULL;
    if (highest_own(from) <= (best ? best->resident_bytes - best->recorder_bytes : -1)) return false;
    bool by_glibc = is_glibc(subject->trace.tables.process.allocator);
    int64_t start = builder_start_of(builder, subject);
    forget_pins(builder);
    *out = (struct report_residency){.process = report_count(subject->trace.tables.process.pid),
                                     .process_index = (int64_t)builder->report->process_count - 1,
                                     .look_count = from->look_count,
                                     .peak = from->peak,
                                     .end = from->look_count - 1};
    builder->report->totals.explained_share = residency_explained(from);
    out->looks = arena_take(builder->arena, from->look_count, sizeof *out->looks);
    for (size_t i = 0; i < from->look_count; i++) out->looks[i] = make_look(&from->looks[i], start, by_glibc);
    for (size_t i = 0; i < from->share_count; i++) report_add(&out->wasted_bytes, from->shares[i].wasted);
    add_files(builder, from);
    if (by_glibc) add_pins(builder, from, start); /* others have no top at which they cut */
    return true;
}

/* Whether it is of the process that the looks are of. */
static bool is_resident(const struct report *report, const struct report_site *site) {
    return site->process_index == report->residency.process_index;
}

static int64_t sum_of_sites(const struct report *report) {
    int64_t sum = 0;
    for (size_t i = 0; i < report->site_count; i++)
        if (is_resident(report, &report->sites[i]) && report->sites[i].rss_bytes != REPORT_NONE)
            sum = report_sum(sum, report->sites[i].rss_bytes);
    return sum;
}

static size_t index_of(const struct report *report, const char *site) {
    for (size_t i = 0; site && i < report->site_count; i++)
        if (is_resident(report, &report->sites[i]) && strcmp(report->sites[i].id, site) == 0) return i;
    return SIZE_MAX;
}

void residency_sites_changed(struct report *report) {
    struct report_residency *residency = &report->residency;
    if (!residency->look_count) return;
    int64_t rest = residency->looks[residency->end].sites_bytes - sum_of_sites(report);
    residency->other_sites_bytes = rest > 0 ? rest : 0;
    for (size_t i = 0; i < residency->pin_count; i++)
        residency->pins[i].site_index = index_of(report, residency->pins[i].site);
}

/* Sites have their final ids and places, but for what filters do. */
void builder_finish_residency(struct builder *builder) {
    struct report *report = builder->report;
    struct report_residency *out = &report->residency;
    out->explained_share = NAN;
    if (!out->look_count) return;
    const struct report_look *end = &out->looks[out->end];
    int64_t own = end->resident_bytes - end->recorder_bytes;
    if (own > 0) out->explained_share = 1.0 - (double)end->other_bytes / (double)own;
    for (size_t i = 0; i < out->pin_count; i++)
        if (out->pins[i].site_index != SIZE_MAX) out->pins[i].site = report->sites[out->pins[i].site_index].id;
    residency_sites_changed(report);
}
