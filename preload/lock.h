/*
 * The recorder's lock: one futex word, three states (Drepper, "Futexes Are Tricky", 2011). Knows its owner, so that
 * code which may run in a signal handler can see that its own thread was interrupted inside. Never taken on the hot
 * path; callers block signals first.
 */
#ifndef PRELOAD_LOCK_H
#define PRELOAD_LOCK_H

#include "sys.h"

#include <stdatomic.h>
#include <stdbool.h>

/*
 * Every thread has its own copy of this variable (thread.h), so its address tells threads apart without a system call.
 */
struct thread;
extern __thread struct thread *thread_self __attribute__((tls_model("initial-exec"), visibility("hidden")));

struct lock {
    _Atomic uint32_t state; /* 0 free, 1 held, 2 held and waited for */
    _Atomic uintptr_t owner;
};

static inline uintptr_t lock_owner_id(void) { return (uintptr_t)&thread_self; }

static inline bool lock_try(struct lock *lock) {
    uint32_t free_state = 0;
    if (!atomic_compare_exchange_strong_explicit(&lock->state, &free_state, 1, memory_order_acquire,
                                                 memory_order_relaxed))
        return false;
    atomic_store_explicit(&lock->owner, lock_owner_id(), memory_order_relaxed);
    return true;
}

/* Acquires; pairs with the release in lock_give. */
static inline void lock_take(struct lock *lock) {
    if (lock_try(lock)) return;
    while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire) != 0)
        sys_futex_wait(&lock->state, 2, sys_shut_wait());
    atomic_store_explicit(&lock->owner, lock_owner_id(), memory_order_relaxed);
}

static inline void lock_give(struct lock *lock) {
    atomic_store_explicit(&lock->owner, 0, memory_order_relaxed);
    if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2) sys_futex_wake(&lock->state, 1);
}

/* Acquire: pairs with the release in lock_give. */
static inline bool lock_is_free(const struct lock *lock) {
    return atomic_load_explicit(&lock->state, memory_order_acquire) == 0;
}

static inline bool lock_is_mine(const struct lock *lock) {
    return atomic_load_explicit(&lock->owner, memory_order_relaxed) == lock_owner_id();
}

/* All signals of the calling thread held back between these two. */
static inline uint64_t signals_block(void) {
    uint64_t all = ~0ull, old = 0;
    sys_sigmask(&all, &old);
    return old;
}
static inline void signals_restore(uint64_t old) { sys_sigmask(&old, NULL); }

#endif
