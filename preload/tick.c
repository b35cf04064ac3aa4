/*
 * What is due from time to time (tick.h).
 */
#include "tick.h"

#include "config.h"
#include "edges.h"
#include "helper.h"
#include "journal.h"
#include "lock.h"
#include "memory.h"
#include "modules.h"
#include "probe.h"
#include "process.h"
#include "requests.h"
#include "stacks.h"
#include "stamp.h"
#include "sys.h"
#include "thread.h"
#include "writer.h"

#include <signal.h>
#include <string.h>

enum { SECOND = 1000000000, MILLISECOND = 1000000 };

static struct {
    int pid;
    uint64_t start_stamp, start_ns;
    struct lock lock; /* for all below */
    uint64_t sample_next_ns, second_next_ns;
    uint64_t stop_ns;           /* SIGTERM was sent then; 0: it was not */
    struct memory_figures last; /* of a sample, and when that was: the rates are from there on, for a second at least */
    uint64_t last_ns;
} ticks;

void tick_reset(int pid, uint64_t stamp, uint64_t ns) {
    memset(&ticks, 0, sizeof ticks);
    ticks.pid = pid;
    ticks.start_stamp = stamp;
    ticks.start_ns = ns;
}

void tick_put_clock(void) {
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

static void set_next(uint64_t now_ns, uint64_t delay_ns) {
    uint64_t stamp = stamp_now(), ran_ns = now_ns - ticks.start_ns;
    uint64_t per_us = stamp_clock.counted ? 10
                      : ran_ns > 1000000  ? (stamp - ticks.start_stamp) / (ran_ns / 1000)
                                          : 2000;
    atomic_store_explicit(&probe_state.page.next_tick, helper_runs() ? UINT64_MAX : stamp + per_us * delay_ns / 1000,
                          memory_order_relaxed);
}

void tick_no_more(void) { atomic_store_explicit(&probe_state.page.next_tick, UINT64_MAX, memory_order_relaxed); }

void tick_start(void) {
    set_next(ticks.start_ns, config.interval_ns);
    ticks.second_next_ns = ticks.start_ns + SECOND / 4; /* a shorter process has no time for it */
}

/* ---- limits ---- */

void tick_stop_target(void) {
    if (ticks.stop_ns) return;
    ticks.stop_ns = sys_monotonic();
    sys_kill(ticks.pid, SIGTERM);
}

static void stop_for(const char *limit) {
    if (ticks.stop_ns) return;
    requests_note(TRACE_COMMAND_STOP, 0, stamp_now(), limit, strlen(limit));
    tick_stop_target();
}

static void check_limits(struct memory_figures now, uint64_t now_ns) {
    const struct config_limits *limits = &config.limits;
    uint64_t passed = now_ns - ticks.last_ns;
    if (limits->rss && now.rss > limits->rss) stop_for("rss");
    if (limits->time && now_ns - ticks.start_ns > limits->time) stop_for("time");
    if (limits->concurrent && process_operations() > limits->concurrent) stop_for("concurrent");
    if (ticks.last_ns && passed < SECOND) return;
    if (ticks.last_ns && limits->growth && now.rss > ticks.last.rss &&
        (now.rss - ticks.last.rss) / (passed / MILLISECOND) * 1000 > limits->growth)
        stop_for("growth");
    if (ticks.last_ns && limits->cpu && (now.cpu_ns - ticks.last.cpu_ns) * 100 / passed > limits->cpu) stop_for("cpu");
    ticks.last = now;
    ticks.last_ns = now_ns;
}

/* ---- ticks ---- */

/*
 * A sampler may take one part in a hundred of the time. What it waited for a processor is no cost: on a busy machine
 * that would be seconds without a sample, and without a look at the limits.
 */
static void sample(uint64_t now_ns) {
    if (now_ns < ticks.sample_next_ns) return;
    if (!ticks.sample_next_ns) tick_put_clock(); /* two make stamps times: it may be idle, or gone, within a second */
    uint64_t begin = sys_thread_cpu();
    struct memory_figures figures = memory_sample();
    uint64_t share = (sys_thread_cpu() - begin) * 100;
    ticks.sample_next_ns = now_ns + (share > config.interval_ns ? share : config.interval_ns);
    check_limits(figures, now_ns);
}

static void each_second(uint64_t now_ns) {
    if (now_ns < ticks.second_next_ns) return;
    ticks.second_next_ns = now_ns + SECOND;
    tick_put_clock();
    memory_look();
    memory_rollup();
    modules_sweep();
    writer_tell_losses();
    threads_rename();
    writer_each_second();
}

static void do_what_is_due(void) {
    uint64_t now_ns = sys_monotonic();
    requests_serve();
    sample(now_ns);
    each_second(now_ns);
    if (ticks.stop_ns && now_ns > ticks.stop_ns + 5ull * SECOND) sys_kill(ticks.pid, SIGKILL);
}

static void do_on_stack(void *unused) {
    (void)unused;
    do_what_is_due();
}

/* Not from within a phase edge: what the tick has to mark would wait for that to end. The next hook ticks then. */
void tick(void) {
    if (edge_is_mine()) return;
    bool mine = lock_try(&ticks.lock);
    /*
     * Where the one that ticks is at it for longer, or has no processor, the others go on: each of their events would
     * come here.
     */
    set_next(sys_monotonic(), config.interval_ns);
    if (!mine) return;
    stacks_call(do_on_stack, NULL);
    lock_give(&ticks.lock);
}

bool tick_serve(bool busy) {
    tick_no_more();
    lock_take(&ticks.lock);
    do_what_is_due();
    bool drained = writer_drain_filled(busy);
    lock_give(&ticks.lock);
    return drained;
}

void tick_hold(void) { lock_take(&ticks.lock); }
void tick_release(void) { lock_give(&ticks.lock); }
