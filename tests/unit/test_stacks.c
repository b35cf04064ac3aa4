/* links: preload/stacks.c preload/sys.c flags: -pthread */
/* The recorder's own stacks: more threads than stacks get one after another, and none waits for ever. */
#include "../../preload/stacks.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

enum { STACKS = 8, THREADS = 40 };

static atomic_int inside, most, done, refused;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static int start(void **state) {
    (void)state;
    inside = most = done = refused = 0;
    return stacks_start();
}

static void on_threads(unsigned count, void *(*run)(void *), void (*meanwhile)(void)) {
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < count; i++) assert_int_equal(pthread_create(&threads[i], NULL, run, NULL), 0);
    if (meanwhile) meanwhile();
    for (unsigned i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

/* A holder that has lost the processor. */
static void stay(void *unused) {
    (void)unused;
    int now = atomic_fetch_add(&inside, 1) + 1, before = most;
    while (now > before && !atomic_compare_exchange_weak(&most, &before, now)) {}
    usleep(5000);
    atomic_fetch_sub(&inside, 1);
    atomic_fetch_add(&done, 1);
}

static void *call_stay(void *unused) {
    if (!stacks_call(stay, NULL)) atomic_fetch_add(&refused, 1);
    return unused;
}

static void every_thread_gets_a_stack(void **state) {
    (void)state;
    on_threads(THREADS, call_stay, NULL);
    assert_int_equal(done, THREADS);
    assert_int_equal(refused, 0);
    assert_true(most <= STACKS);
}

/* ---- a second at most ---- */

static void wait_at_gate(void *unused) {
    (void)unused;
    atomic_fetch_add(&inside, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
}

static void *call_gate(void *unused) {
    stacks_call(wait_at_gate, NULL);
    return unused;
}

/* The gate is ours, so no stack comes back while we wait for one. */
static void ask_while_all_are_taken(void) {
    while (inside < STACKS) usleep(1000);
    assert_false(stacks_call(stay, NULL));
    assert_int_equal(done, 0);
    pthread_mutex_unlock(&gate);
}

static void nobody_waits_for_ever(void **state) {
    (void)state;
    pthread_mutex_lock(&gate);
    on_threads(STACKS, call_gate, ask_while_all_are_taken);
    assert_true(stacks_call(stay, NULL));
    assert_int_equal(done, 1);
}

/* ---- where one is ---- */

static void note_place(void *place) { *(uintptr_t *)place = (uintptr_t)__builtin_frame_address(0); }

static void note_places(void *places) {
    uintptr_t *at = places;
    note_place(&at[0]);
    assert_true(stacks_call(note_place, &at[1]));
}

static void a_call_within_stays_on_the_stack(void **state) {
    (void)state;
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), places[2];
    assert_true(stacks_call(note_places, places));
    assert_true(places[0] - places[1] < STACKS_SIZE || places[1] - places[0] < STACKS_SIZE);
    assert_true(here - places[0] > STACKS_SIZE && places[0] - here > STACKS_SIZE);
}

static void *call_note_place(void *place) {
    assert_true(stacks_call(note_place, place));
    return place;
}

/* As the child of a fork starts its parts, while its first thread is on a stack, and its helper takes one. */
static void start_and_let_another_in(void *places) {
    pthread_t another;
    uintptr_t *at = places;
    note_place(&at[0]);
    assert_int_equal(stacks_start(), 0);
    assert_int_equal(pthread_create(&another, NULL, call_note_place, &at[1]), 0);
    pthread_join(another, NULL);
}

static void a_start_leaves_stacks_to_those_on_them(void **state) {
    (void)state;
    uintptr_t places[2];
    stacks_forked();
    assert_true(stacks_call(start_and_let_another_in, places));
    assert_true(places[0] - places[1] > STACKS_SIZE / 2 && places[1] - places[0] > STACKS_SIZE / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_thread_gets_a_stack, start),
        cmocka_unit_test_setup(nobody_waits_for_ever, start),
        cmocka_unit_test_setup(a_call_within_stays_on_the_stack, start),
        cmocka_unit_test_setup(a_start_leaves_stacks_to_those_on_them, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
