/*
 * What sites did over the run, in slices: each process has its own, which become those of the report when the last
 * process is known. A process that has ended holds nothing any more.
 */
#include "builder.h"

#define GONE SIZE_MAX

int64_t builder_start_of(const struct builder *builder, const struct subject *subject) {
    int64_t start = (int64_t)(subject_start(subject) - builder->origin_ns);
    return start > 0 ? start : 0;
}

void builder_add_timeline(struct builder *builder, const struct subject *subject) {
    const struct age_clock *clock = sites_clock(subject->sites);
    const struct slice_histograms *histograms = sites_histograms(subject->sites);
    struct timeline *line = ARENA_ADD(builder->arena, builder->timelines, builder->timeline_count);
    *line = (struct timeline){.start = builder_start_of(builder, subject),
                              .end = report_count(subject->replay.end.ns),
                              .shift = clock->shift,
                              .slices = clock->slice + 1};
    line->histograms = arena_take(builder->arena, line->slices, sizeof *line->histograms);
    for (size_t i = 0; i < line->slices; i++) line->histograms[i] = histograms[i];
}

static void add_live(struct site_course *course, const struct ages *ages, size_t slices) {
    uint64_t cells[AGE_CELLS] = {0};
    if (!ages_any(ages)) return;
    ages_add_rows(ages, cells);
    for (uint32_t slice = 0; slice < slices; slice++)
        for (uint32_t birth = 0; birth <= slice; birth++) course->live[slice] += cells[ages_cell(slice, birth)];
}

static void add_counts(struct site_course *course, const struct slice_list *list) {
    for (uint32_t i = 0; i < list->count; i++) {
        const struct slice_counts *counts = &list->items[i];
        course->born[counts->slice] += counts->allocations;
        course->born_bytes[counts->slice] += counts->bytes;
        course->temporary[counts->slice] += counts->temporary;
        course->grown[counts->slice] += counts->blocks;
    }
}

/* Of a stack that held pages at some look. Its slices are those of the sites, or halves or doubles of them. */
static void add_resident(struct site_course *course, const struct residency *residency, uint32_t stack,
                         const struct timeline *line) {
    const struct residency_share *share = residency_of(residency, stack);
    uint64_t bytes = 0;
    for (uint32_t slice = 0, at = 0; share && slice < line->slices; slice++) {
        uint64_t end = ((slice + 1ull) << line->shift) - 1;
        for (; at < share->course_count && share->course[at].slice <= age_slice(&residency->clock, end); at++)
            bytes = share->course[at].bytes;
        course->resident[slice] += bytes;
    }
}

void builder_add_course(struct builder *builder, struct candidate *candidate, const struct site_stats *stats,
                        const struct residency *residency) {
    const struct timeline *line = &builder->timelines[builder->timeline_count - 1];
    if (!candidate->course) candidate->course = arena_take(builder->arena, 1, sizeof *candidate->course);
    candidate->timeline = builder->timeline_count - 1;
    add_live(candidate->course, &stats->ages, line->slices);
    add_counts(candidate->course, &stats->slices);
    add_resident(candidate->course, residency, stats->stack, line);
    if (builder->timeline_count > 1 || !ages_any(&stats->ages)) return;
    if (!candidate->ages) candidate->ages = arena_take(builder->arena, AGE_CELLS, sizeof *candidate->ages);
    ages_add_rows(&stats->ages, candidate->ages);
}

/* From the process's slices to those of the report. */

static int64_t end_of_slice(const struct report *report, size_t slice) {
    int64_t end = report->slice_ns * ((int64_t)slice + 1);
    return end < report->duration_ns ? end : report->duration_ns;
}

/* The process's slice that ends nearest to the report's; GONE: the process did not run then. */
static size_t slice_at(const struct report *report, const struct timeline *line, size_t slice) {
    int64_t t = end_of_slice(report, slice) - line->start, half = ((int64_t)1 << line->shift) / 2;
    if (t == line->end) return line->slices - 1;
    if (t > line->end || t < half) return GONE;
    size_t at = (size_t)((t + half) >> line->shift) - 1;
    return at < line->slices ? at : line->slices - 1; /* nothing happens after the last one */
}

/* The slice of the report in which the middle of the process's slice lies. */
static size_t slice_of(const struct report *report, const struct timeline *line, size_t slice) {
    int64_t middle =
        report_sum(line->start, report_count(((uint64_t)slice << line->shift) + ((uint64_t)1 << line->shift) / 2));
    size_t at = (size_t)(middle / report->slice_ns);
    return at < report->slice_count ? at : report->slice_count - 1;
}

static int64_t *levels(struct builder *builder, const struct timeline *line, const uint64_t *from) {
    const struct report *report = builder->report;
    int64_t *out = arena_take(builder->arena, report->slice_count, sizeof *out);
    for (size_t i = 0; i < report->slice_count; i++) {
        size_t at = slice_at(report, line, i);
        if (at != GONE) out[i] = report_count(from[at]);
    }
    return out;
}

static int64_t *sums(struct builder *builder, const struct timeline *line, const uint64_t *from) {
    const struct report *report = builder->report;
    int64_t *out = arena_take(builder->arena, report->slice_count, sizeof *out);
    for (size_t i = 0; i < line->slices; i++) report_add(&out[slice_of(report, line, i)], from[i]);
    return out;
}

static void set_ages(struct builder *builder, const struct timeline *line, const struct candidate *candidate,
                     struct report_site *row) {
    const struct report *report = builder->report;
    row->age_count = report->slice_count * (report->slice_count + 1) / 2;
    row->ages = arena_take(builder->arena, row->age_count, sizeof *row->ages);
    for (size_t slice = 0; slice < report->slice_count; slice++) {
        size_t at = slice_at(report, line, slice);
        const uint64_t *births = candidate->ages + at * (at + 1) / 2;
        for (size_t birth = 0; at != GONE && birth <= at; birth++)
            report_add(&row->ages[slice * (slice + 1) / 2 + slice_of(report, line, birth)], births[birth]);
    }
}

void builder_finish_course(struct builder *builder, struct candidate *candidate) {
    struct report_site *row = &candidate->row;
    const struct timeline *line = &builder->timelines[candidate->timeline];
    struct site_course *course = candidate->course;
    uint64_t blocks[AGE_SLICES], sum = 0;
    if (!course) return;
    for (size_t i = 0; i < line->slices; i++) blocks[i] = sum += course->grown[i];
    row->slice_count = builder->report->slice_count;
    row->live = levels(builder, line, course->live);
    row->blocks = levels(builder, line, blocks);
    row->resident = levels(builder, line, course->resident);
    row->born = sums(builder, line, course->born);
    row->born_bytes = sums(builder, line, course->born_bytes);
    row->born_temporary = sums(builder, line, course->temporary);
    if (candidate->ages && candidate->aged) set_ages(builder, line, candidate, row);
}

static void add_histograms(struct report *report, const struct timeline *line) {
    for (size_t i = 0; i < line->slices; i++) {
        struct report_slice *into = &report->slices[slice_of(report, line, i)];
        for (size_t j = 0; j < REPORT_OCTAVES; j++) {
            report_add(&into->sizes[j], line->histograms[i].sizes[j]);
            report_add(&into->lifetimes[j], line->histograms[i].lifetimes[j]);
        }
    }
}

/* Those of the process where there is one, else as many as fit for all. */
void builder_set_slices(struct builder *builder) {
    _Static_assert(REPORT_OCTAVES == HISTOGRAM_OCTAVES, "the report's classes are the histogram's");
    struct report *report = builder->report;
    unsigned shift = 0;
    for (size_t i = 0; i < builder->timeline_count; i++) {
        const struct timeline *line = &builder->timelines[i];
        int64_t end = report_sum(line->start, line->end);
        if (end > report->duration_ns) report->duration_ns = end;
        if (line->shift > shift) shift = line->shift;
    }
    while (report->duration_ns >> shift >= AGE_SLICES) shift++;
    report->slice_ns = (int64_t)1 << shift;
    report->slice_count = (size_t)(report->duration_ns >> shift) + 1;
    report->slices = arena_take(builder->arena, report->slice_count, sizeof *report->slices);
    for (size_t i = 0; i < builder->timeline_count; i++) add_histograms(report, &builder->timelines[i]);
}
