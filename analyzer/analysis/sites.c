/*
 * Statistics per stack. See sites.h.
 *
 * "Live at the process's peak" costs nothing per peak: each stack remembers for which peak its value was taken, and
 * takes it just before its first change after a new peak.
 */
#include "sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../list.h"
#include "../must.h"

#define THREADS 4096u /* power of two; threads whose serials collide may hide a temporary allocation */

struct site {
    struct site_stats stats;
    uint64_t peak_number; /* of the peak that live_at_peak belongs to */
};

struct last_birth {
    uint32_t thread;
    uint64_t event; /* birth_event + 1 of the block that the thread allocated last */
};

struct sites {
    struct site *list;
    size_t count;
    uint32_t *indices; /* by stack id: index + 1, 0 for none */
    size_t room;       /* ids that have a place there */
    uint64_t peak_bytes, peak_number;
    struct age_clock clock;
    uint64_t slice_end; /* ns from which the clock has to move */
    struct slice_histograms histograms[AGE_SLICES];
    struct last_birth last[THREADS];
};

static void *sites_begin(const struct replay_facts *facts) {
    struct sites *sites = calloc(1, sizeof *sites);
    if (!sites) return NULL;
    sites->clock = age_clock_of(facts->duration_ns);
    sites->slice_end = 1ull << sites->clock.shift;
    return sites;
}

void sites_release(struct sites *sites) {
    if (!sites) return;
    for (size_t i = 0; i < sites->count; i++) {
        histogram_release(&sites->list[i].stats.lifetimes);
        histogram_release(&sites->list[i].stats.sizes);
        ages_release(&sites->list[i].stats.ages);
        slices_release(&sites->list[i].stats.slices);
    }
    free(sites->indices);
    free(sites->list);
    free(sites);
}

static struct site *add_site(struct sites *sites, uint32_t stack, uint32_t *index) {
    struct site *site = must(LIST_ADD(sites->list, sites->count));
    *site = (struct site){.stats = {.stack = stack, .lifetimes.bits = 1}};
    *index = (uint32_t)sites->count;
    return site;
}

/* Makes a place for the id. */
static void make_room(struct sites *sites, uint32_t stack) {
    if (stack < sites->room) return;
    size_t room = (size_t)stack + stack / 2 + 64;
    sites->indices = must(realloc(sites->indices, room * sizeof *sites->indices));
    memset(sites->indices + sites->room, 0, (room - sites->room) * sizeof *sites->indices);
    sites->room = room;
}

static inline uint32_t index_of(const struct sites *sites, uint32_t stack) {
    return stack < sites->room ? sites->indices[stack] : 0;
}

static struct site *new_site(struct sites *sites, uint32_t stack) {
    make_room(sites, stack);
    return add_site(sites, stack, &sites->indices[stack]);
}

static inline struct site *site_of(struct sites *sites, uint32_t stack) {
    uint32_t index = index_of(sites, stack);
    return index ? &sites->list[index - 1] : new_site(sites, stack);
}

static inline void keep_peak(const struct sites *sites, struct site *site) {
    if (site->peak_number == sites->peak_number) return;
    site->stats.live_at_peak = site->stats.live_bytes;
    site->peak_number = sites->peak_number;
}

static uint64_t end_of_slice(const struct age_clock *clock) { return (clock->slice + 1ull) << clock->shift; }

static void add_histograms(struct slice_histograms *into, const struct slice_histograms *from) {
    for (size_t i = 0; i < HISTOGRAM_OCTAVES; i++) {
        into->sizes[i] += from->sizes[i];
        into->lifetimes[i] += from->lifetimes[i];
    }
}

static void double_histograms(struct slice_histograms *slices) {
    for (size_t i = 0; i < AGE_SLICES / 2; i++) {
        slices[i] = slices[2 * i];
        add_histograms(&slices[i], &slices[2 * i + 1]);
    }
    memset(slices + AGE_SLICES / 2, 0, AGE_SLICES / 2 * sizeof *slices);
}

static void move_clock(struct sites *sites, uint64_t ns) {
    while (age_slice(&sites->clock, ns) >= AGE_SLICES) {
        for (size_t i = 0; i < sites->count; i++) {
            ages_double(&sites->list[i].stats.ages);
            slices_double(&sites->list[i].stats.slices);
        }
        double_histograms(sites->histograms);
        age_clock_double(&sites->clock);
    }
    sites->clock.slice = age_slice(&sites->clock, ns);
    sites->slice_end = end_of_slice(&sites->clock);
}

static inline void change(struct sites *sites, struct site *site, uint64_t birth_ns, uint64_t add, uint64_t remove) {
    keep_peak(sites, site);
    ages_change(&site->stats.ages, &sites->clock, age_slice(&sites->clock, birth_ns), add - remove);
    site->stats.live_bytes += add - remove;
    if (site->stats.live_bytes > site->stats.peak_bytes) site->stats.peak_bytes = site->stats.live_bytes;
}

static inline void note_level(struct sites *sites, const struct block_event *event) {
    if (event->live_bytes <= sites->peak_bytes) return;
    sites->peak_bytes = event->live_bytes;
    sites->peak_number++;
}

static inline struct last_birth *last_of(struct sites *sites, uint32_t thread) {
    return &sites->last[thread % THREADS];
}

static inline struct slice_counts *counts_of(const struct sites *sites, struct site *site) {
    return slices_at(&site->stats.slices, sites->clock.slice);
}

static inline __attribute__((always_inline)) void allocated(struct sites *sites, struct site *site,
                                                            const struct block_event *event) {
    site->stats.allocations++;
    site->stats.allocated_bytes += event->size;
    site->stats.live_blocks++;
    struct slice_counts *now = counts_of(sites, site);
    now->allocations++;
    now->bytes += event->size;
    now->blocks++;
    sites->histograms[sites->clock.slice].sizes[histogram_octave(event->size)]++;
    histogram_add(&site->stats.sizes, event->size);
    *last_of(sites, event->thread) = (struct last_birth){event->thread, event->birth_event + 1};
}

static inline void born(struct sites *sites, struct site *site, const struct block_event *event) {
    change(sites, site, event->birth_ns, event->size, 0);
    allocated(sites, site, event);
    note_level(sites, event);
}

static __attribute__((noinline)) void resized(struct sites *sites, const struct block_event *event) {
    site_of(sites, event->stack);
    site_of(sites, event->old_stack); /* both may move the list */
    struct site *before = &sites->list[index_of(sites, event->old_stack) - 1];
    struct site *after = &sites->list[index_of(sites, event->stack) - 1];
    change(sites, before, event->birth_ns, 0, event->old_size);
    change(sites, after, event->birth_ns, event->size, 0);
    before->stats.live_blocks--;
    counts_of(sites, before)->blocks--;
    if (!event->mapped) allocated(sites, after, event);
    else after->stats.live_blocks++, counts_of(sites, after)->blocks++;
    note_level(sites, event);
}

static inline void died(struct sites *sites, struct site *site, const struct block_event *event) {
    change(sites, site, event->birth_ns, 0, event->size);
    site->stats.live_blocks--;
    const struct last_birth *last = last_of(sites, event->thread);
    bool temporary = last->thread == event->thread && last->event == event->birth_event + 1;
    struct slice_counts *now = counts_of(sites, site);
    now->blocks--;
    now->temporary += temporary;
    site->stats.temporary += temporary;
    sites->histograms[sites->clock.slice].lifetimes[histogram_octave(event->ns - event->birth_ns)]++;
    histogram_add(&site->stats.lifetimes, event->ns - event->birth_ns);
}

static void sites_blocks(void *self, const struct block_event *events, size_t count,
                         const struct block_levels *levels) {
    struct sites *sites = self;
    (void)levels;
    for (const struct block_event *event = events; event < events + count; event++) {
        if (event->ns >= sites->slice_end) move_clock(sites, event->ns);
        struct site *site = site_of(sites, event->stack);
        switch ((enum block_event_kind)event->kind) {
        case BLOCK_BORN: born(sites, site, event); break;
        case BLOCK_RESIZED: resized(sites, event); break;
        case BLOCK_DIED: died(sites, site, event); break;
        }
    }
}

static void sites_failed(void *self, uint64_t size, uint32_t stack, const struct moment *now) {
    (void)size, (void)now;
    site_of(self, stack)->stats.failed++;
}

void sites_forget(struct sites *sites, const struct block *block, uint64_t life_ns) {
    struct site *site = site_of(sites, block->stack);
    if (!site->stats.allocations) return;
    site->stats.allocations--;
    site->stats.allocated_bytes -= block->size;
    histogram_take(&site->stats.lifetimes, life_ns);
    histogram_take(&site->stats.sizes, block->size);
}

static int sites_end(void *self, const struct moment *now) {
    struct sites *sites = self;
    if (now->ns >= sites->slice_end) move_clock(sites, now->ns);
    for (size_t i = 0; i < sites->count; i++) {
        keep_peak(sites, &sites->list[i]);
        ages_pass(&sites->list[i].stats.ages, sites->clock.slice + 1);
    }
    return 0;
}

const struct age_clock *sites_clock(const struct sites *sites) { return &sites->clock; }
const struct slice_histograms *sites_histograms(const struct sites *sites) { return sites->histograms; }
size_t sites_count(const struct sites *sites) { return sites->count; }
const struct site_stats *sites_get(const struct sites *sites, size_t index) { return &sites->list[index].stats; }

size_t sites_find(const struct sites *sites, uint32_t stack) {
    uint32_t index = index_of(sites, stack);
    return index ? index - 1 : SIZE_MAX;
}

const struct analysis sites_analysis = {
    .begin = sites_begin,
    .blocks = sites_blocks,
    .failed = sites_failed,
    .end = sites_end,
};
