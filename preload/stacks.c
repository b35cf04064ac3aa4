/*
 * A small pool of stacks, claimed by one atomic exchange. Nothing waits for a stack but for a few turns of the
 * scheduler: a claim is held for microseconds, and never over a signal handler, a fork or a call of the target.
 */
#include "stacks.h"

#include "machine_x86_64.h"
#include "sys.h"

#include <errno.h>
#include <stdatomic.h>

enum { STACKS = 8, PATIENCE = 50 };

static char *stacks;
static atomic_bool taken[STACKS];

int stacks_start(void) {
    if (!stacks) stacks = sys_memory((size_t)STACKS * STACKS_SIZE);
    for (unsigned i = 0; i < STACKS; i++) atomic_store_explicit(&taken[i], false, memory_order_relaxed);
    return stacks ? 0 : -ENOMEM;
}

static bool on_ours(void) {
    return stacks && machine_stack_pointer() - (uintptr_t)stacks < (size_t)STACKS * STACKS_SIZE;
}

/* Index of a stack that is now ours, or -1. Pairs with the release in stacks_call. */
static int claim(void) {
    for (unsigned turn = 0; turn < PATIENCE; turn++) {
        for (int i = 0; i < STACKS; i++)
            if (!atomic_exchange_explicit(&taken[i], true, memory_order_acquire)) return i;
        sys_yield();
    }
    return -1;
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
        atomic_store_explicit(&taken[index], false, memory_order_release);
    }
    sys_sigmask(&before, NULL);
    return index >= 0;
}
