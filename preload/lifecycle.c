/*
 * From the first hook to the last (lifecycle.h). A process image is recorded from its first hook on, which may come before
 * our constructor; what needs libc (libunwind, the environment for children, atfork) waits for the constructor.
 */
#include "lifecycle.h"

#include "beside.h"
#include "config.h"
#include "edges.h"
#include "file.h"
#include "helper.h"
#include "journal.h"
#include "memory.h"
#include "modules.h"
#include "nodes.h"
#include "probe.h"
#include "process.h"
#include "real.h"
#include "reference.h"
#include "requests.h"
#include "stackid.h"
#include "stacks.h"
#include "stamp.h"
#include "strings.h"
#include "text.h"
#include "thread.h"
#include "unwind.h"
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND = 1000000000 };

static struct {
    struct lock lock;
    bool begun; /* this image has been looked at; recorded or not */
    int pid;
    _Atomic int pauses;
    _Atomic bool wanted; /* recording, unless paused */
    _Atomic bool ended;
    _Atomic int failed;
    enum lifecycle_exit exit_how; /* as the first exit event said */
    int exit_status;
    uint64_t start_stamp, start_ns, fork_stamp;
    /* ticks: under tick_lock */
    struct lock tick_lock;
    uint64_t sample_next_ns, second_next_ns, sample_cost_ns;
    uint64_t stop_ns; /* SIGTERM was sent then */
    struct memory_figures last;
    uint64_t last_ns, last_cpu_ns;
    char parent[CONFIG_PATH]; /* the parent's trace, in the child of a fork */
} life;

static uint32_t wanted_bits(void) {
    if (!life.wanted || life.failed) return 0;
    return PROBE_EVENTS | (life.pauses > 0 ? 0 : PROBE_BIRTHS);
}

/* Of several at once the last one to switch sees what all of them want. */
static void apply(void) {
    uint32_t bits;
    do {
        probe_switch(bits = wanted_bits());
        atomic_thread_fence(memory_order_seq_cst);
    } while (bits != wanted_bits());
    if (file_header())
        atomic_store_explicit((_Atomic uint32_t *)(file_header() + TRACE_AT_CONTROL), life.wanted,
                              memory_order_release);
}

bool lifecycle_is_self(void) {
    return !sys_is_quiet() && life.begun && probe_state.page.alive && life.pid == sys_getpid() && file_header();
}

/* ---- start ---- */

static bool is_chosen(void) {
    char path[CONFIG_PATH];
    if (!config.only[0] && !config.skip[0]) return true;
    long length = sys_readlink("/proc/self/exe", path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    const char *name = text_base(path);
    if (config.only[0] && !text_matches(config.only, name) && !text_matches(config.only, path)) return false;
    return !config.skip[0] || !(text_matches(config.skip, name) || text_matches(config.skip, path));
}

static int start_parts(const char *template) {
    journal_forget();
    stackid_forget();
    int error = file_create(template, !stamp_clock.counted);
    nodes_start();
    memory_start();
    strings_start();
    if (!error) error = writer_start();
    if (!error) error = journal_start();
    if (!error) error = stackid_start(nodes_extent);
    if (!error) error = modules_start();
    if (!error) error = unwind_start(config.depth, config.check_stacks);
    threads_start();
    return error;
}

static void put_clock(void) {
    uint8_t body[48];
    struct wire_writer w = wire_writer(body, sizeof body);
    struct timespec at[3];
    uint64_t stamp = stamp_now();
    sys_clock_gettime(CLOCK_MONOTONIC, &at[0]);
    sys_clock_gettime(CLOCK_BOOTTIME, &at[1]);
    sys_clock_gettime(CLOCK_REALTIME, &at[2]);
    wire_put_varint(&w, stamp);
    for (int i = 0; i < 3; i++) wire_put_varint(&w, (uint64_t)at[i].tv_sec * SECOND + (uint64_t)at[i].tv_nsec);
    journal_put(TRACE_RECORD_CLOCK, body, (size_t)(w.at - body));
}

static void set_next_tick(uint64_t now_ns, uint64_t delay_ns) {
    uint64_t stamp = stamp_now(), ran_ns = now_ns - life.start_ns;
    uint64_t per_us = stamp_clock.counted ? 10 : ran_ns > 1000000 ? (stamp - life.start_stamp) / (ran_ns / 1000) : 2000;
    atomic_store_explicit(&probe_state.page.next_tick, helper_runs() ? UINT64_MAX : stamp + per_us * delay_ns / 1000,
                          memory_order_relaxed);
}

static void say_failed(int error) {
    char number[24];
    struct text text = text_into(number, sizeof number);
    text_put_number(&text, (uint64_t)-error);
    if (config.verbose) config_say("no trace ", file_path(), ": error ", number, NULL);
}

/* Opens the trace of this image and turns recording on. */
static void begin(const char *template, bool forked) {
    life.begun = true;
    life.pid = sys_getpid();
    stamp_start();
    life.start_stamp = stamp_now();
    life.start_ns = sys_monotonic();
    probe_start();
    probe_state.page.alive = 1;
    if (!is_chosen() || (forked && !config.follow)) return;
    int error = start_parts(template);
    if (error) {
        life.failed = error;
        say_failed(error);
        return;
    }
    process_describe(forked, life.fork_stamp, life.parent);
    put_clock();
    set_next_tick(life.start_ns, config.interval_ns);
    life.second_next_ns = life.start_ns + SECOND / 10; /* a shorter process has no time for it */
    life.wanted = forked || config.start_on;
    apply();
    if (config.verbose) config_say("recording to ", file_path(), NULL);
}

/* A sanitizer's runtime is an allocator with a shadow of its own, and has its own leak check: nothing is recorded. */
#pragma weak __asan_init
#pragma weak __tsan_init
#pragma weak __msan_init
#pragma weak __hwasan_init
extern void __asan_init(void), __tsan_init(void), __msan_init(void), __hwasan_init(void);
static bool is_sanitized(void) { return __asan_init || __tsan_init || __msan_init || __hwasan_init; }

/*
 * What another libc than glibc lacks is weak, all over the recorder, so that its loader takes us too and hooks only pass on.
 * pthread_atfork and at_quick_exit are linked into us statically, and stand on the last two.
 */
#pragma weak gnu_get_libc_version
#pragma weak __register_atfork
#pragma weak __cxa_at_quick_exit
extern int __register_atfork(void (*)(void), void (*)(void), void (*)(void), void *);
extern int __cxa_at_quick_exit(void (*)(void *), void *);
extern void *__dso_handle;
static bool is_foreign(void) {
    return is_sanitized() || !gnu_get_libc_version || !__register_atfork || !__cxa_at_quick_exit;
}

static void begin_first(void) {
    if (is_foreign()) {
        life.begun = true;
        life.pid = sys_getpid();
        probe_state.page.alive = 1;
        return;
    }
    config_read();
    begin(config.out, false);
}

/* In the child of a fork: everything of the parent is left behind. */
static void begin_forked(void *unused) {
    (void)unused;
    uint64_t split = life.fork_stamp;
    char parent[CONFIG_PATH];
    strcpy(parent, file_header() ? file_path() : "");
    thread_self = NULL;
    helper_forget();
    file_forget();
    config_forked();
    memset(&life, 0, sizeof life);
    life.fork_stamp = split;
    strcpy(life.parent, parent);
    begin(config.children, true);
    if (life.failed) return;
    memory_forked();
    modules_inherit();
}

/* While recording is off no hook ticks: a request to turn it on is seen here. */
static void serve_requests(void) {
    uint64_t signals = signals_block();
    lifecycle_tick();
    signals_restore(signals);
}

bool lifecycle_wake(uint32_t wanted) {
    if (life.begun && probe_state.page.alive) {
        if (life.failed) writer_count_lost(1);
        else if (requests_wait()) serve_requests();
        return atomic_load_explicit(&probe_state.page.on, memory_order_relaxed) & wanted;
    }
    if (!real_is_resolved()) return false;
    uint64_t signals = signals_block();
    if (life.begun) {   /* the child of a fork, and its first hook, so it has one thread */
        stacks_start(); /* those of the threads that are no more come back */
        stacks_run(begin_forked, NULL);
    } else {
        lock_take(&life.lock);
        if (!life.begun) begin_first();
        lock_give(&life.lock);
    }
    signals_restore(signals);
    return atomic_load_explicit(&probe_state.page.on, memory_order_relaxed) & wanted;
}

/* ---- while it runs ---- */

void lifecycle_failed(int error) {
    int none = 0;
    if (!atomic_compare_exchange_strong(&life.failed, &none, error)) return;
    probe_switch(0);
    uint8_t body[32];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, stamp_now());
    wire_put_varint(&w, error == -EFBIG                        ? 1
                        : error == -ENOSPC || error == -EDQUOT ? 2
                        : error == -EMFILE || error == -EBADF  ? 5
                                                               : 3);
    wire_put_varint(&w, (uint64_t)-error);
    journal_put(TRACE_RECORD_STOPPED, body, (size_t)(w.at - body));
    say_failed(error);
}

void lifecycle_pause(void) {
    atomic_fetch_add(&life.pauses, 1);
    apply();
}
void lifecycle_resume(void) {
    if (atomic_fetch_sub(&life.pauses, 1) <= 0) atomic_fetch_add(&life.pauses, 1);
    apply();
}
void lifecycle_set_recording(bool on) {
    life.wanted = on;
    apply();
}

void lifecycle_stop_target(void) {
    if (life.stop_ns) return;
    life.stop_ns = sys_monotonic();
    sys_kill(life.pid, SIGTERM);
}

static void stop_for(const char *limit) {
    if (life.stop_ns) return;
    requests_note(TRACE_COMMAND_STOP, 0, stamp_now(), limit, strlen(limit));
    lifecycle_stop_target();
}

static void check_limits(struct memory_figures now, uint64_t now_ns) {
    const struct config_limits *limits = &config.limits;
    uint64_t passed = now_ns - life.last_ns;
    if (limits->rss && now.rss > limits->rss) stop_for("rss");
    if (limits->time && now_ns - life.start_ns > limits->time) stop_for("time");
    if (limits->concurrent && process_operations() > limits->concurrent) stop_for("concurrent");
    if (life.last_ns && passed < SECOND) return;
    if (life.last_ns && limits->growth && now.rss > life.last.rss &&
        (now.rss - life.last.rss) * SECOND / passed > limits->growth)
        stop_for("growth");
    if (life.last_ns && limits->cpu && (now.cpu_ns - life.last.cpu_ns) * 100 / passed > limits->cpu) stop_for("cpu");
    life.last = now;
    life.last_ns = now_ns;
}

/* A sampler may take one part in a hundred of the time. */
static void sample(uint64_t now_ns) {
    if (now_ns < life.sample_next_ns) return;
    struct memory_figures figures = memory_sample();
    uint64_t cost = sys_monotonic() - now_ns, share = cost * 100;
    life.sample_next_ns = now_ns + (share > config.interval_ns ? share : config.interval_ns);
    check_limits(figures, now_ns);
}

static void each_second(uint64_t now_ns) {
    if (now_ns < life.second_next_ns) return;
    life.second_next_ns = now_ns + SECOND;
    put_clock();
    memory_look();
    memory_rollup();
    modules_sweep();
    writer_tell_losses();
    threads_rename();
    writer_each_second();
}

static void round_of_work(void) {
    uint64_t now_ns = sys_monotonic();
    requests_serve();
    sample(now_ns);
    each_second(now_ns);
    if (life.stop_ns && now_ns > life.stop_ns + 5ull * SECOND) sys_kill(life.pid, SIGKILL);
}

static void tick_on_stack(void *unused) {
    (void)unused;
    round_of_work();
}

/* Not from within a phase edge: what the tick has to mark would wait for that to end. The next hook ticks then. */
void lifecycle_tick(void) {
    if (edge_is_mine()) return;
    bool mine = lock_try(&life.tick_lock);
    /* Where the one that ticks is at it for longer, or has no processor, the others go on: each of their events would come here. */
    set_next_tick(sys_monotonic(), config.interval_ns);
    if (!mine) return;
    stacks_call(tick_on_stack, NULL);
    lock_give(&life.tick_lock);
}

bool lifecycle_helper_wanted(void) { return !life.failed && !atomic_load_explicit(&life.ended, memory_order_acquire); }

bool lifecycle_serve(bool busy) {
    atomic_store_explicit(&probe_state.page.next_tick, UINT64_MAX, memory_order_relaxed);
    lock_take(&life.tick_lock);
    round_of_work();
    bool drained = writer_drain_filled(busy);
    lock_give(&life.tick_lock);
    return drained;
}

/* ---- the end ---- */

/* Before the target shuts itself in: from here on only the helper thread, if it is out of the filter's reach, makes calls. */
void lifecycle_shut_in(bool all_threads) {
    if (!lifecycle_is_self()) return;
    uint64_t signals = signals_block();
    reference_hurry();
    if (all_threads) helper_stop();
    else helper_start();
    beside_expect();
    writer_drain_all();
    signals_restore(signals);
    atomic_store_explicit(&probe_state.page.next_tick, UINT64_MAX, memory_order_relaxed);
    helper_quiet();
}

void lifecycle_forking(void) {
    if (!lifecycle_is_self()) return;
    life.fork_stamp = probe_event(TRACE_EVENT_FORK, 0, 0, 0);
    memory_forked();
}

void lifecycle_exiting(enum lifecycle_exit how, int status) {
    if (!lifecycle_is_self()) return;
    if (!life.exit_how) {
        life.exit_how = how;
        life.exit_status = status;
    }
    probe_event(TRACE_EVENT_EXIT, 0, how, (uint64_t)(int64_t)status);
}

static void add_counters(struct unwind_counters *sum) {
    for (struct thread *t = threads_first(); t; t = t->next)
        for (unsigned i = 0; i < THREAD_UNWINDERS; i++) {
            struct unwind_counters one = {0};
            unwind_thread_counters(t->unwind[i], &one);
            sum->fallbacks += one.fallbacks;
            sum->partial += one.partial;
            sum->cut += one.cut;
            sum->checked += one.checked;
            sum->different += one.different;
        }
}

static void put_end(enum lifecycle_exit how, int status) {
    uint8_t body[128];
    struct unwind_counters stacks = {0};
    add_counters(&stacks);
    const uint64_t fields[] = {stamp_now(),
                               how,
                               (uint64_t)(uint32_t)status,
                               writer_events(),
                               writer_cpu_ns(),
                               memory_own_resident(),
                               stacks.fallbacks,
                               stacks.partial,
                               stacks.cut,
                               stacks.checked,
                               stacks.different};
    struct wire_writer w = wire_writer(body, sizeof body);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) wire_put_varint(&w, fields[i]);
    journal_put(TRACE_RECORD_END, body, (size_t)(w.at - body));
}

static void write_rest(enum lifecycle_exit how, int status) {
    requests_serve();
    memory_rollup(); /* first: it counts the threads and descriptors that the sample tells */
    memory_last();
    put_clock();
    threads_rename();
    writer_drain_all();
    writer_tell_losses();
    put_end(how, status);
    writer_drain_journal();
    file_index(false);
}

/* After an exec that fails the recording goes on: control pages stay, and so do nodes, which the trie compares with. */
static void punch_slots(bool for_good) {
    void (*punch)(const struct file_slot *) = for_good ? file_punch : file_punch_data;
    for (struct thread *t = threads_first(); t; t = t->next) punch(&t->slot);
    punch(journal_slot());
    if (for_good) nodes_punch();
    else nodes_punch_unused();
}

static bool reserve_slots(void) {
    bool all = nodes_reserve() && file_reserve(journal_slot()) == 0;
    for (struct thread *t = threads_first(); t && all; t = t->next) all = file_reserve(&t->slot) == 0;
    return all;
}

/* With no other thread left nothing is written any more, and the pages of the slots go back. */
static void end(enum lifecycle_exit how, int status) {
    lock_take(&life.tick_lock);
    beside_refuse();
    uintptr_t before = probe_ignore();
    write_rest(how, status);
    bool alone = threads_alive() <= 1;
    if (alone && writer_is_drained()) {
        probe_switch(0);
        if (how == EXIT_EXEC) file_close();
        else file_close_for_good();
        punch_slots(how != EXIT_EXEC);
    } else if (!alone && !file_error()) {
        file_close();
        writer_punch_idle();
    } /* else: what could not be written is in the slots, for recovery */
    probe_heed(before);
    lock_give(&life.tick_lock);
}

static void end_by_exit(void *unused) {
    (void)unused;
    end(life.exit_how ? life.exit_how : EXIT_CALL, life.exit_status);
}

void lifecycle_end(void) {
    if (!lifecycle_is_self() || atomic_exchange(&life.ended, true)) return;
    uint64_t signals = signals_block();
    helper_stop(); /* it may be the only one that has a descriptor, so what it began it ends */
    stacks_run(end_by_exit, NULL);
    signals_restore(signals);
}

void lifecycle_exec(const char *path) {
    if (!lifecycle_is_self() || life.ended) return;
    probe_event(TRACE_EVENT_EXEC, 0, strings_id(path, strnlen(path, 255)), 0);
    uint64_t signals = signals_block();
    helper_stop();
    end(EXIT_EXEC, 0);
    signals_restore(signals);
}

static void go_on(void *unused) {
    (void)unused;
    file_reopen();
    if (!reserve_slots()) lifecycle_failed(-ENOSPC);
    helper_resume(threads_many());
    apply();
}

void lifecycle_exec_failed(int error) {
    if (!lifecycle_is_self() || life.ended) return;
    stacks_run(go_on, NULL);
    probe_event(TRACE_EVENT_EXEC_FAIL, 0, 0, (uint64_t)error);
}

/* ---- constructor ---- */

static void child_of_fork(void) { /* for kernels that can't wipe the page */
    probe_switch(0);
    probe_state.page.alive = 0;
}

static void own_path(char out[CONFIG_PATH]) {
    struct text text = text_into(out, CONFIG_PATH);
    const char *name = modules_name((uintptr_t)own_path);
    if (!name) return;
    if (name[0] != '/') {
        long length = sys_readlink("/proc/self/cwd", out, CONFIG_PATH - 1);
        if (length > 0) text.at = out + length;
        text_put(&text, "/");
    }
    text_put(&text, name);
}

/*
 * A launcher that looks for phases in the output gives us a pipe of packets (pipe(2), O_DIRECT), and could not give a
 * terminal: the program writes whole lines, as it would there.
 */
static void end_quickly(void *unused) {
    (void)unused;
    lifecycle_end();
}

static void write_whole_lines(void) {
    int flags = sys_fcntl(STDOUT_FILENO, F_GETFL, 0);
    if (flags >= 0 && (flags & O_DIRECT) && sys_fcntl(STDOUT_FILENO, F_GETPIPE_SZ, 0) > 0)
        setvbuf(stdout, NULL, _IOLBF, 0);
}

__attribute__((constructor)) static void construct(void) {
    char path[CONFIG_PATH];
    real_resolve();
    lifecycle_wake(PROBE_EVENTS);
    if (is_foreign()) return;
    own_path(path);
    config_export(path);
    if (!lifecycle_is_self()) return;
    uintptr_t before = probe_ignore();
    unwind_open_reference();
    __register_atfork(lifecycle_forking, NULL, child_of_fork, &__dso_handle);
    __cxa_at_quick_exit(end_quickly, &__dso_handle);
    write_whole_lines();
    probe_heed(before);
    uint64_t signals = signals_block();
    modules_scan();
    memory_first();
    signals_restore(signals);
}
