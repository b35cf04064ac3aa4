/*
 * A small pool of stacks, claimed by one atomic exchange. A claim is held for microseconds, and never over a signal
 * handler, a fork or a call of the target; but whoever holds it may have no processor. So one waits for a stack, though
 * not for ever: it may be held by threads that wait for a lock which ours holds (the loader's).
 */
#include "stacks.h"

#include "machine_x86_64.h"
#include "sys.h"

#include <errno.h>
#include <stdatomic.h>

enum { STACKS = 8 };
static const uint64_t patience_ns = 1000000000;

static char *stacks;
static atomic_bool taken[STACKS];
static _Atomic uint32_t waiting, given_back; /* threads; times, while one waited */

int stacks_start(void) {
    if (!stacks) stacks = sys_memory((size_t)STACKS * STACKS_SIZE);
    return stacks ? 0 : -ENOMEM;
}

void stacks_forked(void) {
    for (unsigned i = 0; i < STACKS; i++) atomic_store_explicit(&taken[i], false, memory_order_relaxed);
    atomic_store_explicit(&waiting, 0, memory_order_relaxed);
    stacks_start();
}

static bool on_ours(void) {
    return stacks && machine_stack_pointer() - (uintptr_t)stacks < (size_t)STACKS * STACKS_SIZE;
}

/* Index of a stack that is now ours, or -1. */
static int try_claim(void) {
    for (int i = 0; i < STACKS; i++)
        if (!atomic_exchange(&taken[i], true)) return i;
    return -1;
}

static int claim(void) {
    int index = try_claim();
    if (index >= 0) return index;
    const struct timespec look_again = {0, 10000000};
    uint64_t until = sys_monotonic() + patience_ns;
    atomic_fetch_add(&waiting, 1);
    do {
        uint32_t before = atomic_load(&given_back);
        index = try_claim();
        if (index < 0) sys_futex_wait(&given_back, before, &look_again);
    } while (index < 0 && sys_monotonic() < until);
    atomic_fetch_sub(&waiting, 1);
    return index;
}

static void give_back(int index) {
    atomic_store(&taken[index], false);
    if (!atomic_load(&waiting)) return;
    atomic_fetch_add(&given_back, 1);
    sys_futex_wake(&given_back, 1);
}

bool stacks_call(void (*fn)(void *), void *argument) {
    if (on_ours()) {
        fn(argument);
        return true;
    }
    static const uint64_t all = ~0ull;
    uint64_t before;
    if (!stacks || sys_sigmask(&all, &before)) return false;
    int index = claim();
    if (index >= 0) {
        machine_call_on_stack(fn, argument, stacks + (size_t)(index + 1) * STACKS_SIZE);
        give_back(index);
    }
    sys_sigmask(&before, NULL);
    return index >= 0;
}
