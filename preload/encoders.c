/*
 * A pool of encoders, claimed by lock (encoders.h).
 */
#include "encoders.h"

#include "config.h"
#include "lock.h"
#include "sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

enum {
    ENCODERS = 4,        /* for frames of all kinds */
    ENCODERS_PLAIN = 12, /* of which plain frames touch a thirtieth */
};

struct encoder {
    struct lock lock;
    struct drain *drain; /* drain_size() bytes, and a stack behind them */
    bool ready;
};

static struct {
    struct encoder list[ENCODERS + ENCODERS_PLAIN];
    struct queue {
        _Atomic uint32_t given, waiting; /* encoders given back so far; threads that wait for one */
    } queues[2];                         /* for frames of all kinds, for plain ones */
} encoders;

static bool reserve(struct encoder *e) {
    if (!e->drain) e->drain = sys_memory(drain_size() + DRAIN_STACK);
    return e->drain;
}

static bool make(struct encoder *e) {
    e->ready = reserve(e) && drain_init(e->drain, config.level) == 0;
    return e->ready;
}

/* In the child of a fork the encoders' memory is a copy in an unknown state: it goes. */
int encoders_start(void) {
    for (size_t i = 0; i < ENCODERS + ENCODERS_PLAIN; i++)
        if (encoders.list[i].drain) sys_munmap(encoders.list[i].drain, drain_size() + DRAIN_STACK);
    memset(&encoders, 0, sizeof encoders);
    return reserve(&encoders.list[0]) ? 0 : -ENOMEM;
}

struct drain *encoder_drain(const struct encoder *e) {
    return e->drain;
}
uint8_t *encoder_stack_top(const struct encoder *e) { return (uint8_t *)e->drain + drain_size() + DRAIN_STACK; }

static bool claim(struct encoder *e) {
    if (e->ready || make(e)) return true;
    lock_give(&e->lock);
    return false;
}

/* NULL: no memory for the one that must be there, or, with `taken`, all are. */
static struct encoder *try_all(bool plain, bool *taken) {
    size_t count = plain ? ENCODERS + ENCODERS_PLAIN : ENCODERS;
    *taken = false;
    for (size_t i = 0; i < count; i++) {
        if (!lock_try(&encoders.list[i].lock)) continue;
        if (claim(&encoders.list[i])) return &encoders.list[i];
        if (i == 0) return NULL;
    }
    *taken = true;
    return NULL;
}

/*
 * With many threads on few processors those that have one are mostly waiting for their turn; each that is given back
 * wakes one who waits for it.
 */
struct encoder *encoders_take(bool plain) {
    const struct timespec patience = {0, 20000000};
    struct queue *queue = &encoders.queues[plain];
    bool taken;
    struct encoder *e = try_all(plain, &taken);
    if (!taken) return e;
    atomic_fetch_add(&queue->waiting, 1);
    for (;;) {
        uint32_t given = atomic_load(&queue->given);
        e = try_all(plain, &taken);
        if (!taken) break;
        sys_futex_wait(&queue->given, given, &patience);
    }
    atomic_fetch_sub(&queue->waiting, 1);
    return e;
}

static void wake_one(struct queue *queue) {
    atomic_fetch_add(&queue->given, 1);
    if (atomic_load(&queue->waiting)) sys_futex_wake(&queue->given, 1);
}

void encoders_give(struct encoder *e) {
    lock_give(&e->lock);
    if (e < &encoders.list[ENCODERS]) wake_one(&encoders.queues[false]);
    wake_one(&encoders.queues[true]);
}
