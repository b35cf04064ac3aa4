/*
 * Asynchronous requests to a flaky service, on one thread: many in flight, each answered when its time has come.
 *
 * The service answers after some hundred microseconds, later when many requests are in flight; it has bad spells in
 * which most requests fail. The engine owns requests in flight; their bodies are theirs. One thread.
 */
#ifndef SAMPLES_BREAKER_ENGINE_H
#define SAMPLES_BREAKER_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "breaker/circuit.h"
#include "common/sample.h"

enum { ENGINE_ROOM = 1500, BACKENDS = 8 };

struct request {
    uint64_t id, operation, due_ns;
    struct circuit *circuit;
    bool fails;
    size_t size;
    unsigned char *body;
};

struct engine;
typedef void answered(void *context, const struct request *request, bool ok);

struct engine {
    struct circuit circuits[BACKENDS];
    struct rng rng;
    uint64_t next_id, calls[BACKENDS];
    unsigned in_flight;
    struct request *heap[ENGINE_ROOM]; /* earliest due first */
    answered *on_answer;
    void *context;
    uint64_t ok, failed, rejected;
};

void engine_init(struct engine *engine, answered *on_answer, void *context);
/* Starts one request, or rejects it (false) when its circuit is open. If there is no memory for a body it fails. */
bool engine_start(struct engine *engine, size_t size);
/* Answers all that are due; waits for the first one if `wait`. */
void engine_answer(struct engine *engine, bool wait);
/* `requests` more, at most `concurrency` in flight, one each `pace_ns` at most; ends when all are answered. */
void engine_run(struct engine *engine, unsigned requests, unsigned concurrency, uint64_t pace_ns);
uint64_t engine_transitions(const struct engine *engine);

/* Whether the n-th call of a backend fails; each has its bad spells at other times. */
bool service_fails(struct rng *rng, unsigned backend, uint64_t n);

#endif
