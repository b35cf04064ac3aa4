/*
 * From the first hook to the last (lifecycle.h). A process image is recorded from its first hook on, which may come
 * before our constructor (constructor.c).
 */
#include "lifecycle.h"

#include "beside.h"
#include "config.h"
#include "file.h"
#include "glibc.h"
#include "helper.h"
#include "journal.h"
#include "machine_x86_64.h"
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
#include "tick.h"
#include "unwind.h"
#include "writer.h"

#include <errno.h>
#include <string.h>

static struct {
    bool begun; /* this image has been looked at; recorded or not */
    int pid;
    _Atomic int pauses;
    _Atomic bool wanted;   /* recording, unless paused */
    _Atomic bool recorded; /* it was, once: there are blocks in the trace whose releases are to be told */
    _Atomic bool ended;
    _Atomic int failed;
    enum trace_exit exit_how; /* as the first exit event said */
    int exit_status;
    uint64_t fork_stamp;
    char parent[CONFIG_PATH]; /* the parent's trace, in the child of a fork */
} life;

static uint32_t wanted_bits(void) {
    if (life.wanted) life.recorded = true;
    if (!life.recorded || life.failed) return 0;
    return PROBE_EVENTS | (!life.wanted || life.pauses > 0 ? 0 : PROBE_BIRTHS);
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

/* strerror(3) looks for translations, in files. */
static const char *words_for(int error) {
    switch (-error) {
    case ENOENT: return "there is no such folder";
    case EACCES:
    case EPERM: return "permission denied";
    case EROFS: return "the file system is read-only";
    case ENOSPC:
    case EDQUOT: return "the disk is full";
    case EFBIG: return "the limit of file sizes is too low";
    case EMFILE:
    case ENFILE: return "no descriptor is left";
    case ENOMEM: return "no memory is left";
    default: return NULL;
    }
}

static void say_failed(int error) {
    char number[24];
    struct text text = text_into(number, sizeof number);
    text_put_number(&text, (uint64_t)-error);
    const char *words = words_for(error);
    if (config.verbose) config_say("no trace ", file_path(), ": ", words ? words : "error ", words ? "" : number, NULL);
}

/* Opens the trace of this image and turns recording on. */
static void begin(const char *template, bool forked) {
    life.begun = true;
    life.pid = sys_getpid();
    stamp_start();
    tick_reset(life.pid, stamp_now(), sys_monotonic());
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
    tick_put_clock();
    tick_start();
    life.wanted = forked || config.start_on;
    apply();
    if (config.verbose) config_say("recording to ", file_path(), NULL);
    if (config_has_limits())
        helper_start(); /* who sleeps or hangs makes no events, at which limits would be looked at */
}

/* A sanitizer's runtime is an allocator with a shadow of its own, and has its own leak check: nothing is recorded. */
#pragma weak __asan_init
#pragma weak __tsan_init
#pragma weak __msan_init
#pragma weak __hwasan_init
extern void __asan_init(void), __tsan_init(void), __msan_init(void), __hwasan_init(void);
static bool is_sanitized(void) { return __asan_init || __tsan_init || __msan_init || __hwasan_init; }

bool lifecycle_is_foreign(void) { return is_sanitized() || !glibc_is_there(); }

static void begin_first(void) {
    if (lifecycle_is_foreign()) {
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
    tick();
    signals_restore(signals);
}

/*
 * In the child of a fork that a signal handler made amid a hook: the hook goes on once the handler returns, with the
 * parent's struct of its thread, on memory that leads nowhere. Until it is done the recording can't begin; what would
 * be recorded is lost.
 */
static struct {
    struct thread *thread; /* NULL: none */
    _Atomic uint32_t lost;
} interrupted;

static void let_end(struct thread *thread) {
    sys_cover_files();
    tick_no_more();
    for (struct thread *t = thread; t; t = t->spare) t->limit = UINT64_MAX;
    interrupted.thread = thread;
}

/*
 * It has left its guard, or was left by longjmp: what is called closer to it than a signal's frame is long is called by
 * no handler.
 */
static bool is_interrupted(void) {
    const uintptr_t frame_least = 1024;
    if (!interrupted.thread) return false;
    uintptr_t guard = thread_guard(interrupted.thread), reach = machine_stack_pointer() + frame_least;
    if (guard && !(reach >= guard && reach - guard < THREAD_STACK_SPAN && !sys_on_alternate_stack())) return true;
    interrupted.thread = NULL;
    return false;
}

/*
 * Another thread may have its first hook before this one. The page is wiped by hand for kernels that can't. A handler
 * that libc calls before this one may have had the first hook: the recording goes on.
 */
void lifecycle_forked(void) {
    if (probe_state.page.alive && life.pid == sys_getpid()) return;
    struct thread *self = thread_self;
    thread_self = NULL;
    memset(&probe_state.page, 0, sizeof probe_state.page);
    interrupted.thread = NULL;
    atomic_store_explicit(&interrupted.lost, 0, memory_order_relaxed);
    if (self && thread_guard(self) > THREAD_IGNORE) let_end(self);
}

/* Not while another thread is at it: what came meanwhile would not be recorded. */
static bool has_begun(void) {
    const struct lock *beginning = &probe_state.page.beginning;
    return life.begun && probe_state.page.alive && (lock_is_free(beginning) || lock_is_mine(beginning));
}

/*
 * Threads can start, in the child of a fork too, before the first hook: of several the first begins, the others wait.
 */
static void begin_once(void) {
    uint64_t signals = signals_block();
    lock_take(&probe_state.page.beginning);
    if (!life.begun) {
        begin_first();
    } else if (!probe_state.page.alive) {
        stacks_forked(); /* those of the threads that are no more come back */
        stacks_run(begin_forked, NULL);
        uint32_t lost = atomic_exchange_explicit(&interrupted.lost, 0, memory_order_relaxed);
        if (lost) writer_count_lost(lost);
    }
    lock_give(&probe_state.page.beginning);
    signals_restore(signals);
}

bool lifecycle_wake(uint32_t wanted) {
    if (!has_begun()) {
        if (lock_is_mine(&probe_state.page.beginning) || !real_is_resolved()) return false;
        if (is_interrupted()) {
            atomic_fetch_add_explicit(&interrupted.lost, 1, memory_order_relaxed);
            return false;
        }
        begin_once();
    } else if (life.failed) {
        writer_count_lost(1);
    } else if (requests_wait()) {
        serve_requests();
    }
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
    wire_put_varint(&w, error == -EFBIG                        ? TRACE_STOP_SIZE
                        : error == -ENOSPC || error == -EDQUOT ? TRACE_STOP_SPACE
                        : error == -EMFILE || error == -EBADF  ? TRACE_STOP_DESCRIPTORS
                                                               : TRACE_STOP_FILE);
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

bool lifecycle_helper_wanted(void) { return !life.failed && !atomic_load_explicit(&life.ended, memory_order_acquire); }

/* ---- the end ---- */

/*
 * Before the target shuts itself in: from here on only the helper thread, if it is out of the filter's reach, makes
 * calls.
 */
void lifecycle_shut_in(bool all_threads, bool strict) {
    if (!lifecycle_is_self()) return;
    if (strict) probe_count_stamps();
    uint64_t signals = signals_block();
    reference_hurry();
    if (all_threads || strict) helper_stop(); /* such a thread ends by exit(2) alone, which ours would outlive */
    else helper_start();
    beside_expect();
    writer_drain_all();
    signals_restore(signals);
    tick_no_more();
    sys_quiet_futex(threads_alive() > 1 && !strict);
    helper_quiet();
}

void lifecycle_forking(void) {
    if (!lifecycle_is_self()) return;
    life.fork_stamp = probe_event(TRACE_EVENT_FORK, 0, 0);
    memory_forked();
}

void lifecycle_exiting(enum trace_exit how, int status) {
    if (!lifecycle_is_self()) return;
    if (!life.exit_how) {
        life.exit_how = how;
        life.exit_status = status;
    }
    probe_event(TRACE_EVENT_EXIT, how, (uint64_t)(int64_t)status);
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

static void put_end(enum trace_exit how, int status) {
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

static void write_rest(enum trace_exit how, int status) {
    requests_serve();
    memory_rollup(); /* first: it counts the threads and descriptors that the sample tells */
    memory_last();
    tick_put_clock();
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
static void end(enum trace_exit how, int status) {
    tick_hold();
    beside_refuse();
    uintptr_t before = probe_ignore();
    write_rest(how, status);
    bool alone = threads_alive() <= 1;
    if (alone && writer_is_drained()) {
        probe_switch(0);
        if (how == TRACE_EXIT_EXEC) file_close();
        else file_close_for_good();
        punch_slots(how != TRACE_EXIT_EXEC);
    } else if (!alone && !file_error()) {
        file_close();
        writer_punch_idle();
    } /* else: what could not be written is in the slots, for recovery */
    probe_heed(before);
    tick_release();
}

static void end_by_exit(void *unused) {
    (void)unused;
    end(life.exit_how ? life.exit_how : TRACE_EXIT_CALL, life.exit_status);
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
    probe_event(TRACE_EVENT_EXEC, strings_id(path, strnlen(path, 255)), 0);
    uint64_t signals = signals_block();
    helper_stop();
    end(TRACE_EXIT_EXEC, 0);
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
    probe_event(TRACE_EVENT_EXEC_FAIL, 0, (uint64_t)error);
}
