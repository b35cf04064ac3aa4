/*
 * A thread as the recorder sees it: its guard, its ring in the trace file, its unwinder.
 *
 * Owned by the thread; others read it only to drain its ring (under `drain`). A struct is reused when its thread has
 * gone, under a new serial. The one TLS variable is a pointer, initial-exec, so reading it never calls into the loader.
 */
#ifndef PRELOAD_THREAD_H
#define PRELOAD_THREAD_H

#include "file.h"
#include "lock.h"
#include "unwind.h"

#include <stdbool.h>

enum thread_state { THREAD_FREE, THREAD_ACTIVE, THREAD_ENDING, THREAD_SPARE };

#define THREAD_RING_WORDS 65536u
#define THREAD_UNWINDERS 3
#define THREAD_NUMBERS 128u

/*
 * Guard values: 0 outside hooks, THREAD_IGNORE while the recorder itself may allocate, else the stack pointer of the
 * hook that is at work, so that a longjmp out of a signal handler can be told from a handler that is still running.
 */
#define THREAD_IGNORE 1u
#define THREAD_STACK_SPAN (8u << 20) /* a stale guard lies at most this far below the caller */

struct thread {
    _Atomic uintptr_t guard;  /* thread_guard() */
    uint64_t head;            /* words written; the slot's head is its published copy */
    uint64_t limit;           /* head above which the slow path must look */
    uint64_t stamp;           /* the last one read from the clock */
    uint32_t stamp_followers; /* events that may still share it, */
    uint32_t stamp_turn;      /* while this is the turn of the edges */
    const _Atomic uint32_t *turn;
    uint64_t *ring;
    uint8_t *control;                               /* slot control page */
    struct unwind_thread *unwind[THREAD_UNWINDERS]; /* the first for hooks that interrupt none */
    atomic_bool unwinds[THREAD_UNWINDERS];          /* the others at work: signal handlers that interrupted a hook */
    uint32_t serial;
    /* Of the struct, from 1, so that of one living thread at a time; 0: all THREAD_NUMBERS are given. */
    uint32_t number;
    _Atomic int tid;
    unsigned key_rounds;
    char name[16]; /* under the lock of the list */
    _Atomic int state;
    _Atomic bool away; /* at work on its full ring: stamps nothing until it is done */
    struct lock drain;
    struct file_slot slot;
    uint64_t first_stamp;
    struct thread *spare; /* thread_spare() */
    struct thread *next;
};

static inline _Atomic uint64_t *thread_field(const struct thread *thread, enum trace_slot_offset at) {
    return (_Atomic uint64_t *)(thread->control + at);
}

/* Set and cleared by its thread alone, in this order with what a signal handler of the thread sees. */
static inline uintptr_t thread_guard(const struct thread *thread) {
    return atomic_load_explicit(&thread->guard, memory_order_relaxed);
}
static inline void thread_set_guard(struct thread *thread, uintptr_t guard) {
    atomic_store_explicit(&thread->guard, guard, memory_order_relaxed);
}
/* What the ring holds for everybody: acquire pairs with the release of its thread. */
static inline uint64_t thread_head(const struct thread *thread) {
    return atomic_load_explicit(thread_field(thread, TRACE_SLOT_AT_HEAD), memory_order_acquire);
}

/* Before the first thread of a trace. */
void threads_start(void);

/*
 * The calling thread's struct, made on its first event: NULL when there is no memory or file for it. Signals blocked.
 */
struct thread *thread_attach(void);

/*
 * For signal handlers that interrupted a hook of this thread and have filled its nested queue: a struct with a ring of
 * its own, a thread more in the trace. NULL when there is no memory or file for it.
 */
struct thread *thread_spare(struct thread *thread);

/* All structs ever made, also free ones. */
struct thread *threads_first(void);

/* Threads that had an event and have not ended, as far as known. */
unsigned threads_alive(void);
bool thread_is_alive(const struct thread *thread);

/* More than one thread may have events now. */
bool threads_many(void);
/* For a thread that may be the last one: if so, drains all rings, and threads_many is false until another one comes. */
void threads_settle(struct thread *self);

/* Writes THREAD_NAME records for threads whose name has changed. */
void threads_rename(void);

#endif
