/*
 * Replays a trace for a report. See subject.h.
 */
#include "subject.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../replay/clock.h"
#include "report.h"

static const struct analysis *const analyses[] = {&totals_analysis,   &sites_analysis,  &curve_analysis,
                                                  &phases_analysis,   &growth_analysis, &residency_analysis,
                                                  &selection_analysis};
#define ANALYSES (sizeof analyses / sizeof *analyses) /* the last only where blocks were chosen */

int subject_open(struct subject *subject, const char *path, struct reader_refusal *refusal) {
    *subject = (struct subject){0};
    return trace_open(&subject->trace, path, refusal);
}

/* The first stamp at or after a time: the clock has no way back, but it never goes backwards. */
static uint64_t stamp_at(struct replay_clock *clock, uint64_t ns) {
    uint64_t low = 0, high = UINT64_MAX >> 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        clock_find(clock, middle);
        if (clock_ns(clock, middle) < ns) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* The last time that the recording tells, in ns; the clock is told with each sample of memory. */
static uint64_t last_told(struct replay_clock *clock, const struct tables *tables) {
    uint64_t stamp = tables->clock_count ? tables->clocks[tables->clock_count - 1].stamp : 0;
    if (tables->end.present && tables->end.stamp > stamp) stamp = tables->end.stamp;
    return clock_ns(clock, stamp);
}

int subject_add_phases(struct subject *subject, const struct phase_intervals *intervals, size_t *left_out) {
    struct tables *tables = &subject->trace.tables;
    struct replay_clock clock;
    struct request_record *edges = calloc(2 * intervals->count + 1, sizeof *edges), *edge = edges;
    if (!edges) return -ENOMEM;
    clock_begin(&clock, tables);
    uint64_t latest = last_told(&clock, tables) + 1000000000u;
    for (size_t i = 0; i < intervals->count; i++) {
        const struct phase_interval *interval = &intervals->items[i];
        if (interval->begin_ns > latest) continue;
        for (int end = 0; end < 2; end++)
            *edge++ = (struct request_record){.stamp = stamp_at(&clock, end ? interval->end_ns : interval->begin_ns),
                                              .command = end ? TRACE_COMMAND_PHASE_END : TRACE_COMMAND_PHASE_BEGIN,
                                              .flags = TRACE_EVENT_APPROXIMATE,
                                              .name = interval->name};
    }
    size_t added = (size_t)(edge - edges);
    *left_out = intervals->count - added / 2;
    int error = tables_add_edges(tables, edges, added);
    free(edges);
    return error;
}

int subject_replay(struct subject *subject, const struct replay_options *options) {
    void *selves[ANALYSES] = {0};
    size_t count = options->choice ? ANALYSES : ANALYSES - 1;
    int error = replay_trace(&subject->trace, analyses, selves, count, options, &subject->replay);
    subject->totals = selves[0];
    subject->sites = selves[1];
    subject->curve = selves[2];
    subject->phases = selves[3];
    subject->growth = selves[4];
    subject->residency = selves[5];
    subject->selection = selves[6];
    return error;
}

void subject_close(struct subject *subject) {
    totals_release(subject->totals);
    sites_release(subject->sites);
    curve_release(subject->curve);
    phases_release(subject->phases);
    residency_release(subject->residency);
    selection_release(subject->selection);
    if (subject->growth) growth_release(subject->growth);
    trace_close(&subject->trace);
    *subject = (struct subject){.trace.input.fd = -1};
}

bool subject_has_phases(const struct subject *subject) { return phases_count(subject->phases) > 1; }

bool subject_has_own_phases(const struct subject *subject) {
    for (size_t i = 1; i < phases_count(subject->phases); i++) {
        const struct phase *phase = phases_get(subject->phases, i);
        if (!phase->approximate && !report_is_between(phase->name)) return true;
    }
    return false;
}

uint64_t subject_start(const struct subject *subject) {
    const struct tables *tables = &subject->trace.tables;
    return tables->clock_count ? tables->clocks[0].boottime : tables->process.start_ns;
}
