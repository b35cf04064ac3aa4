/* links: tests/unit/growth_stage.c */
/*
 * The collector and the judge of growth: rounds and endings, what phases, operations and functions say of each other.
 */
#include "growth_stage.h"

static void test_leak_in_every_round(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        phase("requests");
        for (int i = 0; i < 100; i++) {
            release(allocate(1, 64));
            if (i % 10 == 0) lose(allocate(2, 48));
        }
        phase_end("requests");
    }
    exit_begins();
    judge();
    expect("requests", 2, "leak");
    const struct growth_finding *leak = finding("requests", 2);
    assert_int_equal(leak->judgement.n, 18); /* 20 less two rounds of warm-up; the last counts, the exit was seen */
    assert_int_equal(leak->judgement.k, 18);
    assert_int_equal(leak->judgement.held_until, GROWTH_HELD_NEVER);
    assert_true(leak->judgement.per_round.value == 480 && leak->judgement.per_round.low == 480 &&
                leak->judgement.per_round.high == 480);
    assert_true(leak->only_phase);
    assert_int_equal(leak->survivors[0], 10);
    assert_null(finding("requests", 1)); /* released in its round: not worth a line */
}

static void test_held_to_teardown(void **state) {
    (void)state;
    struct block *kept[64];
    int count = 0;
    for (int round = 0; round < 12; round++) {
        phase("work");
        kept[count++] = allocate(1, 100);
        phase_end("work");
    }
    while (count > 0) release(kept[--count]);
    exit_begins();
    judge();
    expect("work", 1, "leak");
    assert_int_equal(finding("work", 1)->judgement.held_until, GROWTH_HELD_TEARDOWN);
}

static void test_held_to_exit(void **state) {
    (void)state;
    struct block *kept[64];
    int count = 0;
    for (int round = 0; round < 12; round++) {
        phase("work");
        kept[count++] = allocate(1, 100);
        phase_end("work");
    }
    exit_begins();
    while (count > 0) release(kept[--count]);
    judge();
    expect("work", 1, "leak");
    assert_int_equal(finding("work", 1)->judgement.held_until, GROWTH_HELD_EXIT);
}

/* As with rounds taken from output lines, which end when the next begins: the last never ends. */
static void test_teardown_in_an_open_round(void **state) {
    (void)state;
    struct block *kept[64];
    int count = 0;
    for (int round = 0; round < 12; round++) {
        if (round > 0) phase_end("work");
        phase("work");
        kept[count++] = allocate(1, 100);
        release(allocate(2, 100));
    }
    while (count > 0) release(kept[--count]);
    exit_begins();
    judge();
    expect("work", 1, "leak");
    assert_int_equal(finding("work", 1)->judgement.held_until, GROWTH_HELD_TEARDOWN);
}

/* As with rounds taken from output lines, too, and the last line is read late. */
static void test_teardown_before_the_end_of_the_last_round(void **state) {
    (void)state;
    struct block *kept[64], *last = NULL;
    int count = 0;
    stage.edge_flags = TRACE_EVENT_APPROXIMATE;
    for (int round = 0; round < 12; round++) {
        phase("work");
        kept[count++] = allocate(1, 100);
        release(last);
        last = allocate(2, 100);
        if (round < 11) phase_end("work");
    }
    while (count > 0) release(kept[--count]);
    release(last);
    phase_end("work");
    phase("done");
    exit_begins();
    judge();
    expect("work", 1, "leak");
    assert_int_equal(finding("work", 1)->judgement.held_until, GROWTH_HELD_TEARDOWN);
    expect("work", 2, "backlog");
}

/* One block in each fifth round and nothing else, between lines that come `apart` ns after each other. */
static const struct growth_judgement *judge_idle_rounds(uint64_t apart, size_t rounds) {
    stage.edge_flags = TRACE_EVENT_APPROXIMATE;
    for (size_t round = 0; round < rounds; round++) {
        bool idle = round % 5 != 2;
        phase("work");
        if (!idle) lose(allocate(1, 100));
        stage.now.ns += idle ? apart : 2000000;
        phase_end("work");
    }
    exit_begins();
    judge();
    return &finding("work", 1)->judgement;
}

/* An interpreter may have all that it needs in its pools. */
static void test_rounds_without_allocations_are_rounds(void **state) {
    (void)state;
    const struct growth_judgement *judgement = judge_idle_rounds(2000000, 32);
    assert_int_equal(judgement->class, GROWTH_SPARSE);
    assert_true(judgement->n > 4 * judgement->k);
    assert_true(judgement->per_round.value > 15 && judgement->per_round.value < 25);
}

/* Two lines read at one moment are not, but they tell how many rounds there were. */
static void test_rounds_between_lines_read_together_are_none(void **state) {
    (void)state;
    const struct growth_judgement *judgement = judge_idle_rounds(1, 60);
    assert_int_equal(judgement->class, GROWTH_LEAK);
    assert_int_equal(judgement->n, judgement->k);
    assert_true(judgement->per_round.value > 15 && judgement->per_round.value < 25);
}

/* Where all lines were read at one moment nothing is known of any round: that is no pass. */
static void test_rounds_that_came_together_are_not_judged(void **state) {
    (void)state;
    stage.edge_flags = TRACE_EVENT_APPROXIMATE;
    for (int round = 0; round < 24; round++) {
        phase("work");
        stage.now.ns += 1;
        phase_end("work");
    }
    for (int i = 0; i < 240; i++) lose(allocate(1, 100));
    exit_begins();
    judge();
    assert_int_equal(stage.findings.judged_phases, 0);
}

/* What was done behind a line that was read late is counted for the round before. */
static void test_an_idle_round_behind_a_busy_one_is_none(void **state) {
    (void)state;
    stage.edge_flags = TRACE_EVENT_APPROXIMATE;
    for (int round = 0; round < 24; round++) {
        phase("work");
        for (int i = round % 6 == 3 ? 0 : round % 6 == 2 ? 20 : 10; i > 0; i--) lose(allocate(1, 100));
        stage.now.ns += 2000000;
        phase_end("work");
    }
    exit_begins();
    judge();
    expect("work", 1, "leak");
    const struct growth_judgement *judgement = &finding("work", 1)->judgement;
    assert_int_equal(judgement->n, judgement->k);
    assert_true(judgement->per_round.value > 980 && judgement->per_round.value < 1020);
}

static void test_returned_in_a_later_phase(void **state) {
    (void)state;
    struct block *kept[64];
    int count = 0;
    for (int round = 0; round < 12; round++) {
        phase("import");
        kept[count++] = allocate(1, 100);
        phase_end("import");
    }
    phase("merge");
    while (count > 0) release(kept[--count]);
    phase_end("merge");
    exit_begins();
    judge();
    expect("import", 1, "returned");
}

static void test_last_one_is_no_leak(void **state) {
    (void)state;
    struct block *last = NULL;
    for (int round = 0; round < 12; round++) {
        phase("work");
        release(last);
        last = allocate(1, 100);
        phase_end("work");
    }
    exit_begins();
    lose(last);
    judge();
    expect_no_failure();
}

/* A statement is under way when the line of the last round is read, and done in it. */
static void test_what_crosses_the_last_line_is_no_leak(void **state) {
    (void)state;
    struct block *statement = NULL;
    stage.edge_flags = TRACE_EVENT_APPROXIMATE;
    for (int round = 0; round < 12; round++) {
        phase("work");
        release(statement);
        statement = NULL;
        for (int i = 0; i < 10; i++) release(allocate(1, 100));
        if (round == 10) statement = allocate(1, 100);
        phase_end("work");
    }
    phase("done");
    exit_begins();
    judge();
    expect("work", 1, "returned");
}

static void test_realloc_adds_layers(void **state) {
    (void)state;
    struct block *log = allocate(1, 16);
    for (int round = 0; round < 12; round++) {
        phase("work");
        for (int i = 0; i < 5; i++) resize(log, 2, log->size + 16);
        phase_end("work");
    }
    lose(log);
    judge();
    expect("work", 2, "leak");
    assert_true(finding("work", 2)->judgement.per_round.value == 80);
}

static void test_shrinking_takes_the_youngest(void **state) {
    (void)state;
    struct block *buffer = allocate(1, 16);
    for (int round = 0; round < 12; round++) {
        phase("work");
        resize(buffer, 1, 4096);
        resize(buffer, 1, 16);
        phase_end("work");
    }
    lose(buffer);
    judge();
    expect_no_failure();
}

static void test_windows_of_operations(void **state) {
    (void)state;
    phase("serve");
    for (int i = 0; i < 1000; i++) {
        operation();
        release(allocate(1, 64));
        if (i % 7 == 0) lose(allocate(2, 32));
        operation_end();
    }
    phase_end("serve");
    exit_begins();
    judge();
    expect("serve", 2, "leak");
    assert_int_equal(finding("serve", 2)->kind, GROWTH_ROUNDS_OPERATIONS);
}

static void test_events_alone_only_warn(void **state) {
    (void)state;
    for (int i = 0; i < 20000; i++) {
        release(allocate(1, 64));
        if (i % 50 == 0) lose(allocate(2, 32));
    }
    exit_begins();
    judge();
    expect("run", 2, "growing");
    assert_int_equal(stage.findings.judged_phases, 0);
}

/* Modules are loaded, tables built: growth over any windows, until the work begins. */
static void test_what_precedes_the_first_phase_is_start_up(void **state) {
    (void)state;
    for (int i = 0; i < 2000; i++) lose(allocate(1, 100));
    for (int round = 0; round < 3; round++) {
        phase("work");
        for (int i = 0; i < 20; i++) release(allocate(2, 100));
        phase_end("work");
    }
    for (int i = 0; i < 100; i++) release(allocate(3, 100));
    exit_begins();
    judge();
    expect("run", 1, "bounded");
}

static void test_growth_behind_the_start_up_is_told(void **state) {
    (void)state;
    for (int i = 0; i < 2000; i++) lose(allocate(1, 100));
    for (int round = 0; round < 2; round++) {
        phase(round ? "connect" : "configure");
        release(allocate(2, 100));
        phase_end(round ? "connect" : "configure");
    }
    for (int i = 0; i < 2000; i++) lose(allocate(1, 100));
    exit_begins();
    judge();
    expect("run", 1, "growing");
}

/* Who marks one late stretch of all that is done has not said where the work begins. */
static void test_one_phase_that_begins_once_ends_no_start_up(void **state) {
    (void)state;
    for (int i = 0; i < 2000; i++) lose(allocate(1, 100));
    phase("shutdown");
    release(allocate(2, 100));
    phase_end("shutdown");
    exit_begins();
    judge();
    expect("run", 1, "growing");
}

static void test_growth_between_rounds(void **state) {
    (void)state;
    for (int round = 0; round < 20; round++) {
        phase("work");
        release(allocate(1, 64));
        phase_end("work");
        lose(allocate(2, 32));
    }
    exit_begins();
    judge();
    expect("between work", 2, "leak");
    assert_null(finding("work", 2));
}

/*
 * An interpreter's stack is the same in both: a cache that replaces its blocks in the rounds, and what stays between
 * them.
 */
static void test_a_level_that_another_phase_raises_is_told_there(void **state) {
    (void)state;
    struct block *cache[50] = {NULL};
    for (int round = 0; round < 24; round++) {
        phase("work");
        for (int i = 0; i < 20; i++) {
            struct block **oldest = &cache[(round * 20 + i) % 50];
            release(*oldest);
            *oldest = allocate(1, 64);
        }
        phase_end("work");
        for (int i = 0; i < 5; i++) lose(allocate(1, 64));
    }
    for (int i = 0; i < 50; i++) lose(cache[i]);
    exit_begins();
    judge();
    expect("between work", 1, "leak");
    assert_true(finding("between work", 1)->only_phase);
    assert_null(finding("work", 1));
}

/* A log that each eleventh round writes out: its last stretch is the way to where it was before. */
static void test_a_sawtooth_is_no_climb(void **state) {
    (void)state;
    struct block *log[1000];
    int count = 0;
    for (int round = 0; round < 32; round++) {
        phase("work");
        for (int i = 0; i < 60; i++) log[count++] = allocate(1, 64);
        while (count > 600) release(log[--count]);
        if (round % 11 == 10)
            while (count > 0) release(log[--count]);
        phase_end("work");
    }
    while (count > 0) lose(log[--count]);
    judge();
    expect("work", 1, "sawtooth");
}

static void test_siblings_are_rounds(void **state) {
    (void)state;
    static const char *const tests[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
    phase("suite");
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        phase(tests[i]);
        release(allocate(1, 64));
        lose(allocate(2, 32));
        phase_end(tests[i]);
    }
    phase_end("suite");
    exit_begins();
    judge();
    expect("suite", 2, "leak");
    assert_int_equal(finding("suite", 2)->kind, GROWTH_ROUNDS_PHASES);
}

static void test_inner_phase_speaks_for_the_outer(void **state) {
    (void)state;
    for (int round = 0; round < 12; round++) {
        phase("outer");
        for (int i = 0; i < 2; i++) {
            phase("inner");
            lose(allocate(1, 32));
            phase_end("inner");
        }
        phase_end("outer");
    }
    exit_begins();
    judge();
    expect("inner", 1, "leak");
    assert_null(finding("outer", 1));
}

/* A tree of calls leaks at another stack each time; only the function tells. */
static void test_function_speaks_for_its_stacks(void **state) {
    (void)state;
    uint32_t functions[128];
    for (uint32_t i = 0; i < 128; i++) functions[i] = 7;
    for (uint32_t round = 0; round < 20; round++) {
        phase("parse");
        for (uint32_t i = 0; i < 5; i++) lose(allocate(1 + round * 5 + i, 32));
        phase_end("parse");
    }
    exit_begins();
    judge_with(same_function, functions);
    assert_int_equal(stage.findings.items[0].judgement.class, GROWTH_LEAK);
    assert_int_equal(stage.findings.items[0].stack_count, 100);
}

static void test_reach_is_the_functions(void **state) {
    (void)state;
    uint32_t functions[] = {0, 7, 7};
    struct block *held[30] = {NULL};
    for (int round = 0; round < 12; round++) {
        phase("work");
        if (round >= 5) release(held[round - 5]);
        held[round] = allocate(1, 64);         /* lives five rounds */
        if (round >= 4) lose(allocate(2, 64)); /* may yet be released, for all that is known */
        phase_end("work");
    }
    for (int round = 7; round < 12; round++) lose(held[round]);
    exit_begins();
    judge_with(same_function, functions);
    expect_no_failure();
}

static void test_cut_recording_judges_whole_rounds(void **state) {
    (void)state;
    for (int round = 0; round < 12; round++) {
        phase("work");
        lose(allocate(1, 64));
        for (int i = 0; i < 10; i++) release(allocate(2, 64));
        if (round < 11) phase_end("work");
    }
    judge();
    expect("work", 1, "leak");
    assert_int_equal(finding("work", 1)->rounds, 11);
    assert_int_equal(finding("work", 1)->judgement.n, 9);
}

static void test_many_rounds_are_paired(void **state) {
    (void)state;
    for (int round = 0; round < 1000; round++) {
        phase("work");
        lose(allocate(1, 64));
        phase_end("work");
    }
    exit_begins();
    judge();
    expect("work", 1, "leak");
    assert_int_equal(finding("work", 1)->rounds, 1000);
    assert_int_equal(finding("work", 1)->survivor_count, 250);
    assert_int_equal(finding("work", 1)->survivors[0], 4);
    assert_true(finding("work", 1)->judgement.per_round.value == 64);
}

static void test_threads_are_counted(void **state) {
    (void)state;
    for (int round = 0; round < 12; round++) {
        phase("work");
        for (uint32_t thread = 1; thread <= 8; thread++) {
            stage.now.thread = thread;
            struct block *block = allocate(1, 64);
            if (thread == 3) lose(block);
            else release(block);
        }
        stage.now.thread = 1;
        phase_end("work");
    }
    exit_begins();
    judge();
    expect("work", 1, "leak");
}

static void test_too_few_rounds(void **state) {
    (void)state;
    for (int round = 0; round < 3; round++) {
        phase("work");
        lose(allocate(1, 64));
        phase_end("work");
    }
    judge();
    expect("work", 1, "not-judged");
    assert_int_equal(finding("work", 1)->judgement.needed, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_leak_in_every_round),
        TEST(test_held_to_teardown),
        TEST(test_held_to_exit),
        TEST(test_teardown_in_an_open_round),
        TEST(test_teardown_before_the_end_of_the_last_round),
        TEST(test_rounds_without_allocations_are_rounds),
        TEST(test_rounds_between_lines_read_together_are_none),
        TEST(test_rounds_that_came_together_are_not_judged),
        TEST(test_an_idle_round_behind_a_busy_one_is_none),
        TEST(test_returned_in_a_later_phase),
        TEST(test_last_one_is_no_leak),
        TEST(test_what_crosses_the_last_line_is_no_leak),
        TEST(test_realloc_adds_layers),
        TEST(test_shrinking_takes_the_youngest),
        TEST(test_windows_of_operations),
        TEST(test_events_alone_only_warn),
        TEST(test_what_precedes_the_first_phase_is_start_up),
        TEST(test_growth_behind_the_start_up_is_told),
        TEST(test_one_phase_that_begins_once_ends_no_start_up),
        TEST(test_growth_between_rounds),
        TEST(test_a_level_that_another_phase_raises_is_told_there),
        TEST(test_a_sawtooth_is_no_climb),
        TEST(test_siblings_are_rounds),
        TEST(test_inner_phase_speaks_for_the_outer),
        TEST(test_function_speaks_for_its_stacks),
        TEST(test_reach_is_the_functions),
        TEST(test_cut_recording_judges_whole_rounds),
        TEST(test_many_rounds_are_paired),
        TEST(test_threads_are_counted),
        TEST(test_too_few_rounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
