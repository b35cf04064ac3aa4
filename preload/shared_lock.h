/*
 * A lock between the target and the writer beside it: one futex word in the mapped trace, which names its holder.
 *
 * Either may die while it holds one, so nobody waits for ever: a wait ends after a while, and who waited finds out
 * whether the other still lives (beside.c, beside/attended.c). Within the target a struct lock is taken first.
 */
#ifndef PRELOAD_SHARED_LOCK_H
#define PRELOAD_SHARED_LOCK_H

#include "../include/trace_format.h"
#include "sys.h"

#include <stdatomic.h>
#include <stdbool.h>

#define SHARED_LOCK_WAIT_NS 5000000

static inline bool shared_lock_try(_Atomic uint32_t *word, enum trace_holder me) {
    uint32_t none = TRACE_HOLDER_NONE;
    return atomic_compare_exchange_strong_explicit(word, &none, me, memory_order_acquire, memory_order_relaxed);
}

/* Waits once, for a few milliseconds at most. Returns whether it is ours now. Acquire: pairs with shared_lock_give. */
static inline bool shared_lock_wait(_Atomic uint32_t *word, enum trace_holder me) {
    const struct timespec wait = {0, SHARED_LOCK_WAIT_NS};
    uint32_t seen = atomic_load_explicit(word, memory_order_relaxed);
    if (seen != TRACE_HOLDER_NONE) {
        uint32_t waited = seen | TRACE_HOLDER_WAITED;
        if (atomic_compare_exchange_strong_explicit(word, &seen, waited, memory_order_relaxed, memory_order_relaxed))
            sys_futex_wait_shared(word, waited, &wait);
    }
    uint32_t none = TRACE_HOLDER_NONE;
    return atomic_compare_exchange_strong_explicit(word, &none, me | TRACE_HOLDER_WAITED, memory_order_acquire,
                                                   memory_order_relaxed);
}

static inline void shared_lock_give(_Atomic uint32_t *word) {
    if (atomic_exchange_explicit(word, TRACE_HOLDER_NONE, memory_order_release) & TRACE_HOLDER_WAITED)
        sys_futex_wake_shared(word, 1);
}

#endif
