/*
 * Request engine of the breaker workload; see engine.h. A binary heap orders the answers.
 */
#include "breaker/engine.h"

#include <stdlib.h>
#include <string.h>

#include <tidemark.h>

enum { SPELL = 200, BAD_PART = 24 };

void engine_init(struct engine *engine, answered *on_answer, void *context) {
    memset(engine, 0, sizeof *engine);
    for (int i = 0; i < BACKENDS; i++) circuit_init(&engine->circuits[i]);
    engine->rng = rng_seeded(11);
    engine->on_answer = on_answer;
    engine->context = context;
}

bool service_fails(struct rng *rng, unsigned backend, uint64_t n) {
    bool bad_spell = (n + backend * SPELL / BACKENDS) % SPELL >= SPELL - BAD_PART;
    return rng_unit(rng) < (bad_spell ? 0.9 : 0.02);
}

static uint64_t service_time(struct engine *engine) {
    return 150000 + rng_below(&engine->rng, 300000) + 1000u * (uint64_t)engine->in_flight;
}

static void heap_push(struct engine *engine, struct request *request) {
    unsigned at = engine->in_flight++;
    for (; at > 0 && engine->heap[(at - 1) / 2]->due_ns > request->due_ns; at = (at - 1) / 2)
        engine->heap[at] = engine->heap[(at - 1) / 2];
    engine->heap[at] = request;
}

static struct request *heap_pop(struct engine *engine) {
    struct request *first = engine->heap[0], *last = engine->heap[--engine->in_flight];
    unsigned at = 0;
    for (unsigned child; (child = 2 * at + 1) < engine->in_flight; at = child) {
        if (child + 1 < engine->in_flight && engine->heap[child + 1]->due_ns < engine->heap[child]->due_ns) child++;
        if (engine->heap[child]->due_ns >= last->due_ns) break;
        engine->heap[at] = engine->heap[child];
    }
    engine->heap[at] = last;
    return first;
}

static struct request *make_request(struct engine *engine, size_t size, unsigned backend) {
    struct request *request = xcalloc(1, sizeof *request);
    request->id = engine->next_id++;
    request->circuit = &engine->circuits[backend];
    request->size = size;
    request->body = malloc(size);
    request->operation = tidemark_op_start("async");
    request->due_ns = clock_ns() + service_time(engine);
    request->fails = !request->body || service_fails(&engine->rng, backend, engine->calls[backend]++);
    if (request->body) memset(request->body, (int)request->id, size);
    return request;
}

bool engine_start(struct engine *engine, size_t size) {
    unsigned backend = (unsigned)(engine->next_id % BACKENDS);
    if (!circuit_allows(&engine->circuits[backend], clock_ns())) {
        tidemark_op_finish(tidemark_op_start("async"), TIDEMARK_REJECTED);
        engine->next_id++;
        engine->rejected++;
        return false;
    }
    heap_push(engine, make_request(engine, size, backend));
    return true;
}

static void finish(struct engine *engine, struct request *request) {
    bool ok = !request->fails;
    circuit_report(request->circuit, ok, clock_ns());
    tidemark_op_finish(request->operation, ok ? TIDEMARK_OK : TIDEMARK_FAILED);
    engine->ok += ok;
    engine->failed += !ok;
    engine->on_answer(engine->context, request, ok);
    free(request->body);
    free(request);
}

void engine_answer(struct engine *engine, bool wait) {
    if (wait && engine->in_flight) sleep_until(engine->heap[0]->due_ns);
    while (engine->in_flight && engine->heap[0]->due_ns <= clock_ns()) finish(engine, heap_pop(engine));
}

void engine_run(struct engine *engine, unsigned requests, unsigned concurrency, uint64_t pace_ns) {
    uint64_t next = clock_ns();
    while (requests || engine->in_flight) {
        bool room = requests && engine->in_flight < concurrency;
        if (room && clock_ns() >= next) {
            bool started = engine_start(engine, 64 + rng_below(&engine->rng, 960));
            next += started ? pace_ns : pace_ns + 20000; /* rejected: come back a little later */
            requests--;
        } else if (room && (!engine->in_flight || engine->heap[0]->due_ns > next)) {
            sleep_until(next);
        } else {
            engine_answer(engine, true);
        }
    }
}

uint64_t engine_transitions(const struct engine *engine) {
    uint64_t sum = 0;
    for (int i = 0; i < BACKENDS; i++) sum += engine->circuits[i].transitions;
    return sum;
}
