/*
 * Circuit breaker of the breaker workload; see circuit.h. Allocates nothing.
 */
#include "breaker/circuit.h"

void circuit_init(struct circuit *circuit) { *circuit = (struct circuit){.lock = PTHREAD_MUTEX_INITIALIZER}; }

static void enter(struct circuit *circuit, enum circuit_state state) {
    circuit->state = state;
    circuit->outcomes = 0;
    circuit->transitions++;
}

bool circuit_allows(struct circuit *circuit, uint64_t now_ns) {
    bool allowed = true;
    pthread_mutex_lock(&circuit->lock);
    if (circuit->state == CIRCUIT_OPEN) {
        allowed = now_ns - circuit->opened_ns >= CIRCUIT_PAUSE_NS;
        if (allowed) enter(circuit, CIRCUIT_HALF_OPEN);
    }
    pthread_mutex_unlock(&circuit->lock);
    return allowed;
}

static void judge(struct circuit *circuit, bool ok, uint64_t now_ns) {
    bool failing = __builtin_popcount(circuit->outcomes) >= CIRCUIT_FAILURES;
    if (circuit->state == CIRCUIT_HALF_OPEN && ok) enter(circuit, CIRCUIT_CLOSED);
    if (circuit->state == CIRCUIT_CLOSED && !failing) return;
    if (circuit->state == CIRCUIT_OPEN || ok) return;
    enter(circuit, CIRCUIT_OPEN);
    circuit->opened_ns = now_ns;
}

void circuit_report(struct circuit *circuit, bool ok, uint64_t now_ns) {
    pthread_mutex_lock(&circuit->lock);
    circuit->outcomes = circuit->outcomes << 1 | !ok;
    judge(circuit, ok, now_ns);
    pthread_mutex_unlock(&circuit->lock);
}
