/*
 * The decoding side of the replay. See prefetch.h.
 *
 * The crew's lock guards the window of jobs; it is taken for each chunk, that is, per some ten thousand events.
 */
#include "prefetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LARGE (DECODE_MAX_EVENTS / 4) /* from here on a chunk keeps the buffer that it was decoded into */

/*
 * Buffers that rest before they are written again: what the replay's processor still has in its caches costs a decoder
 * on another one as much again, and so does memory that no cache holds (docs/performance.md).
 */
#define RESTING 8u

#define KEPT_MAX 64u /* states that wait for their source's next frame, at a time; recorders need fewer */

/* How far a source has come. */
struct kept {
    uint32_t begun;             /* its last frame that a decoder has taken */
    uint32_t order;             /* its last frame that left a state for the next one, */
    struct decode_state *state; /* or should have */
};

/* What a thread of the crew decodes with. */
struct decoder {
    struct decode_state *state; /* or NULL: a source keeps it */
    struct payload payload;
    void *memory; /* for DECODE_MAX_EVENTS, or NULL when a chunk has kept it */
};

/* A job within reach. */
struct place {
    bool taken; /* by a decoder */
    struct chunk *chunk;
};

struct prefetch {
    struct crew *crew;
    const struct trace *trace;
    const struct prefetch_job *jobs;
    size_t count;
    size_t begun, taken;                 /* jobs: by decoders, by the replay */
    bool failed;                         /* out of memory */
    struct place window[PREFETCH_AHEAD]; /* by job number */
    /* Buffers of DECODE_MAX_EVENTS and states that came back: malloc would scatter such large ones. */
    void *rest[RESTING];
    unsigned rest_count, oldest;
    struct decode_state *spare_states[PREFETCH_AHEAD];
    unsigned spare_state_count;
    struct kept *kept; /* by source */
    uint32_t source_count;
    unsigned kept_count; /* states there */
    struct decoder decoders[CREW_HELPERS + 1];
};

static void put_back_state(struct prefetch *prefetch, struct decode_state *state) {
    if (state && prefetch->spare_state_count < PREFETCH_AHEAD)
        prefetch->spare_states[prefetch->spare_state_count++] = state;
    else free(state);
}

static struct decode_state *make_state(void) {
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

/* The decoder has the state that the frame before left; other frames begin with one that knows of none. */
static int ready_state(struct decoder *decoder, const struct prefetch_job *job) {
    if (job->continues) return decoder->state ? 0 : -EBADMSG;
    if (!decoder->state) decoder->state = make_state();
    if (!decoder->state) return -ENOMEM;
    decode_forget(decoder->state);
    return 0;
}

static int ready_memory(struct decoder *decoder) {
    if (!decoder->memory) decoder->memory = make_memory(DECODE_MAX_EVENTS, DECODE_MAX_EVENTS);
    return decoder->memory ? 0 : -ENOMEM;
}

static int decode_frame(const struct trace *trace, struct decoder *decoder, const struct prefetch_job *job,
                        struct chunk *chunk) {
    const struct frame_entry *entry = &trace->input.frames[job->frame];
    chunk->expected = entry->frame.count;
    int error = ready_state(decoder, job);
    if (!error) error = ready_memory(decoder);
    if (!error) error = reader_payload(&trace->input, entry, &decoder->payload);
    if (!error) {
        lay_out(chunk, decoder->memory, DECODE_MAX_EVENTS, DECODE_MAX_EVENTS);
        error = decode_events(decoder->state, decoder->payload.bytes, decoder->payload.length, &chunk->decoded);
    } else if (decoder->state) {
        decode_forget(decoder->state);
    }
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

static int decode_ring(const struct trace *trace, const struct prefetch_job *job, struct chunk *chunk) {
    const struct ring_rest *rest = &trace->recovery.rings[job->ring];
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

static struct chunk *decode_job(const struct trace *trace, struct decoder *decoder, const struct prefetch_job *job) {
    struct chunk *chunk = calloc(1, sizeof *chunk);
    if (!chunk) return NULL;
    chunk->source = job->source;
    chunk->error =
        job->frame == PREFETCH_RING ? decode_ring(trace, job, chunk) : decode_frame(trace, decoder, job, chunk);
    return chunk;
}

/*
 * Frames of a source begin one after the other, and those that continue when the one before is done. The lock is held.
 */
static bool may_begin(const struct prefetch *prefetch, const struct prefetch_job *job) {
    const struct kept *kept = &prefetch->kept[job->source];
    if (job->frame == PREFETCH_RING) return true;
    return kept->begun == job->order - 1 && (!job->continues || kept->order == job->order - 1);
}

static struct place *place_of(struct prefetch *prefetch, size_t number) {
    return &prefetch->window[number % PREFETCH_AHEAD];
}

/* The next job that can be done, or count. The lock is held. */
static size_t find_job(struct prefetch *prefetch) {
    size_t end = prefetch->taken + PREFETCH_AHEAD;
    if (end > prefetch->count) end = prefetch->count;
    for (size_t number = prefetch->taken; number < end; number++)
        if (!place_of(prefetch, number)->taken && may_begin(prefetch, &prefetch->jobs[number])) return number;
    return prefetch->count;
}

/* The decoder gets what the job needs, as far as it is there. The lock is held. */
static void begin_job(struct prefetch *prefetch, struct decoder *decoder, const struct prefetch_job *job) {
    struct kept *kept = &prefetch->kept[job->source];
    if (job->frame == PREFETCH_RING) return;
    kept->begun = job->order;
    if (job->continues) {
        put_back_state(prefetch, decoder->state);
        decoder->state = kept->state;
        prefetch->kept_count -= kept->state != NULL;
        kept->state = NULL;
    } else if (!decoder->state && prefetch->spare_state_count) {
        decoder->state = prefetch->spare_states[--prefetch->spare_state_count];
    }
    if (!decoder->memory && prefetch->rest_count == RESTING) {
        decoder->memory = prefetch->rest[prefetch->oldest++ % RESTING];
        prefetch->rest_count--;
    }
}

/* Hands the state on to the job that needs it. The lock is held. */
static void leave_state(struct prefetch *prefetch, struct decoder *decoder, const struct prefetch_job *job) {
    struct kept *kept = &prefetch->kept[job->source];
    if (!job->leads_on) return;
    kept->order = job->order;
    if (!decoder->state || prefetch->kept_count == KEPT_MAX) return;
    kept->state = decoder->state;
    decoder->state = NULL;
    prefetch->kept_count++;
}

/* Chunks are pressing where less than half of the window is filled, or about to be. */
static bool decode_one(void *self, unsigned hand, bool pressing) {
    struct prefetch *prefetch = self;
    struct decoder *decoder = &prefetch->decoders[hand];
    if (pressing && prefetch->begun >= prefetch->taken + PREFETCH_AHEAD / 2) return false;
    size_t number = find_job(prefetch);
    if (number == prefetch->count) return false;
    const struct prefetch_job *job = &prefetch->jobs[number];
    place_of(prefetch, number)->taken = true;
    prefetch->begun++;
    begin_job(prefetch, decoder, job);
    pthread_mutex_unlock(&prefetch->crew->lock);
    struct chunk *chunk = decode_job(prefetch->trace, decoder, job);
    pthread_mutex_lock(&prefetch->crew->lock);
    leave_state(prefetch, decoder, job);
    place_of(prefetch, number)->chunk = chunk;
    prefetch->failed |= !chunk;
    return true;
}

int prefetch_begin(struct prefetch **out, struct crew *crew, const struct trace *trace, const struct prefetch_job *jobs,
                   size_t count, uint32_t source_count) {
    struct prefetch *prefetch = calloc(1, sizeof *prefetch);
    struct kept *kept = calloc(source_count + 1u, sizeof *kept);
    if (!prefetch || !kept) {
        free(prefetch);
        free(kept);
        return -ENOMEM;
    }
    *prefetch = (struct prefetch){
        .crew = crew, .trace = trace, .jobs = jobs, .count = count, .kept = kept, .source_count = source_count};
    crew_add(crew, (struct crew_duty){prefetch, decode_one});
    *out = prefetch;
    return 0;
}

struct chunk *prefetch_take(struct prefetch *prefetch) {
    if (prefetch->taken == prefetch->count) return NULL;
    struct place *place = place_of(prefetch, prefetch->taken);
    pthread_mutex_lock(&prefetch->crew->lock);
    while (!place->chunk && !prefetch->failed) crew_wait(prefetch->crew);
    struct chunk *chunk = place->chunk;
    *place = (struct place){0};
    prefetch->taken++;
    if (prefetch->begun <= prefetch->taken + PREFETCH_AHEAD / 2) crew_offer(prefetch->crew);
    pthread_mutex_unlock(&prefetch->crew->lock);
    return chunk;
}

void prefetch_give(struct prefetch *prefetch, struct chunk *chunk) {
    pthread_mutex_lock(&prefetch->crew->lock);
    if (chunk->reusable && prefetch->rest_count < RESTING) {
        prefetch->rest[(prefetch->oldest + prefetch->rest_count++) % RESTING] = chunk->memory;
        chunk->memory = NULL;
    }
    pthread_mutex_unlock(&prefetch->crew->lock);
    free(chunk->memory);
    free(chunk);
}

void prefetch_end(struct prefetch *prefetch) {
    for (unsigned i = 0; i <= CREW_HELPERS; i++) decoder_end(&prefetch->decoders[i]);
    for (unsigned i = 0; i < PREFETCH_AHEAD; i++) {
        struct chunk *chunk = prefetch->window[i].chunk;
        if (chunk) free(chunk->memory);
        free(chunk);
    }
    for (uint32_t i = 0; i < prefetch->source_count; i++) free(prefetch->kept[i].state);
    free(prefetch->kept);
    while (prefetch->rest_count) free(prefetch->rest[(prefetch->oldest + --prefetch->rest_count) % RESTING]);
    while (prefetch->spare_state_count) free(prefetch->spare_states[--prefetch->spare_state_count]);
    free(prefetch);
}
