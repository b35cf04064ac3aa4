/*
 * The recorder's own thread (helper.h): made by clone(2) with a stack and a thread pointer of our own, so that code
 * which reads thread-local variables (the stack protector's canary in zlib, our own pointer) finds zeros.
 */
#include "helper.h"

#include "config.h"
#include "file.h"
#include "lifecycle.h"
#include "lock.h"
#include "machine_x86_64.h"
#include "memory.h"
#include "pagemap.h"
#include "probe.h"
#include "sys.h"
#include "thread.h"
#include "tick.h"

#include <linux/sched.h>
#include <string.h>
#include <sys/syscall.h>

enum { STACK = 256 << 10, THREAD_LOCAL = 64 << 10, MEMORY = STACK + THREAD_LOCAL + TRACE_PAGE };

static struct {
    struct lock lock;
    unsigned held; /* stops that have not been resumed: nobody starts it then */
    _Atomic bool runs;
    _Atomic uint32_t wakes;
    _Atomic bool quit;
    int kernel_tid;
    _Atomic uint32_t tid; /* cleared by the kernel when the thread has gone */
    uint8_t *memory;
    bool first_outlived; /* by other threads of the target; the thread's own */
} helper;

static struct thread self = {.guard = THREAD_IGNORE};

bool helper_is_me(void) { return thread_self == &self; }
bool helper_runs(void) { return atomic_load_explicit(&helper.runs, memory_order_relaxed); }

void helper_wake(void) {
    atomic_fetch_add_explicit(&helper.wakes, 1, memory_order_release);
    sys_futex_wake(&helper.wakes, 1);
}

void helper_forget(void) {
    if (helper.memory) sys_munmap(helper.memory, MEMORY);
    memset(&helper, 0, sizeof helper);
}

/* How the first thread ended: the last field of its stat (proc_pid_stat(5)). */
static int status_of_first(void) {
    char text[1024];
    sys_read_text("/proc/self/stat", text, sizeof text);
    const char *last = strrchr(text, ' ');
    int code = 0;
    while (last && *++last >= '0' && *last <= '9') code = code * 10 + *last - '0';
    return code >> 8;
}

/*
 * Whether the target's last thread has ended by itself, as by a raw exit(2), and ours is all that keeps the process
 * from its parent. Its status is then that of the thread that ends last (kernels before 5.16: the first one's), so
 * `status` is as it would have been. That of any but the first can't be told; pthread_exit has 0.
 */
static bool is_left_alone(int *status) {
    uint64_t threads = sys_first_has_ended() ? memory_threads() : 0;
    if (threads > 2) helper.first_outlived = true; /* the first stays until all have gone */
    bool alone = threads == 1 || threads == 2;
    if (alone && !helper.first_outlived) *status = status_of_first();
    return alone;
}

static void serve(void *unused) {
    (void)unused;
    thread_self = &self;
    /* Where that is forbidden the descriptors stay the target's too, and none may be closed. */
    if (sys_unshare(CLONE_FS | CLONE_FILES) == 0) file_own_descriptors(pagemap_kept());
    const struct timespec interval = {(time_t)(config.interval_ns / 1000000000u),
                                      (long)(config.interval_ns % 1000000000u)};
    int status = 0;
    for (bool busy = false; lifecycle_helper_wanted() && !atomic_load_explicit(&helper.quit, memory_order_acquire);) {
        uint32_t seen = atomic_load_explicit(&helper.wakes, memory_order_acquire);
        bool alone = is_left_alone(&status);
        busy = tick_serve(busy);
        if (alone && !busy) break;
        if (!busy) sys_futex_wait(&helper.wakes, seen, sys_is_shut() ? sys_shut_wait() : &interval);
    }
    atomic_store_explicit(&helper.runs, false, memory_order_release);
    sys_exit_thread(status);
}

static void launch(void) {
    if (atomic_load_explicit(&helper.tid, memory_order_acquire))
        return; /* one that ends by itself still is on its stack */
    uint8_t *memory = helper.memory ? helper.memory : sys_memory(MEMORY);
    if (!memory) return;
    helper.memory = memory;
    atomic_store_explicit(&helper.quit, false, memory_order_relaxed);
    uint8_t *pointer = memory + STACK + THREAD_LOCAL;
    *(void **)pointer = pointer; /* the thread control block begins with its own address */
    /* Before the thread exists, so that it finds itself wanted; a failure takes it back. */
    atomic_store_explicit(&helper.runs, true, memory_order_release);
    const unsigned long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                                CLONE_SETTLS | CLONE_CHILD_CLEARTID;
    atomic_store_explicit(&helper.tid, 1, memory_order_relaxed);
    long tid = sys_refused(SYS_clone);
    if (!tid) tid = machine_clone(flags, memory + STACK, pointer, &helper.tid, serve);
    if (tid < 0) {
        atomic_store_explicit(&helper.tid, 0, memory_order_relaxed);
        atomic_store_explicit(&helper.runs, false, memory_order_release);
        return;
    }
    helper.kernel_tid = (int)tid;
}

static void end_it(void) {
    atomic_store_explicit(&helper.quit, true, memory_order_release);
    const struct timespec poll = {0, 1000000};
    for (uint32_t tid; (tid = atomic_load_explicit(&helper.tid, memory_order_acquire)) != 0;) {
        helper_wake();
        sys_futex_wait(&helper.tid, tid, &poll);
    }
    while (sys_tgkill(sys_getpid(), helper.kernel_tid, 0) == 0) sys_yield();
}

/* Whoever holds the lock waits for the helper at most, which takes it never. */
void helper_start(void) {
    if (config.writer != CONFIG_WRITER_THREAD || helper_runs() || !lock_try(&helper.lock)) return;
    if (!helper.held && !helper_runs()) launch();
    lock_give(&helper.lock);
}

bool helper_stop(void) {
    lock_take(&helper.lock);
    helper.held++;
    bool ran = helper_runs();
    if (ran) end_it();
    lock_give(&helper.lock);
    return ran;
}

void helper_resume(bool wanted) {
    lock_take(&helper.lock);
    if (helper.held) helper.held--;
    lock_give(&helper.lock);
    if (wanted) helper_start();
}

void helper_quiet(void) {
    uintptr_t low = (uintptr_t)helper.memory;
    sys_quiet(helper_runs() ? low : 0, helper_runs() ? low + STACK : 0);
}
