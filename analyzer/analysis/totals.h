/*
 * The process in a few numbers: its peak, and how much of its RSS growth the recorded blocks explain.
 */
#ifndef ANALYSIS_TOTALS_H
#define ANALYSIS_TOTALS_H

#include "analysis.h"

struct totals {
    uint64_t peak_live_bytes, peak_live_ns, peak_live_blocks;
    uint64_t samples;
    uint64_t peak_rss_bytes; /* less the recorder's own pages; 0: no sample */
    uint64_t recorder_rss_peak;
    uint64_t first_private, first_pinned; /* at the first sample: rss less shared pages and recorder; pinned pages */
    uint64_t top_private, top_pinned;     /* at the sample with the highest such rss */
};

extern const struct analysis totals_analysis; /* begin() returns a struct totals */
void totals_release(struct totals *totals);

/* 0..1; NAN where the RSS grew by less than a MiB or was not sampled. */
double totals_explained(const struct totals *totals);

#endif
