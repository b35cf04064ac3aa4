/* links: tests/unit/growth_stage.c */
/*
 * The collector and the judge of growth: rings, vectors, caches, queues and tables, which grow to a bound or for ever.
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

/* Three callers add to one vector, so that it grows now on one stack, now on another; by copying or by realloc. */
static struct block *add_to_vector(struct block *vector, int entries, bool copies) {
    uint32_t stack = 100 + (uint32_t)(entries % 3);
    uint64_t size = vector ? 2 * vector->size : 64;
    if (vector && vector->size >= 8 * (uint64_t)entries) return vector;
    if (vector && !copies) {
        resize(vector, stack, size);
        return vector;
    }
    struct block *larger = allocate(stack, size);
    release(vector);
    return larger;
}

static void grow_vector(bool copies) {
    static uint32_t functions[103];
    struct block *vector = NULL;
    for (int round = 0; round < 60; round++) {
        phase("requests");
        for (int i = 0; i < 5; i++) {
            vector = add_to_vector(vector, 5 * round + i + 1, copies);
            release(allocate(1, 64));
        }
        phase_end("requests");
    }
    exit_begins();
    judge_with(same_function, functions);
    assert_int_equal(stage.findings.items[0].judgement.class, GROWTH_LEAK);
    assert_true(stage.findings.items[0].judgement.container);
    free(vector);
}

static void test_vector_that_is_copied_on_several_stacks(void **state) {
    (void)state;
    grow_vector(true);
}

static void test_vector_that_is_resized_on_several_stacks(void **state) {
    (void)state;
    grow_vector(false);
}

/*
 * Blocks of different callers of a wrapper: a larger one replaces a smaller one in its round, and is freed in the next.
 */
static void test_wrapper_is_no_container(void **state) {
    (void)state;
    struct block *kept = NULL;
    for (int round = 0; round < 30; round++) {
        phase("requests");
        struct block *small = allocate(200, 10 + (uint64_t)round % 3), *large = allocate(201, 40 + (uint64_t)round % 7);
        release(small);
        release(kept);
        kept = large;
        phase_end("requests");
    }
    release(kept);
    exit_begins();
    judge();
    expect_no_failure();
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

/* Text that grows by the same amount each time, copied to a larger block. */
static void test_buffer_grown_by_copying(void **state) {
    (void)state;
    struct block *text = allocate(1, 5000);
    for (unsigned round = 0; round < 30; round++) {
        phase("work");
        struct block *longer = allocate(1, text->size + 100);
        release(text);
        text = longer;
        phase_end("work");
    }
    lose(text);
    judge();
    expect("work", 1, "leak");
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

static void test_growing_vector(void **state) {
    (void)state;
    struct block *vector = allocate(1, 16);
    uint64_t used = 0;
    for (int round = 0; round < 40; round++) {
        phase("work");
        for (int i = 0; i < 10; i++) {
            if (used == vector->size) {
                struct block *larger = allocate(1, vector->size * 2);
                release(vector);
                vector = larger;
            }
            used += 8;
        }
        phase_end("work");
    }
    lose(vector);
    exit_begins();
    judge();
    expect("work", 1, "leak");
    const struct growth_finding *at = finding("work", 1);
    assert_true(at->judgement.container);
    assert_string_equal(
        at->sentence, "a container whose capacity follows the work: it grew to 128 B in round 1, 256 B in 2, 512 B in "
                      "4, 1 KiB in 7, 2 KiB in 13, 4 KiB in 26; 3.50 KiB of that in 36 rounds (5 to 40); never "
                      "released");
    assert_non_null(strstr(at->would_change, "entries that are removed again"));
}

/*
 * A vector of pointers, three a round, until so many rounds are over: then no more come, or all are released and it is
 * used anew.
 */
static void fill_vector(int filled, bool collects, const char *class) {
    struct block *vector = allocate(1, 16), *entries[192];
    uint64_t used = 0;
    size_t count = 0;
    for (int round = 0; round < 64; round++) {
        phase("work");
        if (round == filled && collects)
            while (count > 0) release(entries[--count]);
        for (int i = 0; i < 3 && (round < filled || collects); i++) {
            if (used == vector->size) {
                struct block *larger = allocate(1, vector->size * 2);
                release(vector);
                vector = larger;
            }
            if (round < filled) used += 8;
            entries[count++] = allocate(2, 40);
        }
        for (int i = 0; i < 40; i++) release(allocate(3, 64));
        phase_end("work");
    }
    while (count > 0) lose(entries[--count]);
    lose(vector);
    exit_begins();
    judge();
    expect("work", 1, class);
}

/* It grew in round 43; the next time is beyond the end. */
static void test_vector_whose_entries_stop_coming(void **state) {
    (void)state;
    fill_vector(46, false, "filling");
    const char *sentence = finding("work", 1)->sentence;
    assert_non_null(strstr(sentence, "a container whose capacity follows the work: it grew"));
    assert_non_null(strstr(
        sentence, "the blocks of the process, which had come with its entries, now come at under half that rate"));
}

static void test_vector_that_was_emptied_and_keeps_its_capacity(void **state) {
    (void)state;
    fill_vector(46, true, "filling");
}

static void test_vector_whose_entries_go_on(void **state) {
    (void)state;
    fill_vector(64, false, "leak");
}

/*
 * As of std::pmr: what is cut from blocks, each twice as large as the last. `grows`: by as much each round, else ever
 * less.
 */
static const struct growth_finding *judge_arena(bool grows) {
    uint64_t block = 512, capacity = 0;
    double used = 0;
    for (int round = 0; round < 60; round++) {
        phase("work");
        used += grows ? 500 : 500.0 / (1 + round);
        for (; (double)capacity < used; capacity += block) lose(allocate(1, block *= 2));
        phase_end("work");
    }
    exit_begins();
    judge();
    return finding("work", 1);
}

static void test_growing_arena(void **state) {
    (void)state;
    const struct growth_finding *at = judge_arena(true);
    expect("work", 1, "leak");
    assert_true(at->judgement.container);
    assert_string_equal(at->sentence,
                        "an arena of ever larger blocks, whose sum follows the work: it grew to 1 KiB in round 1, 3 "
                        "KiB in 3, 7 KiB in 7, 15 KiB in 15, 31 KiB in 31; 28 KiB of that in 54 rounds (7 to 60); "
                        "never released");
}

static void test_arena_that_fills(void **state) {
    (void)state;
    judge_arena(false);
    expect("work", 1, "bounded");
}

/* Half as many blocks of twice the size are no less: what is still to come is told by bytes. */
static void test_fewer_blocks_of_as_many_bytes(void **state) {
    (void)state;
    for (int round = 0; round < 24; round++) {
        phase("work");
        for (int i = round < 12 ? 4 : 1; i > 0; i--) lose(allocate(1, round < 12 ? 100 : 400));
        phase_end("work");
    }
    exit_begins();
    judge();
    expect("work", 1, "filling");
    assert_null(strstr(finding("work", 1)->sentence, "more to come"));
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

/*
 * A table as large as its input, which grows by a tenth from one to the next: it grew in the rounds that set a record.
 */
static void test_table_of_a_growing_input(void **state) {
    (void)state;
    struct block *table = allocate(1, 64), *temporary[4096];
    double input = 100;
    for (int round = 0; round < 35; round++, input *= 1.1) {
        phase("import");
        for (int i = 0; i < (int)input; i++) temporary[i] = allocate(2, 32);
        if (table->size < (uint64_t)input * 8) {
            struct block *larger = allocate(1, table->size * 2);
            release(table);
            table = larger;
        }
        for (int i = 0; i < (int)input; i++) release(temporary[i]);
        phase_end("import");
    }
    release(table);
    exit_begins();
    judge();
    expect_no_failure();
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
        TEST(test_what_the_last_round_leaves_is_on_its_way),
        TEST(test_what_the_last_round_loses_is_not),
        TEST(test_ring_of_sessions_is_bounded),
        TEST(test_vector_that_is_copied_on_several_stacks),
        TEST(test_vector_that_is_resized_on_several_stacks),
        TEST(test_wrapper_is_no_container),
        TEST(test_full_caches_of_popular_keys_do_not_grow),
        TEST(test_queue_that_fills_for_ever_is_growing),
        TEST(test_no_more_rounds_rise_than_there_are),
        TEST(test_queue_that_climbs_from_a_level_is_growing),
        TEST(test_queue_that_climbs_to_a_bound_is_not_growing),
        TEST(test_full_cache_whose_blocks_are_replaced_is_not_growing),
        TEST(test_one_phase_of_a_full_cache_is_not_growing),
        TEST(test_one_phase_of_a_full_cache_that_loses_is_growing),
        TEST(test_a_leak_that_the_program_walks_through_does_not_slow),
        TEST(test_leak_behind_a_cache_that_shrinks_is_told_by_its_life_table),
        TEST(test_blocks_that_may_be_released_as_late_as_their_relatives_are_not_judged),
        TEST(test_queue_that_ages_for_ever_is_growing),
        TEST(test_queue_with_a_bound_is_not_growing),
        TEST(test_cache_of_growing_values),
        TEST(test_buffer_grown_by_copying),
        TEST(test_cache_whose_misses_are_the_only_events),
        TEST(test_growing_vector),
        TEST(test_vector_whose_entries_stop_coming),
        TEST(test_vector_that_was_emptied_and_keeps_its_capacity),
        TEST(test_vector_whose_entries_go_on),
        TEST(test_growing_arena),
        TEST(test_arena_that_fills),
        TEST(test_fewer_blocks_of_as_many_bytes),
        TEST(test_filling_says_what_is_to_come),
        TEST(test_table_of_a_growing_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
