/*
 * A circuit breaker: closed while calls succeed, open after too many failures, half-open to try again.
 *
 * After Nygard, "Release It!", chapter Circuit Breaker. Judged over the last CIRCUIT_WINDOW calls. Any thread.
 */
#ifndef SAMPLES_BREAKER_CIRCUIT_H
#define SAMPLES_BREAKER_CIRCUIT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { CIRCUIT_WINDOW = 32, CIRCUIT_FAILURES = 16 };
#define CIRCUIT_PAUSE_NS 2000000u

enum circuit_state { CIRCUIT_CLOSED, CIRCUIT_OPEN, CIRCUIT_HALF_OPEN };

struct circuit {
    pthread_mutex_t lock;
    enum circuit_state state;
    uint32_t outcomes; /* the last CIRCUIT_WINDOW calls, 1 is a failure */
    uint64_t opened_ns;
    uint64_t transitions;
};

void circuit_init(struct circuit *circuit);
/* False: do not call, the service is given time to recover. */
bool circuit_allows(struct circuit *circuit, uint64_t now_ns);
/* What became of a call that was allowed. */
void circuit_report(struct circuit *circuit, bool ok, uint64_t now_ns);

#endif
