/*
 * Sorts chunks into replay order. See schedule.h.
 */
#include "schedule.h"

#include <errno.h>
#include <stdlib.h>

struct progress {   /* of one thread */
    uint64_t end;   /* position */
    uint64_t stamp; /* of the last chunk's beginning */
    size_t job;     /* of the last frame */
    uint32_t order; /* of that; 0: there was none */
};

static int by_number(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static int by_stamp(const void *a, const void *b) {
    const struct prefetch_job *left = a, *right = b;
    if (left->stamp != right->stamp) return left->stamp < right->stamp ? -1 : 1;
    if (left->frame != right->frame) return left->frame < right->frame ? -1 : 1;
    return left->ring < right->ring ? -1 : left->ring > right->ring;
}

static uint32_t unique(uint32_t *numbers, size_t count) {
    uint32_t kept = 0;
    qsort(numbers, count, sizeof *numbers, by_number);
    for (size_t i = 0; i < count; i++)
        if (!kept || numbers[kept - 1] != numbers[i]) numbers[kept++] = numbers[i];
    return kept;
}

static void collect_serials(struct schedule *schedule, const struct trace *trace) {
    size_t count = 0;
    for (size_t i = 0; i < trace->input.frame_count; i++)
        if (trace->input.frames[i].frame.kind == TRACE_FRAME_EVENTS)
            schedule->serials[count++] = trace->input.frames[i].frame.thread;
    for (size_t i = 0; i < trace->recovery.ring_count; i++)
        schedule->serials[count++] = trace->recovery.rings[i].thread;
    schedule->source_count = unique(schedule->serials, count);
}

static uint32_t source_of(const struct schedule *schedule, uint32_t serial) {
    uint32_t low = 0, high = schedule->source_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (schedule->serials[middle] <= serial) low = middle;
        else high = middle;
    }
    return low;
}

static void add_job(struct schedule *schedule, struct prefetch_job job, struct progress *progress) {
    if (job.stamp < progress->stamp) job.stamp = progress->stamp;
    progress->stamp = job.stamp;
    schedule->jobs[schedule->job_count++] = job;
}

static void add_frames(struct schedule *schedule, const struct trace *trace, struct progress *progress) {
    for (size_t i = 0; i < trace->input.frame_count; i++) {
        const struct trace_frame *frame = &trace->input.frames[i].frame;
        if (frame->kind != TRACE_FRAME_EVENTS) continue;
        uint32_t source = source_of(schedule, frame->thread);
        struct progress *mine = &progress[source];
        if (frame->end > frame->first && frame->first < mine->end) continue;
        bool continues = frame->flags & TRACE_FRAME_CONTINUES && mine->order && frame->first == mine->end;
        if (continues) schedule->jobs[mine->job].leads_on = true;
        mine->end = frame->end;
        mine->job = schedule->job_count;
        add_job(schedule,
                (struct prefetch_job){.stamp = frame->first_stamp,
                                      .frame = i,
                                      .source = source,
                                      .order = ++mine->order,
                                      .continues = continues},
                mine);
    }
}

static void add_rings(struct schedule *schedule, const struct trace *trace, struct progress *progress) {
    for (size_t i = 0; i < trace->recovery.ring_count; i++) {
        const struct ring_rest *rest = &trace->recovery.rings[i];
        if (rest->count + rest->nested < 2) continue;
        uint32_t source = source_of(schedule, rest->thread);
        struct prefetch_job job = {
            .stamp = rest->words[1], .frame = PREFETCH_RING, .ring = (uint32_t)i, .source = source};
        add_job(schedule, job, &progress[source]);
    }
}

int schedule_make(struct schedule *schedule, const struct trace *trace) {
    size_t most = trace->input.frame_count + trace->recovery.ring_count + 1;
    *schedule =
        (struct schedule){.jobs = calloc(most, sizeof *schedule->jobs), .serials = calloc(most, sizeof(uint32_t))};
    struct progress *progress = calloc(most, sizeof *progress);
    bool fits = schedule->jobs && schedule->serials && progress;
    if (fits) {
        collect_serials(schedule, trace);
        add_frames(schedule, trace, progress);
        add_rings(schedule, trace, progress);
        qsort(schedule->jobs, schedule->job_count, sizeof *schedule->jobs, by_stamp);
    }
    free(progress);
    return fits ? 0 : -ENOMEM;
}

void schedule_release(struct schedule *schedule) {
    free(schedule->jobs);
    free(schedule->serials);
    *schedule = (struct schedule){0};
}
