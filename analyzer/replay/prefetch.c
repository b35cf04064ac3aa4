/*
 * The decoding side of the replay. See prefetch.h.
 *
 * One lock guards the window of jobs; it is taken twice per chunk, that is, per some ten thousand events.
 */
#include "prefetch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../input/decode.h"
#include "model.h"

#define LARGE (DECODE_MAX_EVENTS / 4) /* from here on a chunk keeps the buffer that it was decoded into */
#define WORKERS_MAX 16u

#define KEPT_MAX 64u /* states that wait for their source's next frame, at a time; recorders need fewer */

/* What a source's last frame left for its next. */
struct kept {
    struct decode_state *state;
    uint32_t order; /* of that frame; without a state there was none to leave */
    bool awaited;   /* the next frame has not taken it yet */
};

struct decoder {
    struct prefetch *prefetch;
    struct decode_state *state; /* or NULL: a source keeps it */
    struct payload payload;
    struct trace_event *events; /* DECODE_MAX_EVENTS, or NULL when a chunk has kept them */
};

struct prefetch {
    const struct trace *trace;
    const struct prefetch_job *jobs;
    size_t count;
    pthread_mutex_t lock;
    pthread_cond_t decoded, room, left;
    size_t started, taken; /* jobs */
    bool stop;
    struct chunk *window[PREFETCH_AHEAD]; /* by job number; NULL: not ready */
    /* Buffers of DECODE_MAX_EVENTS and states that came back: malloc would scatter such large ones. */
    struct trace_event *spare[PREFETCH_AHEAD];
    struct decode_state *spare_states[PREFETCH_AHEAD];
    unsigned spare_count, spare_state_count;
    struct kept *kept; /* by source */
    uint32_t source_count;
    unsigned kept_count; /* states there */
    unsigned worker_count;
    pthread_t workers[WORKERS_MAX];
    struct decoder decoders[WORKERS_MAX];
};

/* The lock is held. */
static void put_back_state(struct prefetch *prefetch, struct decode_state *state) {
    if (state && prefetch->spare_state_count < PREFETCH_AHEAD)
        prefetch->spare_states[prefetch->spare_state_count++] = state;
    else free(state);
}

static struct decode_state *make_state(struct prefetch *prefetch) {
    struct decode_state *spare = NULL;
    pthread_mutex_lock(&prefetch->lock);
    if (prefetch->spare_state_count) spare = prefetch->spare_states[--prefetch->spare_state_count];
    pthread_mutex_unlock(&prefetch->lock);
    if (spare) return spare;
    size_t size = (decode_state_size() + 4095) & ~(size_t)4095;
    struct decode_state *state = aligned_alloc(4096, size);
    if (state) memset(state, 0, size);
    return state;
}

static void decoder_end(struct decoder *decoder) {
    free(decoder->state);
    free(decoder->events);
    payload_release(&decoder->payload);
}

static int ensure_events(struct decoder *decoder) {
    if (decoder->events) return 0;
    struct prefetch *prefetch = decoder->prefetch;
    pthread_mutex_lock(&prefetch->lock);
    if (prefetch->spare_count) decoder->events = prefetch->spare[--prefetch->spare_count];
    pthread_mutex_unlock(&prefetch->lock);
    if (!decoder->events) decoder->events = malloc(DECODE_MAX_EVENTS * sizeof *decoder->events);
    return decoder->events ? 0 : -ENOMEM;
}

/*
 * The flag is the replay's own; a file must not set it. Tables have a place for each stack, so one that can't have been
 * given out is as good as none; it can where its node was not written yet.
 */
static void distrust(const struct decoder *decoder, struct chunk *chunk) {
    uint32_t known = decoder->prefetch->trace->nodes.count;
    uint32_t limit = known < UINT32_MAX - TRACE_NODES_PER_SLOT ? known + TRACE_NODES_PER_SLOT : UINT32_MAX;
    for (struct trace_event *event = chunk->events, *end = event + chunk->count; event < end; event++) {
        event->flags &= (uint8_t)~MODEL_PAIRED;
        if (event->stack >= limit) event->stack = 0;
    }
}

/* Hands the decoded events to the chunk: the buffer itself where it is well filled, else a copy of the right size. */
static int keep_events(struct decoder *decoder, struct chunk *chunk, uint32_t count) {
    size_t size = count * sizeof *chunk->events;
    if (count >= LARGE) {
        chunk->events = decoder->events;
        decoder->events = NULL;
        chunk->reusable = true;
    } else {
        chunk->events = malloc(size + 1);
        if (!chunk->events) return -ENOMEM;
        memcpy(chunk->events, decoder->events, size);
    }
    chunk->count = count;
    distrust(decoder, chunk);
    return 0;
}

/* The state to decode the job's frame with: what the frame before left, or one that knows of no frame. */
static int take_state(struct decoder *decoder, const struct prefetch_job *job) {
    struct prefetch *prefetch = decoder->prefetch;
    struct kept *kept = &prefetch->kept[job->source];
    if (!job->continues) {
        if (!decoder->state) decoder->state = make_state(prefetch);
        if (decoder->state) decode_forget(decoder->state);
        return decoder->state ? 0 : -ENOMEM;
    }
    pthread_mutex_lock(&prefetch->lock);
    while (kept->order != job->order - 1 && !prefetch->stop) pthread_cond_wait(&prefetch->left, &prefetch->lock);
    struct decode_state *before = kept->state, *own = decoder->state;
    kept->state = NULL;
    kept->awaited = false;
    prefetch->kept_count -= before != NULL;
    if (before) {
        put_back_state(prefetch, own);
        decoder->state = before;
    }
    pthread_cond_broadcast(&prefetch->left);
    pthread_mutex_unlock(&prefetch->lock);
    if (!before) return -EBADMSG;
    return 0;
}

/*
 * Hands the state on to the job that needs it. A frame that knew of none before it may be done before an earlier one has
 * taken its state, on another thread: that comes first.
 */
static void leave_state(struct decoder *decoder, const struct prefetch_job *job) {
    struct prefetch *prefetch = decoder->prefetch;
    struct kept *kept = &prefetch->kept[job->source];
    if (!job->leads_on) return;
    pthread_mutex_lock(&prefetch->lock);
    while (kept->awaited && !prefetch->stop) pthread_cond_wait(&prefetch->left, &prefetch->lock);
    bool stopped = kept->awaited;
    kept->order = job->order;
    kept->awaited = true;
    if (!stopped && prefetch->kept_count < KEPT_MAX && decoder->state) {
        kept->state = decoder->state;
        decoder->state = NULL;
        prefetch->kept_count++;
    }
    pthread_cond_broadcast(&prefetch->left);
    pthread_mutex_unlock(&prefetch->lock);
}

static int decode_frame(struct decoder *decoder, const struct prefetch_job *job, struct chunk *chunk) {
    const struct frame_entry *entry = &decoder->prefetch->trace->input.frames[job->frame];
    uint32_t count = 0;
    chunk->expected = entry->frame.count;
    int error = reader_payload(&decoder->prefetch->trace->input, entry, &decoder->payload);
    if (!error) error = ensure_events(decoder);
    int lacking = take_state(decoder, job);
    if (!error) error = lacking;
    if (!error)
        error = decode_events(decoder->state, decoder->payload.bytes, decoder->payload.length, decoder->events, &count);
    else if (decoder->state) decode_forget(decoder->state);
    leave_state(decoder, job);
    return error ? error : keep_events(decoder, chunk, count);
}

static int decode_ring(struct decoder *decoder, const struct prefetch_job *job, struct chunk *chunk) {
    const struct ring_rest *rest = &decoder->prefetch->trace->recovery.rings[job->ring];
    size_t used, words = rest->count + rest->nested;
    chunk->events = malloc((words / 2 + 1) * sizeof *chunk->events);
    if (!chunk->events) return -ENOMEM;
    size_t count = recover_events(rest->words, rest->count, chunk->events, words / 2, &used);
    if (used < rest->count) chunk->error = -EBADMSG;
    count += recover_events(rest->words + rest->count, rest->nested, chunk->events + count, words / 2 - count, &used);
    if (used < rest->nested) chunk->error = -EBADMSG;
    chunk->count = (uint32_t)count;
    distrust(decoder, chunk);
    return chunk->error;
}

static struct chunk *decode_job(struct decoder *decoder, size_t number) {
    const struct prefetch_job *job = &decoder->prefetch->jobs[number];
    struct chunk *chunk = calloc(1, sizeof *chunk);
    if (!chunk) return NULL;
    chunk->source = job->source;
    chunk->error = job->frame == PREFETCH_RING ? decode_ring(decoder, job, chunk) : decode_frame(decoder, job, chunk);
    return chunk;
}

/* The next job in the window, or count when there is none any more. The lock is held. */
static size_t next_job(struct prefetch *prefetch) {
    while (!prefetch->stop && prefetch->started < prefetch->count &&
           prefetch->started >= prefetch->taken + PREFETCH_AHEAD)
        pthread_cond_wait(&prefetch->room, &prefetch->lock);
    if (prefetch->stop || prefetch->started == prefetch->count) return prefetch->count;
    return prefetch->started++;
}

static void *work(void *context) {
    struct decoder *decoder = context;
    struct prefetch *prefetch = decoder->prefetch;
    pthread_mutex_lock(&prefetch->lock);
    for (size_t job; (job = next_job(prefetch)) < prefetch->count;) {
        pthread_mutex_unlock(&prefetch->lock);
        struct chunk *chunk = decode_job(decoder, job);
        pthread_mutex_lock(&prefetch->lock);
        prefetch->stop |= !chunk;
        prefetch->window[job % PREFETCH_AHEAD] = chunk;
        pthread_cond_signal(&prefetch->decoded);
    }
    pthread_mutex_unlock(&prefetch->lock);
    return NULL;
}

static void start_workers(struct prefetch *prefetch, unsigned workers) {
    if (workers > WORKERS_MAX) workers = WORKERS_MAX;
    prefetch->decoders[0].prefetch = prefetch; /* the caller's, where no worker starts */
    for (unsigned i = 0; i < workers; i++) {
        prefetch->decoders[i].prefetch = prefetch;
        if (pthread_create(&prefetch->workers[i], NULL, work, &prefetch->decoders[i])) break;
        prefetch->worker_count++;
    }
}

int prefetch_begin(struct prefetch **out, const struct trace *trace, const struct prefetch_job *jobs, size_t count,
                   uint32_t source_count, unsigned workers) {
    struct prefetch *prefetch = calloc(1, sizeof *prefetch);
    struct kept *kept = calloc(source_count + 1u, sizeof *kept);
    if (!prefetch || !kept) {
        free(prefetch);
        free(kept);
        return -ENOMEM;
    }
    *prefetch =
        (struct prefetch){.trace = trace, .jobs = jobs, .count = count, .kept = kept, .source_count = source_count};
    pthread_mutex_init(&prefetch->lock, NULL);
    pthread_cond_init(&prefetch->decoded, NULL);
    pthread_cond_init(&prefetch->room, NULL);
    pthread_cond_init(&prefetch->left, NULL);
    *out = prefetch;
    start_workers(prefetch, workers);
    return 0;
}

struct chunk *prefetch_take(struct prefetch *prefetch) {
    if (prefetch->taken == prefetch->count) return NULL;
    if (!prefetch->worker_count) return decode_job(&prefetch->decoders[0], prefetch->taken++);
    pthread_mutex_lock(&prefetch->lock);
    struct chunk **place = &prefetch->window[prefetch->taken % PREFETCH_AHEAD];
    while (!*place && !prefetch->stop) pthread_cond_wait(&prefetch->decoded, &prefetch->lock);
    struct chunk *chunk = *place;
    *place = NULL;
    prefetch->taken++;
    pthread_cond_broadcast(&prefetch->room);
    pthread_mutex_unlock(&prefetch->lock);
    return chunk;
}

void prefetch_give(struct prefetch *prefetch, struct chunk *chunk) {
    pthread_mutex_lock(&prefetch->lock);
    if (chunk->reusable && prefetch->spare_count < PREFETCH_AHEAD) {
        prefetch->spare[prefetch->spare_count++] = chunk->events;
        chunk->events = NULL;
    }
    pthread_mutex_unlock(&prefetch->lock);
    free(chunk->events);
    free(chunk);
}

void prefetch_end(struct prefetch *prefetch) {
    pthread_mutex_lock(&prefetch->lock);
    prefetch->stop = true;
    pthread_cond_broadcast(&prefetch->room);
    pthread_cond_broadcast(&prefetch->left);
    pthread_mutex_unlock(&prefetch->lock);
    for (unsigned i = 0; i < prefetch->worker_count; i++) pthread_join(prefetch->workers[i], NULL);
    for (unsigned i = 0; i < WORKERS_MAX; i++) decoder_end(&prefetch->decoders[i]);
    for (unsigned i = 0; i < PREFETCH_AHEAD; i++)
        if (prefetch->window[i]) free(prefetch->window[i]->events);
    for (unsigned i = 0; i < PREFETCH_AHEAD; i++) free(prefetch->window[i]);
    for (uint32_t i = 0; i < prefetch->source_count; i++) free(prefetch->kept[i].state);
    free(prefetch->kept);
    while (prefetch->spare_count) free(prefetch->spare[--prefetch->spare_count]);
    while (prefetch->spare_state_count) free(prefetch->spare_states[--prefetch->spare_state_count]);
    pthread_mutex_destroy(&prefetch->lock);
    pthread_cond_destroy(&prefetch->decoded);
    pthread_cond_destroy(&prefetch->room);
    pthread_cond_destroy(&prefetch->left);
    free(prefetch);
}
