/*
 * What each stack allocated, kept, and how long its blocks lived. Also finds temporary allocations: freed by the thread
 * that made them before it made another.
 *
 * Memory: about 400 bytes for each stack that allocated, its coarse histograms, and what ages.h says of those that hold
 * memory for long.
 */
#ifndef ANALYSIS_SITES_H
#define ANALYSIS_SITES_H

#include "ages.h"
#include "analysis.h"
#include "histogram.h"
#include "slices.h"

extern const struct analysis sites_analysis; /* begin() returns a struct sites */
struct sites;
void sites_release(struct sites *sites);

struct site_stats {
    uint32_t stack;
    uint64_t allocations, allocated_bytes, temporary, failed;
    uint64_t live_bytes, live_blocks, peak_bytes;
    uint64_t live_at_peak;      /* of its bytes, those live when the process had most live */
    struct histogram lifetimes; /* ns; owned by the analysis */
    struct histogram sizes;     /* asked for; owned by the analysis */
    struct ages ages;           /* owned by the analysis */
    struct slice_list slices;   /* owned by the analysis */
};

/* Takes back the count of a block that has just died after this life. What its bytes did to peaks stays. */
void sites_forget(struct sites *sites, const struct block *block, uint64_t life_ns);

/* The slices of the run that ages and slices count in; complete after end(). */
const struct age_clock *sites_clock(const struct sites *sites);

/* Of all sites together, in classes as histogram_octaves() has them. */
struct slice_histograms {
    uint64_t sizes[HISTOGRAM_OCTAVES];     /* of the blocks allocated in the slice */
    uint64_t lifetimes[HISTOGRAM_OCTAVES]; /* of those freed in it */
};
/* One for each slice. */
const struct slice_histograms *sites_histograms(const struct sites *sites);

size_t sites_count(const struct sites *sites);
const struct site_stats *sites_get(const struct sites *sites, size_t index);
/* Index of a stack's statistics, SIZE_MAX if it never allocated. */
size_t sites_find(const struct sites *sites, uint32_t stack);

#endif
