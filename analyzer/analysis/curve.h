/*
 * How memory went over time: at most CURVE_POINTS intervals of equal length, with the extremes in each.
 *
 * The length doubles whenever the trace outgrows it, so the resolution fits any duration without knowing it.
 */
#ifndef ANALYSIS_CURVE_H
#define ANALYSIS_CURVE_H

#include "analysis.h"

#define CURVE_POINTS 4096u
#define CURVE_UNKNOWN UINT64_MAX

struct curve_point {
    uint64_t ns; /* of the highest live bytes in the interval, or of its beginning */
    uint64_t live_min, live_max, live_last;
    uint64_t blocks_max, pinned_max;
    uint64_t rss_max, rss_last, pss_last; /* CURVE_UNKNOWN: no sample; rss less the recorder's own pages */
    uint64_t vms_last, cpu_ns, cpu_at;    /* CURVE_UNKNOWN: no sample; cpu: used so far, and when that was seen */
    int64_t threads, fds;                 /* -1: unknown */
};

struct curve {
    struct curve_point *points;
    size_t count;
    uint64_t width;          /* ns */
    struct curve_point last; /* levels as they are now */
    uint64_t first_cpu_ns;   /* of the first sample; CURVE_UNKNOWN: none */
};

extern const struct analysis curve_analysis; /* begin() returns a struct curve */
void curve_release(struct curve *curve);

#endif
