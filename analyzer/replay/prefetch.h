/*
 * Decodes chunks of events ahead of the replay, a duty of its crew, in the order in which the replay needs them.
 *
 * Memory: at most PREFETCH_AHEAD decoded chunks wait at any time, beside those that the replay holds. A chunk that
 * cannot be decoded arrives with count 0 and its error. The replay's thread takes and gives back.
 */
#ifndef REPLAY_PREFETCH_H
#define REPLAY_PREFETCH_H

#include "../input/decode.h"
#include "../input/trace.h"
#include "crew.h"

#define PREFETCH_AHEAD 8u
#define PREFETCH_RING SIZE_MAX /* job.frame: the job is the ring rest with number job.ring */

struct prefetch_job {
    uint64_t stamp; /* of its first event; jobs are in this order */
    size_t frame;   /* index in the trace's frames */
    uint32_t ring;
    uint32_t source; /* whose events: the replay's number of the thread */
    uint32_t order;  /* of its frame among the source's, from 1 */
    bool continues;  /* its frame is understood only after that of the source's job before, */
    bool leads_on;   /* and the next one's only after this */
};

struct chunk {
    struct chunk *next; /* for its holder */
    struct decoded decoded;
    uint32_t *blocks; /* one for each event, for the replay; undefined at first */
    void *memory;     /* of these */
    uint32_t source;
    uint32_t expected; /* events as the frame's header says */
    int error;
    bool reusable; /* `memory` is a whole decoding buffer */
};

struct prefetch;

/*
 * A duty for the crew, before its start. Sources are numbered below source_count. Trace and jobs must outlive it. 0 or
 * -ENOMEM.
 */
int prefetch_begin(struct prefetch **out, struct crew *crew, const struct trace *trace, const struct prefetch_job *jobs,
                   size_t count, uint32_t source_count);
/* The next job's chunk; waits for it, or decodes it. NULL after the last, or out of memory. */
struct chunk *prefetch_take(struct prefetch *prefetch);
void prefetch_give(struct prefetch *prefetch, struct chunk *chunk);
/* Only when the crew has ended. */
void prefetch_end(struct prefetch *prefetch);

#endif
