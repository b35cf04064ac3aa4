/*
 * A report in the making: what the files of report/ share while they add one process after another.
 */
#ifndef REPORT_BUILDER_H
#define REPORT_BUILDER_H

#include "build.h"
#include "stacks.h"
#include "subject.h"

struct site_slot {
    uint64_t key;  /* 0: free */
    size_t number; /* in the candidates */
};

/* A site that may be shown. Its frames still point into the resolver. */
struct candidate {
    struct report_site row;
    struct histogram lifetimes, sizes;
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
    struct report_curve {
        struct report_point *points;
        size_t count;
        int64_t start;
    } * curves; /* of each process */
    size_t curve_count;
    double explained;
    struct function_calls calls; /* of options->functions */
};

/* A bounded integer as reports hold them. */
static inline int64_t report_count(uint64_t value) { return value > INT64_MAX ? INT64_MAX : (int64_t)value; }

void builder_add_process(struct builder *builder, const struct subject *subject, const char *path);
void builder_add_doubts(struct builder *builder, const struct subject *subject);
/* `judged`: growth findings go into the sites. 0 or -ENOMEM. */
int builder_add_sites(struct builder *builder, struct subject *subject, uint32_t space, bool judged);
void builder_finish_sites(struct builder *builder);
void builder_add_phases(struct builder *builder, const struct subject *subject, bool judged);
void builder_add_curve(struct builder *builder, const struct subject *subject, size_t points);
/* Of the first process. */
void builder_add_residency(struct builder *builder, const struct subject *subject);
/* After the sites. */
void builder_finish_residency(struct builder *builder);
void builder_finish_curve(struct builder *builder);

#endif
