/*
 * Replays a trace for a report. See subject.h.
 */
#include "subject.h"

static const struct analysis *const analyses[] = {&totals_analysis, &sites_analysis,  &curve_analysis,
                                                  &phases_analysis, &growth_analysis, &selection_analysis};
#define ANALYSES (sizeof analyses / sizeof *analyses) /* the last only where blocks were chosen */

int subject_open(struct subject *subject, const char *path, struct reader_refusal *refusal) {
    *subject = (struct subject){0};
    return trace_open(&subject->trace, path, refusal);
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
    subject->selection = selves[5];
    return error;
}

void subject_close(struct subject *subject) {
    totals_release(subject->totals);
    sites_release(subject->sites);
    curve_release(subject->curve);
    phases_release(subject->phases);
    selection_release(subject->selection);
    if (subject->growth) growth_release(subject->growth);
    trace_close(&subject->trace);
    *subject = (struct subject){.trace.input.fd = -1};
}

bool subject_has_phases(const struct subject *subject) { return phases_count(subject->phases) > 1; }

uint64_t subject_start(const struct subject *subject) {
    const struct tables *tables = &subject->trace.tables;
    return tables->clock_count ? tables->clocks[0].boottime : tables->process.start_ns;
}
