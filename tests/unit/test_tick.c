/* links: preload/tick.c preload/stamp.c */
/*
 * The limits at which a target is ended, on a clock and figures of the test's own.
 */
#include "../../preload/config.h"
#include "../../preload/edges.h"
#include "../../preload/helper.h"
#include "../../preload/journal.h"
#include "../../preload/memory.h"
#include "../../preload/modules.h"
#include "../../preload/probe.h"
#include "../../preload/process.h"
#include "../../preload/requests.h"
#include "../../preload/stacks.h"
#include "../../preload/sys.h"
#include "../../preload/thread.h"
#include "../../preload/tick.h"
#include "../../preload/writer.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define SECOND 1000000000ull
#define GIB (1ull << 30)

static struct {
    uint64_t now_ns, operations;
    struct memory_figures figures;
    char limit[32]; /* that was passed */
    int signal;     /* the last that was sent */
} world;

/* ---- what a tick asks and does ---- */

struct config config;
union probe_state probe_state;
__thread struct thread *thread_self;

uint64_t sys_monotonic(void) { return world.now_ns; }
uint64_t sys_thread_cpu(void) { return 0; }
const struct timespec *sys_shut_wait(void) { return NULL; }
struct memory_figures memory_sample(void) {
    return world.figures;
}
uint64_t process_operations(void) { return world.operations; }
void requests_note(enum trace_command command, uint32_t flags, uint64_t stamp, const char *name, size_t length) {
    (void)flags, (void)stamp;
    assert_int_equal(command, TRACE_COMMAND_STOP);
    snprintf(world.limit, sizeof world.limit, "%.*s", (int)length, name);
}
int sys_kill(int pid, int signal) {
    assert_int_equal(pid, 4711);
    world.signal = signal;
    return 0;
}

int sys_clock_gettime(int clock, struct timespec *out) {
    (void)clock;
    *out = (struct timespec){0, 0};
    return 0;
}
int journal_put(enum trace_record_kind kind, const void *body, size_t length) {
    (void)kind, (void)body, (void)length;
    return 0;
}
bool stacks_call(void (*fn)(void *), void *argument) {
    fn(argument);
    return true;
}
int sys_futex_wait(_Atomic uint32_t *word, uint32_t expected, const struct timespec *timeout) {
    (void)word, (void)expected, (void)timeout;
    return 0;
}
int sys_futex_wake(_Atomic uint32_t *word, int count) {
    (void)word, (void)count;
    return 0;
}
bool helper_runs(void) { return false; }
bool edge_is_mine(void) { return false; }
bool writer_drain_filled(bool busy) { return busy; }
void requests_serve(void) {}
void memory_look(void) {}
void memory_rollup(void) {}
void modules_sweep(void) {}
void writer_tell_losses(void) {}
void threads_rename(void) {}
void writer_each_second(void) {}

/* ---- the tests ---- */

static int start(void **state) {
    (void)state;
    memset(&world, 0, sizeof world);
    memset(&config, 0, sizeof config);
    config.interval_ns = 10000000;
    world.now_ns = SECOND;
    tick_reset(4711, 1, world.now_ns);
    tick_start();
    return 0;
}

static void tick_after(uint64_t ns) {
    world.now_ns += ns;
    tick();
}

static void grow_for(uint64_t ns, uint64_t bytes) {
    world.figures.rss += bytes;
    tick_after(ns);
}

static void test_growth_is_a_rate(void **state) {
    (void)state;
    config.limits.growth = 10 << 20;
    tick_after(SECOND / 10);
    grow_for(SECOND / 2, 15 << 20);
    assert_string_equal(world.limit, "");
    grow_for(SECOND, 0);
    assert_string_equal(world.limit, "");
    grow_for(2 * SECOND, 21 << 20);
    assert_string_equal(world.limit, "growth");
    assert_int_equal(world.signal, SIGTERM);
}

/* So many bytes in a minute that, times the ns of a second, they pass 64 bits by next to nothing. */
static void test_growth_of_any_size_is_seen(void **state) {
    (void)state;
    config.limits.growth = 10 << 20;
    tick_after(SECOND / 10);
    grow_for(60 * SECOND, UINT64_MAX / SECOND + 1);
    assert_string_equal(world.limit, "growth");
}

static void test_other_limits(void **state) {
    (void)state;
    config.limits = (struct config_limits){.rss = GIB, .time = 5 * SECOND, .cpu = 150, .concurrent = 3};
    world.figures.rss = GIB;
    world.operations = 3;
    tick_after(SECOND / 10);
    world.figures.cpu_ns += 3 * SECOND;
    tick_after(2 * SECOND);
    assert_string_equal(world.limit, "");
    world.figures.cpu_ns += 3 * SECOND + SECOND / 20;
    tick_after(2 * SECOND);
    assert_string_equal(world.limit, "cpu");
}

static void test_who_stays_is_killed(void **state) {
    (void)state;
    config.limits.rss = GIB;
    world.figures.rss = GIB + 1;
    tick_after(SECOND / 10);
    assert_string_equal(world.limit, "rss");
    assert_int_equal(world.signal, SIGTERM);
    tick_after(5 * SECOND);
    assert_int_equal(world.signal, SIGTERM);
    tick_after(1);
    assert_int_equal(world.signal, SIGKILL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_growth_is_a_rate, start),
        cmocka_unit_test_setup(test_growth_of_any_size_is_seen, start),
        cmocka_unit_test_setup(test_other_limits, start),
        cmocka_unit_test_setup(test_who_stays_is_killed, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
