/*
 * A report in the making: what the files of report/ share while they add one process after another.
 */
#ifndef REPORT_BUILDER_H
#define REPORT_BUILDER_H

#include "build.h"
#include "count.h"
#include "stacks.h"
#include "subject.h"

struct site_slot {
    uint64_t key;  /* 0: free */
    size_t number; /* in the candidates */
};

struct timeline {  /* of a process: its slices (analysis/ages.h) */
    int64_t start; /* on the report's axis */
    int64_t end;   /* on its own */
    unsigned shift;
    size_t slices;
    struct slice_histograms *histograms;
};

struct site_course {                                 /* by slice of the process */
    uint64_t live[AGE_SLICES], resident[AGE_SLICES]; /* bytes at its end; at the last look before its end */
    uint64_t grown[AGE_SLICES];                      /* blocks born less ended, modulo 2^64 */
    uint64_t born[AGE_SLICES], born_bytes[AGE_SLICES], temporary[AGE_SLICES];
};

/* A site that may be shown. Its frames still point into the resolver. */
struct candidate {
    struct report_site row;
    struct histogram lifetimes, sizes;
    struct site_course *course;
    size_t timeline;
    uint64_t *ages;            /* AGE_CELLS; NULL: nothing lived at the end of a slice, or not of the first process */
    struct report_site chosen; /* numbers only */
    struct histogram chosen_lifetimes;
    bool grows; /* has a finding that is no pass */
    bool fails;
    bool holds;    /* many pages */
    bool aged;     /* its ages are shown */
    uint32_t pins; /* bit i: it made the block of the report's pin i */
};

struct builder {
    struct arena *arena; /* the report's */
    struct report *report;
    const struct build_options *options;
    struct symbols *symbols;
    const char *names_of; /* bundle whose names were read last */
    struct candidate *candidates;
    size_t candidate_count;
    uint64_t origin_ns; /* CLOCK_BOOTTIME at the start of the first process */
    size_t endless;     /* processes whose trace has no end */
    struct report_curve {
        struct report_point *points;
        size_t count;
        int64_t start;
    } * curves; /* of each process */
    size_t curve_count;
    struct report_curve *shown; /* of each process, with as many points as are to be shown */
    size_t shown_count;
    struct timeline *timelines; /* of each process */
    size_t timeline_count;
    struct function_calls calls; /* of options->functions */
};

void builder_add_process(struct builder *builder, const struct subject *subject, const char *path, bool only_starts);
void builder_finish_processes(struct builder *builder);
void builder_add_doubts(struct builder *builder, const struct subject *subject);
void builder_doubt(struct builder *builder, const char *text); /* of the arena, or constant */
/* `judged`: growth findings go into the sites; `resident`: the residency is this subject's. 0 or -ENOMEM. */
int builder_add_sites(struct builder *builder, struct subject *subject, uint32_t space, bool judged, bool resident);
void builder_finish_sites(struct builder *builder);
void builder_add_phases(struct builder *builder, const struct subject *subject, bool judged);
/* `first`: of CMD, which has more points than the others. */
void builder_add_curve(struct builder *builder, const struct subject *subject, bool first);
/* ns on the report's axis. */
int64_t builder_start_of(const struct builder *builder, const struct subject *subject);
/* After the curve and before the sites, whose course it is of. */
void builder_add_timeline(struct builder *builder, const struct subject *subject);
void builder_add_course(struct builder *builder, struct candidate *candidate, const struct site_stats *stats,
                        const struct residency *residency);
/* When all processes are there: the slices of the report, and what a site did in them. */
void builder_set_slices(struct builder *builder);
void builder_finish_course(struct builder *builder, struct candidate *candidate);
/* Before the sites. Returns whether it is the report's: no process before it had as much resident. */
bool builder_add_residency(struct builder *builder, const struct subject *subject);
/* After the sites. */
void builder_finish_residency(struct builder *builder);
void builder_finish_curve(struct builder *builder);

#endif
