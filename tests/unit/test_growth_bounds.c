/* links: tests/unit/growth_stage.c */
/*
 * The collector and the judge of growth: rings, caches and queues, which grow to a bound or for ever.
 */
#include "growth_stage.h"

#include <math.h>
#include <stdio.h>

static void test_ring_of_sessions_is_bounded(void **state) {
    (void)state;
    struct block *slots[256] = {NULL};
    for (int round = 0; round < 20; round++) {
        phase("requests");
        for (int i = 0; i < 100; i++) {
            struct block **slot = &slots[(round * 100 + i) % 256];
            release(*slot);
            *slot = allocate(1, 1024);
        }
        phase_end("requests");
    }
    for (int i = 0; i < 256; i++) release(slots[i]);
    exit_begins();
    judge();
    expect("requests", 1, "bounded");
}

/*
 * A full cache of the latest keys asked for, where few keys are asked for often (Zipf): some stay for as many rounds as
 * there are, and by chance such keys came in many of them. Values of one size or of many; none is the container of
 * another.
 */
enum { POPULAR_KEYS = 10000 };
struct popular {
    int keys, room, rounds, each;
    bool filled_before, differ;
};

static void run_popular(const struct popular *p, uint64_t seed) {
    static struct block *values[POPULAR_KEYS];
    int used[POPULAR_KEYS] = {0}, count = 0;
    memset(values, 0, sizeof values);
    for (int key = p->keys - p->room; key < p->keys && p->filled_before; key++, count++)
        values[key] = allocate(1, 50 + (size_t)key * 37 % 400);
    for (int now = 0; now < p->rounds * p->each; now++) {
        if (now % p->each == 0) phase("requests");
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int key = (int)pow(p->keys, (double)(seed >> 33) * 0x1p-31) - 1;
        used[key] = now + 1;
        bool full = !values[key] && count == p->room;
        int oldest = key;
        for (int i = 0; i < p->keys && full; i++)
            if (values[i] && used[i] < used[oldest]) oldest = i;
        if (full) {
            release(values[oldest]);
            values[oldest] = NULL;
        }
        if (!values[key]) {
            values[key] = allocate(1, p->differ ? 50 + (size_t)key * 37 % 400 : 64);
            count += !full;
        }
        if (now % p->each == p->each - 1) phase_end("requests");
    }
    for (int i = 0; i < p->keys; i++) release(values[i]);
    exit_begins();
    judge();
    expect_no_failure();
    expect("requests", 1, "bounded");
}

static void test_full_caches_of_popular_keys_do_not_grow(void **state) {
    static const struct popular programs[] = {{5000, 300, 60, 400, false, false},
                                              {5000, 300, 60, 400, false, true},
                                              {10000, 500, 40, 300, false, true},
                                              {10000, 500, 40, 300, true, true},
                                              {10000, 500, 40, 1000, true, true}};
    for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++)
        for (uint64_t seed = 1; seed <= 10; seed++) {
            if (i > 0 || seed > 1) assert_int_equal(begin(state), 0);
            run_popular(&programs[i], seed);
            if (i + 1 < sizeof programs / sizeof *programs || seed < 10) end(state);
        }
}

/* In each round `in` blocks enter the queue, in the first one `before` more, and at most `out` leave it. */
static void run_queue(int rounds, int before, int in, int out, int most) {
    struct block *queue[4096];
    int head = 0, tail = 0;
    for (int round = 0; round < rounds; round++) {
        phase("requests");
        for (int i = round ? 0 : -before; i < in; i++) queue[tail++] = allocate(1, 32);
        for (int i = 0; i < out && head < tail; i++) release(queue[head++]);
        while (tail - head > most) release(queue[head++]);
        phase_end("requests");
    }
    while (head < tail) lose(queue[head++]);
    exit_begins();
    judge();
}

static void test_queue_that_fills_for_ever_is_growing(void **state) {
    (void)state;
    run_queue(40, 0, 20, 18, 4096);
    expect("requests", 1, "growing");
    assert_true(finding("requests", 1)->judgement.backlog);
}

/* Paired again and again, the rounds that rose are counted up; they are never told to be more than there are. */
static void test_no_more_rounds_rise_than_there_are(void **state) {
    unsigned rises, count;
    (void)state;
    run_queue(1000, 0, 4, 3, 4096);
    assert_true(finding("requests", 1)->judgement.backlog);
    assert_int_equal(sscanf(finding("requests", 1)->sentence, "%u of %u", &rises, &count), 2);
    assert_in_range(rises, 1, count);
}

/* A log of 600 lines, of whose lines one in ten is not taken out when a new one comes. */
static void test_queue_that_climbs_from_a_level_is_growing(void **state) {
    (void)state;
    run_queue(40, 600, 40, 36, 4096);
    expect("requests", 1, "growing");
    assert_true(finding("requests", 1)->judgement.climb == 4);
}

static void test_queue_that_climbs_to_a_bound_is_not_growing(void **state) {
    (void)state;
    run_queue(40, 100, 40, 36, 160);
    expect("requests", 1, "bounded");
}

/* A cache that was full before: its level of this phase's blocks rises to the end, that of the process does not. */
static void test_full_cache_whose_blocks_are_replaced_is_not_growing(void **state) {
    (void)state;
    struct block *cache[256];
    phase("fill");
    for (int i = 0; i < 256; i++) cache[i] = allocate(1, 32);
    phase_end("fill");
    for (int round = 0; round < 30; round++) {
        phase("requests");
        for (int i = 0; i < 8; i++) { /* the oldest goes, or now and then one of twenty rounds ago */
            int slot = (round < 20 || i > 0 ? round : round - 20) * 8 + i;
            release(cache[slot]);
            cache[slot] = allocate(1, 32);
        }
        phase_end("requests");
    }
    for (int i = 0; i < 256; i++) release(cache[i]);
    judge();
    assert_int_not_equal(finding("requests", 1)->judgement.class, GROWTH_GROWING);
}

/*
 * A cache that was full before a phase that ran once, as a test of a suite: what it puts in is released behind it, by
 * the next test. By its windows that looks like growth, but the cache has no more than before; `lost` of each ten that
 * it replaces are.
 */
static void one_phase_of_a_full_cache(int lost) {
    struct block *cache[1024];
    for (int i = 0; i < 1024; i++) cache[i] = allocate(1, 32);
    phase("test");
    for (int i = 0; i < 800; i++) {
        struct block *replaced = cache[i];
        cache[i] = allocate(1, 32);
        if (i % 10 < lost) lose(replaced);
        else release(replaced);
    }
    phase_end("test");
    for (int i = 0; i < 1024; i++) release(cache[i]);
    exit_begins();
    judge();
}

static void test_one_phase_of_a_full_cache_is_not_growing(void **state) {
    (void)state;
    one_phase_of_a_full_cache(0);
    expect("test", 1, "bounded");
}

static void test_one_phase_of_a_full_cache_that_loses_is_growing(void **state) {
    (void)state;
    one_phase_of_a_full_cache(9);
    expect("test", 1, "growing");
}

/* A test that first releases what the one before has left, and then loads as much. */
static void test_one_phase_that_replaces_a_document_is_not_growing(void **state) {
    (void)state;
    struct block *document[400];
    for (int i = 0; i < 400; i++) document[i] = allocate(1, 32);
    phase("test");
    for (int i = 0; i < 400; i++) release(document[i]);
    for (int i = 0; i < 400; i++) document[i] = allocate(1, 32);
    phase_end("test");
    for (int i = 0; i < 400; i++) lose(document[i]);
    exit_begins();
    judge();
    expect("test", 1, "bounded");
}

/*
 * A program that walks through all that it keeps, or half of it, and allocates for each: what leaks makes its rounds
 * ever larger, and per allocation it seems to leak ever less. As many stay of each round, but for one more or less.
 */
static void test_a_leak_that_the_program_walks_through_does_not_slow(void **state) {
    (void)state;
    int kept = 0;
    for (int round = 1; round <= 60; round++) {
        phase("requests");
        for (int i = 0; i < kept / (1 + round % 2); i++) release(allocate(2, 16));
        for (int i = 4 - (round % 6 == 0) + (round % 9 == 0); i > 0; i--, kept++) lose(allocate(1, 64));
        phase_end("requests");
    }
    exit_begins();
    judge();
    expect("requests", 1, "leak");
}

/* One function makes the nodes of a cache that shrinks and those that leak; functions[] below: all of one. */
static void shrink_and_leak(int first_release, int in_each_round) {
    static const uint32_t functions[] = {7, 7, 7};
    struct block *cache[1000];
    for (int round = 0, left = 1000; round < 30; round++) {
        phase("requests");
        for (int i = 0; i < 1000 && round == 0; i++) cache[i] = allocate(1, 64);
        for (int i = 0; i < in_each_round && round >= first_release; i++) release(cache[--left]);
        for (int i = 0; i < 5; i++) lose(allocate(2, 64));
        phase_end("requests");
        for (int i = 0; i < left && round == 29; i++) lose(cache[i]);
    }
    exit_begins();
    judge_with(same_function, (void *)(uintptr_t)functions);
}

static void test_leak_behind_a_cache_that_shrinks_is_told_by_its_life_table(void **state) {
    (void)state;
    shrink_and_leak(0, 20);
    expect("requests", 2, "leak");
}

/* Nothing of the cache is released before the 25th round: so may be what only looks like a leak. */
static void test_blocks_that_may_be_released_as_late_as_their_relatives_are_not_judged(void **state) {
    (void)state;
    shrink_and_leak(25, 50);
    expect("requests", 2, "not-judged");
}

static void test_queue_that_ages_for_ever_is_growing(void **state) {
    (void)state;
    run_queue(40, 0, 20, 2, 4096);
    expect("requests", 1, "growing");
}

static void test_queue_with_a_bound_is_not_growing(void **state) {
    (void)state;
    run_queue(40, 0, 20, 18, 40);
    expect("requests", 1, "bounded");
}

/* A full cache whose values get larger: each insertion frees the oldest block right after. */
static void test_cache_of_growing_values(void **state) {
    (void)state;
    enum { ROOM = 100, INSERTED = 30 };
    struct block *cache[ROOM] = {NULL};
    for (unsigned round = 0, at = 0; round < 40; round++) {
        phase("work");
        for (unsigned i = 0; i < INSERTED; i++, at = (at + 1) % ROOM) {
            struct block *oldest = cache[at];
            cache[at] = allocate(1, 1000 + 20 * round);
            release(oldest);
        }
        phase_end("work");
    }
    for (unsigned i = 0; i < ROOM; i++) lose(cache[i]);
    judge();
    expect("work", 1, "bounded");
}

/* New words of a text: their number rises with the root of its length. Nothing else is allocated. */
static void test_cache_whose_misses_are_the_only_events(void **state) {
    (void)state;
    unsigned known = 0;
    for (unsigned round = 1; round <= 40; round++) {
        phase("work");
        for (; known * known < 40 * 40 * round; known++) lose(allocate(1, 300));
        phase_end("work");
    }
    judge();
    expect("work", 1, "filling");
}

/*
 * A handle that is not closed in every fourth round. The last such round, with more work than any, is no evidence: what
 * is left seems to lean towards the beginning.
 */
static void test_leak_of_every_fourth_round_does_not_slow(void **state) {
    (void)state;
    for (int round = 0; round < 40; round++) {
        phase("work");
        if (round % 4 == 0) lose(allocate(1, 256));
        for (int i = 0; i < 2 + (round % 4 == 0) + 3 * (round == 36); i++) release(allocate(2, 64));
        phase_end("work");
    }
    exit_begins();
    judge();
    expect("work", 1, "leak-intermittent");
}

/* What is live besides what the evidence rounds added is no part of the level that they head for. */
static void test_filling_says_what_is_to_come(void **state) {
    (void)state;
    for (int round = 0; round < 40; round++) {
        phase("work");
        for (int i = round < 4 ? 500 : 400 / (round * round / 4 + 1) + 1; i > 0; i--) lose(allocate(1, 100));
        phase_end("work");
    }
    exit_begins();
    judge();
    expect("work", 1, "filling");
    assert_non_null(strstr(finding("work", 1)->sentence, "; it slows, about 657 B more to come"));
}

/* Clients whose server has not yet seen that they are gone when the last round ends; `lost`: it never does. */
static const char *clients_at_the_end(bool lost) {
    struct block *client = NULL;
    for (int round = 0; round < 12; round++) {
        phase("serve");
        client = allocate(1, 100);
        if (round < 11) release(client);
        phase_end("serve");
    }
    if (!lost) release(client);
    exit_begins();
    if (lost) lose(client);
    judge();
    const struct growth_finding *found = finding("serve", 1);
    return found ? growth_class_name(found->judgement.class) : "none";
}

static void test_what_the_last_round_leaves_is_on_its_way(void **state) {
    (void)state;
    assert_string_equal(clients_at_the_end(false), "returned");
}

static void test_what_the_last_round_loses_is_not(void **state) {
    (void)state;
    assert_string_equal(clients_at_the_end(true), "sparse");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_ring_of_sessions_is_bounded),
        TEST(test_full_caches_of_popular_keys_do_not_grow),
        TEST(test_queue_that_fills_for_ever_is_growing),
        TEST(test_no_more_rounds_rise_than_there_are),
        TEST(test_queue_that_climbs_from_a_level_is_growing),
        TEST(test_queue_that_climbs_to_a_bound_is_not_growing),
        TEST(test_full_cache_whose_blocks_are_replaced_is_not_growing),
        TEST(test_one_phase_of_a_full_cache_is_not_growing),
        TEST(test_one_phase_of_a_full_cache_that_loses_is_growing),
        TEST(test_one_phase_that_replaces_a_document_is_not_growing),
        TEST(test_a_leak_that_the_program_walks_through_does_not_slow),
        TEST(test_leak_behind_a_cache_that_shrinks_is_told_by_its_life_table),
        TEST(test_blocks_that_may_be_released_as_late_as_their_relatives_are_not_judged),
        TEST(test_queue_that_ages_for_ever_is_growing),
        TEST(test_queue_with_a_bound_is_not_growing),
        TEST(test_cache_of_growing_values),
        TEST(test_cache_whose_misses_are_the_only_events),
        TEST(test_leak_of_every_fourth_round_does_not_slow),
        TEST(test_filling_says_what_is_to_come),
        TEST(test_what_the_last_round_leaves_is_on_its_way),
        TEST(test_what_the_last_round_loses_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
