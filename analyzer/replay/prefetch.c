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

#define LARGE (DECODE_MAX_EVENTS / 4) /* from here on a chunk keeps the buffer that it was decoded into */
#define WORKERS_MAX 16u

/*
 * Buffers that rest before they are written again. What the replay's processor still has in its caches costs a decoder
 * on another one three times the time of decoding; so many later it has been displaced there.
 */
#define RESTING 24u

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
    void *memory; /* for DECODE_MAX_EVENTS, or NULL when a chunk has kept it */
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
    void *rest[RESTING];
    unsigned rest_count, oldest;
    struct decode_state *spare_states[PREFETCH_AHEAD];
    unsigned spare_state_count;
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
    free(decoder->memory);
    payload_release(&decoder->payload);
}

/* Memory for so many events and marks, undefined; NULL: out of memory. */
static void *make_memory(size_t events, size_t marks) {
    return malloc(events * (sizeof(struct packed_event) + sizeof(uint32_t)) + marks * sizeof(struct stamp_mark) + 1);
}

static void lay_out(struct chunk *chunk, void *memory, size_t events, size_t marks) {
    chunk->memory = memory;
    chunk->decoded.events = memory;
    void *behind_events = chunk->decoded.events + events;
    chunk->decoded.marks = behind_events;
    void *behind_marks = chunk->decoded.marks + marks;
    chunk->blocks = behind_marks;
}

static int ensure_memory(struct decoder *decoder) {
    if (decoder->memory) return 0;
    struct prefetch *prefetch = decoder->prefetch;
    pthread_mutex_lock(&prefetch->lock);
    if (prefetch->rest_count == RESTING) {
        decoder->memory = prefetch->rest[prefetch->oldest++ % RESTING];
        prefetch->rest_count--;
    }
    pthread_mutex_unlock(&prefetch->lock);
    if (!decoder->memory) decoder->memory = make_memory(DECODE_MAX_EVENTS, DECODE_MAX_EVENTS);
    return decoder->memory ? 0 : -ENOMEM;
}

/* Hands the decoded events to the chunk: the buffer itself where it is well filled, else a copy of the right size. */
static int keep_events(struct decoder *decoder, struct chunk *chunk) {
    struct decoded from = chunk->decoded;
    if (from.count >= LARGE) {
        decoder->memory = NULL;
        chunk->reusable = true;
        return 0;
    }
    void *memory = make_memory(from.count, from.mark_count);
    chunk->memory = NULL;
    if (!memory) return -ENOMEM;
    lay_out(chunk, memory, from.count, from.mark_count);
    memcpy(chunk->decoded.events, from.events, from.count * sizeof *from.events);
    memcpy(chunk->decoded.marks, from.marks, from.mark_count * sizeof *from.marks);
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
    chunk->expected = entry->frame.count;
    int error = reader_payload(&decoder->prefetch->trace->input, entry, &decoder->payload);
    if (!error) error = ensure_memory(decoder);
    int lacking = take_state(decoder, job);
    if (!error) error = lacking;
    if (!error) {
        lay_out(chunk, decoder->memory, DECODE_MAX_EVENTS, DECODE_MAX_EVENTS);
        error = decode_events(decoder->state, decoder->payload.bytes, decoder->payload.length, &chunk->decoded);
    } else if (decoder->state) {
        decode_forget(decoder->state);
    }
    leave_state(decoder, job);
    if (!error) return keep_events(decoder, chunk);
    chunk->decoded.count = 0;
    chunk->memory = NULL;
    return error;
}

static void pack(struct decoded *decoded, const struct trace_event *events, size_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const struct trace_event *e = &events[i];
        decoded->events[i] = (struct packed_event){packed_word(e->kind, e->flags, e->address), e->size, e->stack, 0};
        decoded->marks[i] = (struct stamp_mark){e->stamp, i};
    }
    decoded->count = decoded->mark_count = (uint32_t)count;
}

static size_t recover(const struct ring_rest *rest, struct trace_event *events, size_t room, int *error) {
    size_t used, count = recover_events(rest->words, rest->count, events, room, &used);
    if (used < rest->count) *error = -EBADMSG;
    count += recover_events(rest->words + rest->count, rest->nested, events + count, room - count, &used);
    if (used < rest->nested) *error = -EBADMSG;
    return count;
}

static int decode_ring(struct decoder *decoder, const struct prefetch_job *job, struct chunk *chunk) {
    const struct ring_rest *rest = &decoder->prefetch->trace->recovery.rings[job->ring];
    size_t room = (rest->count + rest->nested) / 2;
    struct trace_event *events = malloc((room + 1) * sizeof *events);
    void *memory = make_memory(room, room);
    if (!events || !memory) {
        free(events);
        free(memory);
        return -ENOMEM;
    }
    size_t count = recover(rest, events, room, &chunk->error);
    lay_out(chunk, memory, room, room);
    pack(&chunk->decoded, events, count);
    free(events);
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

/* The next job in the window, or count when there is none any more. Who finds it full sleeps until half of it is taken, not for each
 * chunk. The lock is held. */
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
    if (prefetch->started - prefetch->taken <= PREFETCH_AHEAD / 2) pthread_cond_broadcast(&prefetch->room);
    pthread_mutex_unlock(&prefetch->lock);
    return chunk;
}

void prefetch_give(struct prefetch *prefetch, struct chunk *chunk) {
    pthread_mutex_lock(&prefetch->lock);
    if (chunk->reusable && prefetch->rest_count < RESTING) {
        prefetch->rest[(prefetch->oldest + prefetch->rest_count++) % RESTING] = chunk->memory;
        chunk->memory = NULL;
    }
    pthread_mutex_unlock(&prefetch->lock);
    free(chunk->memory);
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
        if (prefetch->window[i]) free(prefetch->window[i]->memory);
    for (unsigned i = 0; i < PREFETCH_AHEAD; i++) free(prefetch->window[i]);
    for (uint32_t i = 0; i < prefetch->source_count; i++) free(prefetch->kept[i].state);
    free(prefetch->kept);
    while (prefetch->rest_count) free(prefetch->rest[(prefetch->oldest + --prefetch->rest_count) % RESTING]);
    while (prefetch->spare_state_count) free(prefetch->spare_states[--prefetch->spare_state_count]);
    pthread_mutex_destroy(&prefetch->lock);
    pthread_cond_destroy(&prefetch->decoded);
    pthread_cond_destroy(&prefetch->room);
    pthread_cond_destroy(&prefetch->left);
    free(prefetch);
}
