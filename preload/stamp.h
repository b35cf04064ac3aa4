/*
 * The order of what happens: stamps of the processor's cycle counter, or counted where that is not constant or the
 * target forbids to read it (PR_SET_TSC). For every thread, async-signal-safe.
 */
#ifndef PRELOAD_STAMP_H
#define PRELOAD_STAMP_H

#include "machine_x86_64.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

extern struct stamp_clock {
    _Atomic bool counted; /* and never again anything else, in children neither */
    _Atomic uint64_t counter;
} stamp_clock __attribute__((visibility("hidden")));

/* A stamp later than everything this thread has seen and earlier than everything it does next. */
static inline uint64_t stamp_now(void) {
    if (__builtin_expect(atomic_load_explicit(&stamp_clock.counted, memory_order_relaxed), 0))
        return atomic_fetch_add_explicit(&stamp_clock.counter, 1, memory_order_seq_cst) + 1;
    return machine_stamp();
}

/* Looks what the processor has. Before the first stamp. */
void stamp_start(void);

/* From now on stamps are counted. Before the cycle counter is forbidden. */
void stamp_count(void);

#endif
