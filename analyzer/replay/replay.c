/*
 * Merges the threads of a trace by stamp and drives the model. See replay.h.
 *
 * Chunks wait in the order of their first stamps; a thread takes part in the merge only while a chunk of it is open, so
 * the heap of threads stays small however many threads there were. Between two decisions one thread's events run on
 * until their stamps pass what is next elsewhere.
 */
#include "replay.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "../analysis/extremes.h"
#include "schedule.h"

#define NEVER UINT64_MAX
#define PROGRESS_CHUNKS 64u
#define OPEN_EVENTS_MAX (16u << 20) /* beyond that memory goes before order; no recorder comes near it */

struct source {
    struct model_thread thread;
    struct chunk *chunk; /* being replayed; NULL: none open */
    struct chunk *later; /* opened, behind it */
    struct decoded_cursor cursor;
};

struct ready {
    uint64_t key; /* of its next event */
    uint32_t source;
};

struct replay {
    struct trace *trace;
    struct model model;
    struct schedule schedule;
    struct crew crew;
    struct prefetch *prefetch;
    size_t next_job;
    struct source *sources;
    struct ready *heap; /* by key, smallest first */
    uint32_t ready_count;
    struct record_cursor records;
    uint64_t record_key; /* of the sample at hand */
    bool record_is_rollup;
    struct memory_record memory;
    struct rollup_record rollup;
    size_t next_request;
    uint64_t cut_rings;
    const struct replay_options *options;
    uint64_t expected;
    uint64_t open_events; /* in open chunks */
};

/* The first may be anywhere; the rest is in order. */
static void sift_down(struct replay *replay) {
    uint32_t at = 0;
    struct ready moved = replay->heap[at];
    for (uint32_t child; (child = 2 * at + 1) < replay->ready_count; at = child) {
        if (child + 1 < replay->ready_count && replay->heap[child + 1].key < replay->heap[child].key) child++;
        if (replay->heap[child].key >= moved.key) break;
        replay->heap[at] = replay->heap[child];
    }
    replay->heap[at] = moved;
}

static void push(struct replay *replay, struct ready ready) {
    uint32_t at = replay->ready_count++;
    for (uint32_t parent; at > 0 && replay->heap[parent = (at - 1) / 2].key > ready.key; at = parent)
        replay->heap[at] = replay->heap[parent];
    replay->heap[at] = ready;
}

static void pop(struct replay *replay) {
    replay->heap[0] = replay->heap[--replay->ready_count];
    if (replay->ready_count) sift_down(replay);
}

static uint64_t next_key(const struct source *source) {
    return model_key(source->cursor.stamp, packed_kind(&source->chunk->decoded.events[source->cursor.at]));
}

static void note_damage(struct replay *replay, const struct chunk *chunk) {
    if (!chunk->error) return;
    if (!chunk->expected) {
        replay->cut_rings++;
        return;
    }
    replay->trace->input.damage.payloads++;
    replay->trace->input.damage.events += chunk->expected;
}

static int open_chunk(struct replay *replay) {
    struct chunk *chunk = prefetch_take(replay->prefetch);
    if (!chunk) return -ENOMEM;
    replay->next_job++;
    note_damage(replay, chunk);
    if (!chunk->decoded.count) {
        prefetch_give(replay->prefetch, chunk);
        return 0;
    }
    replay->open_events += chunk->decoded.count;
    struct source *source = &replay->sources[chunk->source];
    if (source->chunk) {
        struct chunk **end = &source->later;
        while (*end) end = &(*end)->next;
        *end = chunk;
        return 0;
    }
    source->chunk = chunk;
    source->cursor = decoded_begin(&chunk->decoded);
    push(replay, (struct ready){next_key(source), chunk->source});
    return 0;
}

static uint64_t job_key(const struct replay *replay) {
    return replay->next_job < replay->schedule.job_count ? replay->schedule.jobs[replay->next_job].stamp << 1 : NEVER;
}

static bool is_due(const struct replay *replay) {
    if (replay->next_job == replay->schedule.job_count) return false;
    return !replay->ready_count || (job_key(replay) <= replay->heap[0].key && replay->open_events < OPEN_EVENTS_MAX);
}

static int open_due(struct replay *replay) {
    int error = 0;
    while (!error && is_due(replay)) error = open_chunk(replay);
    return error;
}

static void next_record(struct replay *replay) {
    struct record record;
    replay->record_key = NEVER;
    while (records_next(&replay->records, &record)) {
        if (replay->model.look_count && landscape_read(&replay->model.landscape, &record))
            replay->model.error = -ENOMEM;
        replay->record_is_rollup = record.kind == TRACE_RECORD_ROLLUP;
        if (record.kind == TRACE_RECORD_MEMORY && memory_parse(record.body, &replay->memory))
            replay->record_key = model_key(replay->memory.stamp, UINT8_MAX);
        else if (replay->record_is_rollup && rollup_parse(record.body, &replay->rollup))
            replay->record_key = model_key(replay->rollup.stamp, UINT8_MAX);
        else continue;
        return;
    }
}

static uint64_t request_key(const struct replay *replay) {
    const struct tables *tables = &replay->trace->tables;
    return replay->next_request < tables->request_count
               ? model_key(tables->requests[replay->next_request].stamp, UINT8_MAX)
               : NEVER;
}

/* Samples and requests whose time is at or before `key`. */
static void tell_aside(struct replay *replay, uint64_t key) {
    for (;;) {
        uint64_t request = request_key(replay);
        if (request <= replay->record_key && request <= key && request != NEVER) {
            const struct request_record *due = &replay->trace->tables.requests[replay->next_request++];
            model_request(&replay->model, due, due->stamp);
        } else if (replay->record_key <= key && replay->record_key != NEVER) {
            if (replay->record_is_rollup) model_rollup(&replay->model, &replay->rollup);
            else model_memory(&replay->model, &replay->memory);
            next_record(replay);
        } else {
            return;
        }
    }
}

/* How far the first thread may run before something else is due. A phase begins before an event of the same stamp. */
static uint64_t run_limit(const struct replay *replay) {
    uint64_t limit = least(job_key(replay), least(replay->record_key, request_key(replay)) - 1);
    if (replay->ready_count > 1) limit = least(limit, replay->heap[1].key);
    if (replay->ready_count > 2) limit = least(limit, replay->heap[2].key);
    return limit;
}

/* Replays the source's events up to the limit, at least one. */
static void run_source(struct replay *replay, struct source *source, uint64_t limit) {
    model_chunk(&replay->model, &source->chunk->decoded, source->chunk->blocks);
    model_run(&replay->model, &source->thread, &source->cursor, limit);
}

static void report_progress(struct replay *replay) {
    const struct replay_options *options = replay->options;
    if (options->progress && replay->next_job % PROGRESS_CHUNKS == 0)
        options->progress(options->context, replay->model.now.event, replay->expected);
}

/* The first source has moved on: to its next event, its next chunk, or out of the merge. */
static void settle_first(struct replay *replay) {
    struct source *source = &replay->sources[replay->heap[0].source];
    if (source->cursor.at == source->chunk->decoded.count) {
        struct chunk *done = source->chunk;
        source->chunk = source->later;
        source->later = source->chunk ? source->chunk->next : NULL;
        if (source->chunk) source->cursor = decoded_begin(&source->chunk->decoded);
        replay->open_events -= done->decoded.count;
        prefetch_give(replay->prefetch, done);
        report_progress(replay);
    }
    if (!source->chunk) {
        pop(replay);
        return;
    }
    replay->heap[0].key = next_key(source);
    sift_down(replay);
}

static int run(struct replay *replay) {
    for (;;) {
        int error = open_due(replay);
        if (error) return error;
        if (!replay->ready_count) return 0;
        tell_aside(replay, replay->heap[0].key);
        run_source(replay, &replay->sources[replay->heap[0].source], run_limit(replay));
        settle_first(replay);
        if (replay->model.error) return replay->model.error;
    }
}

/* An exec was tried, and its thread did nothing afterwards. */
static bool ended_by_exec(const struct replay *replay) {
    if (replay->model.exec_thread == 0) return false;
    for (uint32_t i = 0; i < replay->schedule.source_count; i++)
        if (replay->sources[i].thread.serial == replay->model.exec_thread)
            return replay->sources[i].thread.last_event == replay->model.exec_event;
    return false;
}

/* Requests without a stamp of their own count at the end. */
static void finish(struct replay *replay) {
    const struct tables *tables = &replay->trace->tables;
    for (uint32_t i = 0; i < replay->schedule.source_count; i++)
        model_settle(&replay->model, &replay->sources[i].thread);
    tell_aside(replay, NEVER - 1);
    for (; replay->next_request < tables->request_count; replay->next_request++)
        model_request(&replay->model, &tables->requests[replay->next_request], replay->model.now.stamp);
    if (tables->end.present) model_moment(&replay->model, tables->end.stamp, 0);
}

/* Tables have a place for each stack. Events of a damaged trace may have stacks whose nodes are missing. */
static uint32_t stack_limit(const struct trace *trace) {
    uint32_t known = trace->nodes.count;
    return known < UINT32_MAX - TRACE_NODES_PER_SLOT ? known + TRACE_NODES_PER_SLOT : UINT32_MAX;
}

static int begin(struct replay *replay, struct trace *trace, const struct replay_options *options) {
    *replay = (struct replay){.trace = trace, .options = options, .expected = trace_events(trace)};
    crew_begin(&replay->crew);
    int error = model_begin(&replay->model, &trace->tables);
    if (!error) error = schedule_make(&replay->schedule, trace);
    if (error) return error;
    replay->model.stacks = stack_limit(trace);
    uint32_t sources = replay->schedule.source_count;
    replay->sources = calloc(sources + 1u, sizeof *replay->sources);
    replay->heap = calloc(sources + 1u, sizeof *replay->heap);
    if (!replay->sources || !replay->heap) return -ENOMEM;
    for (uint32_t i = 0; i < sources; i++) replay->sources[i].thread.serial = replay->schedule.serials[i];
    records_begin(&replay->records, &trace->input, &trace->recovery);
    return prefetch_begin(&replay->prefetch, &replay->crew, trace, replay->schedule.jobs, replay->schedule.job_count,
                          sources);
}

static void drop_chunks(struct chunk *chunk) {
    while (chunk) {
        struct chunk *next = chunk->next;
        free(chunk->memory);
        free(chunk);
        chunk = next;
    }
}

/* Chunks are still open after an error only. */
static void end_source(struct source *source) {
    if (source->chunk) source->chunk->next = NULL;
    drop_chunks(source->chunk);
    drop_chunks(source->later);
    model_thread_end(&source->thread);
}

static void end(struct replay *replay) {
    crew_end(&replay->crew);
    if (replay->prefetch) prefetch_end(replay->prefetch);
    for (uint32_t i = 0; replay->sources && i < replay->schedule.source_count; i++) end_source(&replay->sources[i]);
    records_end(&replay->records);
    model_end(&replay->model);
    schedule_release(&replay->schedule);
    free(replay->sources);
    free(replay->heap);
}

static uint64_t innermost(const void *nodes, uint32_t stack) {
    const struct stack_node *node = nodes_get(nodes, stack);
    return node ? node->ip : 0;
}

static struct replay_facts facts_of(const struct replay *replay) {
    const struct tables *tables = &replay->trace->tables;
    struct replay_clock clock;
    clock_begin(&clock, tables);
    uint64_t last = tables->clock_count ? tables->clocks[tables->clock_count - 1].stamp : 0;
    if (tables->end.present) last = tables->end.stamp;
    return (struct replay_facts){
        .duration_ns = clock_ns(&clock, last),
        .choice = replay->options->choice,
        .watch = replay->options->watch,
        .cut = !tables->end.present || tables->stopped.present,
        .innermost = innermost,
        .stacks = &replay->trace->nodes,
    };
}

static int begin_analyses(struct replay *replay, const struct analysis *const *analyses, void **selves, size_t count) {
    struct replay_facts facts = facts_of(replay);
    for (size_t i = 0; i < count; i++) {
        selves[i] = analyses[i]->begin(&facts);
        if (!selves[i]) return -ENOMEM;
        model_add(&replay->model, analyses[i], selves[i]);
    }
    return 0;
}

/* Alone, analyses are told at once. */
static void start_crew(struct replay *replay, unsigned workers) {
    if (workers < 2) return;
    teller_join(&replay->model.teller, &replay->crew);
    crew_start(&replay->crew, workers - 1);
}

unsigned replay_workers(void) {
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
    return count > 0 ? (unsigned)count : 1;
}

int replay_trace(struct trace *trace, const struct analysis *const *analyses, void **selves, size_t count,
                 const struct replay_options *options, struct replay_result *result) {
    struct replay replay;
    *result = (struct replay_result){0};
    for (size_t i = 0; i < count; i++) selves[i] = NULL;
    if (count > MODEL_ANALYSES) return -E2BIG;
    int error = begin(&replay, trace, options);
    if (!error) error = begin_analyses(&replay, analyses, selves, count);
    if (!error) next_record(&replay);
    if (!error) start_crew(&replay, options->workers);
    if (!error) error = run(&replay);
    if (!error) finish(&replay);
    teller_finish(&replay.model.teller);
    for (size_t i = 0; i < count && !error; i++)
        if (analyses[i]->end) error = analyses[i]->end(selves[i], &replay.model.now);
    *result = (struct replay_result){
        .counts = replay.model.counts,
        .end = replay.model.now,
        .ended_by_exec = !error && ended_by_exec(&replay),
        .cut_rings = replay.cut_rings,
    };
    end(&replay);
    return error;
}
