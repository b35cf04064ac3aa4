/* links: tests/unit/growth_stage.c */
/*
 * The collector and the judge of growth: vectors, tables, buffers and arenas, which grow by few and ever larger steps.
 */
#include "growth_stage.h"

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
    assert_non_null(strstr(sentence, "of the blocks of the process, which came with its entries, ever fewer come"));
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
 * The table of a cache that meets ever fewer keys that it has not, by rounds of 60 requests for one of 2000 keys; or of
 * what meets as many new ones in each.
 */
static void fill_table(bool knows_keys, const char *class) {
    struct block *table = allocate(1, 256), *entries[1024];
    size_t count = 0;
    double unknown = 1;
    for (int round = 0; round < 12; round++) {
        phase("work");
        for (int i = 0; i < (int)(60 * unknown); i++) {
            entries[count++] = allocate(2, 80);
            if (count * 16 <= table->size) continue;
            struct block *larger = allocate(1, table->size * 2);
            release(table);
            table = larger;
        }
        if (knows_keys) unknown = 1 - (double)count / 2000;
        phase_end("work");
    }
    while (count > 0) lose(entries[--count]);
    lose(table);
    exit_begins();
    judge();
    expect("work", 1, class);
}

static void test_table_of_a_cache_that_fills(void **state) {
    (void)state;
    fill_table(true, "filling");
}

static void test_table_of_a_list_that_grows(void **state) {
    (void)state;
    fill_table(false, "leak");
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

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_vector_that_is_copied_on_several_stacks),
        TEST(test_vector_that_is_resized_on_several_stacks),
        TEST(test_wrapper_is_no_container),
        TEST(test_buffer_grown_by_copying),
        TEST(test_growing_vector),
        TEST(test_vector_whose_entries_stop_coming),
        TEST(test_vector_that_was_emptied_and_keeps_its_capacity),
        TEST(test_vector_whose_entries_go_on),
        TEST(test_table_of_a_cache_that_fills),
        TEST(test_table_of_a_list_that_grows),
        TEST(test_growing_arena),
        TEST(test_arena_that_fills),
        TEST(test_fewer_blocks_of_as_many_bytes),
        TEST(test_table_of_a_growing_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
