/*
 * Two reports side by side: the same totals, phases and call sites, what changed between them, and whether that is more
 * than noise. A pure function of two judged reports and a tolerance; both must outlive the comparison.
 *
 * A value changed when it differs by more than the margin of the larger one and by more than the least difference.
 * Where the two did different amounts of work, in the phase that both repeat for the longest time, what builds up with
 * the work (the sites that the verdict finds growing) is compared per unit of work; all other
 * values count as changed only if they lie outside both the old value and the old value scaled by the work.
 *
 * A call site that lost what another one gained has moved: a function was renamed, or the allocator of a program took
 * its next arena below another caller. That is no growth.
 */
#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include "report.h"

enum change { CHANGE_SAME, CHANGE_SHRUNK, CHANGE_GROWN, CHANGE_NEW, CHANGE_GONE, CHANGE_MOVED };
enum { CHANGES = CHANGE_MOVED + 1 };
const char *change_name(enum change change); /* same, shrunk, grown, new, gone, moved */

struct compare_tolerance {
    double margin;     /* share of the larger value, 0..1 */
    int64_t least;     /* bytes */
    int64_t least_rss; /* bytes: where pages lie is decided anew in each run */
};

/* A total: whether it is judged, and how. */
struct compared_total {
    const char *name; /* as in the JSON report */
    int64_t before, after;
    bool judged; /* else shown only */
    enum change change;
};

struct compared_work {
    const char *kind;      /* items, operations, rounds; NULL: the two have nothing to count in common */
    int64_t before, after; /* units */
    double ratio;          /* after / before; 1 where they have nothing in common */
};

struct compared_phase {
    const char *name;
    const struct report_phase *before, *after; /* NULL: only in the other */
    struct compared_work work;
    double kept_before, kept_after; /* retained bytes per unit of work; NAN: absent */
    double time_before, time_after; /* ns per unit of work */
    enum change change;             /* of what it retains and of its peaks */
};

struct compared_numbers {
    int64_t allocations, allocated_bytes, live_bytes_end, live_blocks_end, peak_bytes, live_at_peak, temporary;
};

struct compared_site {
    const char *id;                            /* without the number of sites that differ in the line only */
    const struct report_site *shown;           /* of the new report, else of the old */
    struct compared_numbers before, after, by; /* by: after less before */
    bool scaled;                               /* it builds up: compared per unit of work */
    enum change change;
    const char *other; /* MOVED: id of the site that it moved to or from */
};

struct compared_finding { /* of the verdicts */
    bool leak;            /* else a warning */
    const char *site;     /* id; NULL: of the process */
    const char *function, *phase;
    const char *class_before, *class_after; /* NULL: not found there */
    const char *reason;
    enum change change; /* NEW, GONE, GROWN: it became a leak; SHRUNK: it was one; SAME */
};

struct comparison {
    const struct report *before, *after;
    struct compare_tolerance tolerance;
    struct compared_work work; /* of the phase work_phase; NULL: none in common */
    const char *work_phase;
    struct compared_total *totals;
    size_t total_count;
    struct compared_phase *phases; /* in the order of the new report, then those that are gone */
    size_t phase_count;
    struct compared_site *sites; /* changed ones first, the largest change of all first */
    size_t site_count;
    size_t sites_by_change[CHANGES];
    struct compared_finding *findings;
    size_t finding_count;
    size_t new_leaks;
    bool grew; /* any judged value, phase or site, or a leak that is new */
    struct arena *memory;
};

/* `sort`: live (default, NULL), peak, allocated, allocations, temporary. Ends the program on lack of memory. */
struct comparison *compare_reports(const struct report *before, const struct report *after,
                                   const struct compare_tolerance *tolerance, const char *sort);
void comparison_release(struct comparison *comparison);

#endif
