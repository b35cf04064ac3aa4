/*
 * preload/helper.c as a thread that the thread sanitizer knows: pthread_create in the place of clone(2). What it shares
 * with the program stays shared.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "../../preload/machine_x86_64.h"
#include "../../preload/sys.h"

static long race_clone(_Atomic uint32_t *running, void (*serve)(void *));
static void race_end(int status);

#define machine_clone(flags, stack, pointer, tid, serve) race_clone((flags) ? (tid) : NULL, serve)
#define sys_exit_thread race_end
#define sys_unshare(flags) (-1)

#include "../../preload/helper.c"

struct start {
    _Atomic uint32_t *running;
    void (*serve)(void *);
    _Atomic int tid;
};

static __thread _Atomic uint32_t *own_running;

static void *run(void *argument) {
    struct start *start = argument;
    own_running = start->running;
    void (*serve_it)(void *) = start->serve;
    signals_block();
    atomic_store_explicit(&start->tid, sys_gettid(), memory_order_release);
    serve_it(NULL);
    return NULL;
}

/* As CLONE_CHILD_CLEARTID does it. */
static void race_end(int status) {
    (void)status;
    _Atomic uint32_t *running = own_running;
    atomic_store_explicit(running, 0, memory_order_release);
    sys_futex_wake(running, 1);
    pthread_exit(NULL);
}

static long race_clone(_Atomic uint32_t *running, void (*serve_it)(void *)) {
    static struct start start;
    pthread_t thread;
    atomic_store_explicit(&start.tid, 0, memory_order_relaxed);
    start.running = running;
    start.serve = serve_it;
    if (pthread_create(&thread, NULL, run, &start)) return -EAGAIN;
    pthread_detach(thread);
    int tid;
    while (!(tid = atomic_load_explicit(&start.tid, memory_order_acquire))) sys_yield();
    return tid;
}
