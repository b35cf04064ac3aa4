/*
 * In which order a replay opens what a trace holds: one job per chunk of events, by the stamp of its first event.
 *
 * A thread's chunks keep the order of their positions, and a range of positions that an earlier chunk held is left out.
 */
#ifndef REPLAY_SCHEDULE_H
#define REPLAY_SCHEDULE_H

#include "prefetch.h"

struct schedule {
    struct prefetch_job *jobs;
    size_t job_count;
    uint32_t *serials; /* of the sources: ascending thread serials */
    uint32_t source_count;
};

/* 0 or -ENOMEM. */
int schedule_make(struct schedule *schedule, const struct trace *trace);
void schedule_release(struct schedule *schedule);

#endif
