/*
 * Peaks and the explained share. See totals.h.
 */
#include "totals.h"

#include <math.h>
#include <stdlib.h>

#define LEAST_GROWTH (1u << 20) /* below it, allocator set-up and page rounding drown the answer */

static void *totals_begin(const struct replay_facts *facts) {
    (void)facts;
    return calloc(1, sizeof(struct totals));
}

void totals_release(struct totals *totals) { free(totals); }

static void totals_blocks(void *self, const struct block_event *events, size_t count,
                          const struct block_levels *levels) {
    struct totals *totals = self;
    (void)events, (void)count;
    if (levels->bytes_max > totals->peak_live_bytes) {
        totals->peak_live_bytes = levels->bytes_max;
        totals->peak_live_ns = levels->bytes_max_ns;
    }
    if (levels->blocks_max > totals->peak_live_blocks) totals->peak_live_blocks = levels->blocks_max;
}

static uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

static void totals_sample(void *self, const struct memory_sample *sample, const struct moment *now) {
    struct totals *totals = self;
    uint64_t rss = less(sample->rss, sample->recorder_rss);
    uint64_t private = less(rss, sample->shared);
    if (rss > totals->peak_rss_bytes) totals->peak_rss_bytes = rss;
    if (sample->recorder_rss > totals->recorder_rss_peak) totals->recorder_rss_peak = sample->recorder_rss;
    if (!totals->samples++) {
        totals->first_private = totals->top_private = private;
        totals->first_pinned = totals->top_pinned = now->pinned_bytes;
    }
    if (private > totals->top_private) {
        totals->top_private = private;
        totals->top_pinned = now->pinned_bytes;
    }
}

double totals_explained(const struct totals *totals) {
    uint64_t growth = less(totals->top_private, totals->first_private);
    uint64_t pinned = less(totals->top_pinned, totals->first_pinned);
    if (growth < LEAST_GROWTH) return NAN;
    return pinned > growth ? 1.0 : (double)pinned / (double)growth;
}

const struct analysis totals_analysis = {
    .begin = totals_begin,
    .blocks = totals_blocks,
    .sample = totals_sample,
};
