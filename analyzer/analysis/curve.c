/*
 * Intervals over time. See curve.h.
 */
#include "curve.h"

#include <stdlib.h>

#include "extremes.h"

#define FIRST_WIDTH 1024u /* ns */

static void *curve_begin(const struct replay_facts *facts) {
    struct curve *curve = calloc(1, sizeof *curve);
    if (!curve) return NULL;
    curve->points = calloc(CURVE_POINTS, sizeof *curve->points);
    if (!curve->points) {
        free(curve);
        return NULL;
    }
    curve->width = FIRST_WIDTH;
    curve->first_cpu_ns = CURVE_UNKNOWN;
    while (curve->width < facts->duration_ns / CURVE_POINTS) curve->width *= 2;
    curve->last = (struct curve_point){.rss_max = CURVE_UNKNOWN,
                                       .rss_last = CURVE_UNKNOWN,
                                       .pss_last = CURVE_UNKNOWN,
                                       .vms_last = CURVE_UNKNOWN,
                                       .cpu_ns = CURVE_UNKNOWN,
                                       .threads = -1,
                                       .fds = -1};
    return curve;
}

void curve_release(struct curve *curve) {
    if (curve) free(curve->points);
    free(curve);
}

static uint64_t later(uint64_t a, uint64_t b, uint64_t unknown) { return b == unknown ? a : b; }

/* Two neighbours become one interval. */
static struct curve_point join(const struct curve_point *a, const struct curve_point *b) {
    struct curve_point joined = *b;
    joined.ns = b->live_max > a->live_max ? b->ns : a->ns;
    joined.live_max = a->live_max > b->live_max ? a->live_max : b->live_max;
    joined.live_min = a->live_min < b->live_min ? a->live_min : b->live_min;
    joined.blocks_max = a->blocks_max > b->blocks_max ? a->blocks_max : b->blocks_max;
    joined.pinned_max = a->pinned_max > b->pinned_max ? a->pinned_max : b->pinned_max;
    joined.rss_max = most_known(a->rss_max, b->rss_max);
    joined.rss_last = later(a->rss_last, b->rss_last, CURVE_UNKNOWN);
    return joined;
}

static void double_width(struct curve *curve) {
    for (size_t i = 0; i < curve->count / 2; i++)
        curve->points[i] = join(&curve->points[2 * i], &curve->points[2 * i + 1]);
    if (curve->count % 2) curve->points[curve->count / 2] = curve->points[curve->count - 1];
    curve->count = (curve->count + 1) / 2;
    curve->width *= 2;
}

/* An interval in which nothing has happened yet: the levels go on. */
static void open_interval(struct curve *curve) {
    struct curve_point *point = &curve->points[curve->count];
    *point = curve->last;
    point->ns = curve->count * curve->width;
    point->live_min = point->live_max = point->live_last;
    point->rss_max = point->rss_last;
    curve->count++;
}

static struct curve_point *point_at(struct curve *curve, uint64_t ns) {
    if (curve->count && ns < curve->count * curve->width) return &curve->points[curve->count - 1];
    while (ns / curve->width >= CURVE_POINTS) double_width(curve);
    while (curve->count <= ns / curve->width) open_interval(curve);
    return &curve->points[curve->count - 1];
}

static void note_levels(struct curve_point *point, const struct block_levels *levels) {
    if (levels->bytes_max > point->live_max) {
        point->live_max = levels->bytes_max;
        point->ns = levels->bytes_max_ns;
    }
    if (levels->bytes_min < point->live_min) point->live_min = levels->bytes_min;
    if (levels->blocks_max > point->blocks_max) point->blocks_max = levels->blocks_max;
    if (levels->pinned_max > point->pinned_max) point->pinned_max = levels->pinned_max;
}

static struct block_levels levels_at(const struct block_event *event) {
    return (struct block_levels){event->live_bytes, event->ns, event->live_bytes, event->live_blocks,
                                 event->pinned_bytes};
}

/* The levels after an event, which go on until the next. */
static void keep_levels(struct curve *curve, struct curve_point *point, const struct block_event *event) {
    point->live_last = curve->last.live_last = event->live_bytes;
    curve->last.blocks_max = event->live_blocks;
    curve->last.pinned_max = event->pinned_bytes;
}

static void note_each(struct curve *curve, const struct block_event *event, const struct block_event *end) {
    while (event < end) {
        struct curve_point *point = point_at(curve, event->ns);
        uint64_t until = curve->count * curve->width;
        for (; event < end && event->ns < until; event++) {
            struct block_levels levels = levels_at(event);
            note_levels(point, &levels);
        }
        keep_levels(curve, point, event - 1);
    }
}

/* Most calls lie within an interval. */
static void curve_blocks(void *self, const struct block_event *events, size_t count,
                         const struct block_levels *levels) {
    struct curve *curve = self;
    const struct block_event *last = &events[count - 1];
    struct curve_point *point = point_at(curve, events->ns);
    if (last->ns >= curve->count * curve->width) {
        note_each(curve, events, last + 1);
        return;
    }
    note_levels(point, levels);
    keep_levels(curve, point, last);
}

static void curve_sample(void *self, const struct memory_sample *sample, const struct moment *now) {
    struct curve *curve = self;
    struct curve_point *point = point_at(curve, now->ns), *last = &curve->last;
    last->rss_last = sample->rss > sample->recorder_rss ? sample->rss - sample->recorder_rss : 0;
    last->vms_last = sample->vms;
    if (sample->cpu_ns != UINT64_MAX) {
        last->cpu_ns = sample->cpu_ns;
        last->cpu_at = now->ns;
        if (curve->first_cpu_ns == CURVE_UNKNOWN) curve->first_cpu_ns = sample->cpu_ns;
    }
    if (sample->threads) last->threads = (int32_t)sample->threads;
    if (sample->fds >= 0) last->fds = sample->fds;
    if (sample->pss != UINT64_MAX) last->pss_last = sample->pss;
    point->rss_max = most_known(point->rss_max, last->rss_last);
    point->rss_last = last->rss_last;
    point->pss_last = last->pss_last;
    point->vms_last = last->vms_last;
    point->cpu_ns = last->cpu_ns;
    point->cpu_at = last->cpu_at;
    point->threads = last->threads;
    point->fds = last->fds;
}

static int curve_end(void *self, const struct moment *now) {
    point_at(self, now->ns);
    return 0;
}

const struct analysis curve_analysis = {
    .begin = curve_begin,
    .blocks = curve_blocks,
    .sample = curve_sample,
    .end = curve_end,
};
