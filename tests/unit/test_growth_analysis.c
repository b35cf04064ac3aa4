/* links: analyzer/analysis/growth.c analyzer/analysis/growth_rounds.c analyzer/analysis/growth_stacks.c analyzer/analysis/growth_record.c analyzer/analysis/growth_container.c analyzer/analysis/growth_ends.c analyzer/analysis/growth_lives.c analyzer/verdict/growth.c analyzer/verdict/growth_selection.c analyzer/verdict/growth_trend.c analyzer/verdict/growth_container.c analyzer/verdict/growth_text.c analyzer/verdict/words.c analyzer/verdict/statistics.c analyzer/verdict/judge.c analyzer/verdict/relatives.c
 *
 * The collector and the judge, driven by a small replay of their own: programs of a few lines whose verdict is known by
 * reading them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verdict/judge.h"

struct stage { /* a process being replayed */
    struct growth *growth;
    struct moment now;
    struct growth_findings findings;
};

static struct stage stage;
static uint8_t edge_flags; /* of phases */

/* Stacks from 100 on: those of one hundred allocate by the same instruction, for several callers. */
static uint64_t hundred_of(const void *stacks, uint32_t stack) {
    (void)stacks;
    return stack / 100;
}

static int begin(void **state) {
    edge_flags = 0;
    (void)state;
    struct replay_facts facts = {.innermost = hundred_of};
    memset(&stage, 0, sizeof stage);
    stage.growth = growth_analysis.begin(&facts);
    stage.now.thread = 1;
    return stage.growth ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    growth_findings_release(&stage.findings);
    growth_release(stage.growth);
    return 0;
}

static void control(enum trace_event_kind kind, const char *name, uint64_t value) {
    struct control event = {.kind = kind, .name = name, .value = value};
    if (kind == TRACE_EVENT_PHASE_BEGIN || kind == TRACE_EVENT_PHASE_END) event.flags = edge_flags;
    growth_analysis.control(stage.growth, &event, &stage.now);
}
static void phase(const char *name) { control(TRACE_EVENT_PHASE_BEGIN, name, 0); }
static void phase_end(const char *name) { control(TRACE_EVENT_PHASE_END, name, 0); }
static void operation(void) { control(TRACE_EVENT_OP_BEGIN, "op", 0); }
static void operation_end(void) { control(TRACE_EVENT_OP_END, "op", 0); }
static void exit_begins(void) { control(TRACE_EVENT_EXIT, "", 0); }

static struct block *allocate(uint32_t stack, uint64_t size) {
    struct block *block = calloc(1, sizeof *block);
    *block = (struct block){.size = size, .stack = stack, .thread = stage.now.thread};
    stage.now.live_blocks++;
    growth_analysis.born(stage.growth, block, &stage.now);
    return block;
}

static void release(struct block *block) {
    if (!block) return;
    stage.now.live_blocks--;
    growth_analysis.died(stage.growth, block, DEATH_FREED, &stage.now);
    assert_null(block->attached);
    free(block);
}

/* Lost for the program; the test must still free its own memory at the end. */
static struct block *lost[4096];
static size_t lost_count;
static void lose(struct block *block) { lost[lost_count++] = block; }

static void resize(struct block *block, uint32_t stack, uint64_t size) {
    uint64_t old_size = block->size;
    uint32_t old_stack = block->stack;
    block->size = size;
    block->stack = stack;
    growth_analysis.resized(stage.growth, block, old_size, old_stack, &stage.now);
}

static bool same_function(void *context, uint32_t stack, struct stack_facts *out) {
    const uint32_t *functions = context;
    *out = (struct stack_facts){.folded = stack, .function = functions[stack]};
    return true;
}

static void judge_with(stack_facts_of facts, void *context) {
    struct judge_input input = {.stack_facts = facts, .stack_context = context, .settings = GROWTH_SETTINGS_DEFAULT};
    assert_int_equal(growth_analysis.end(stage.growth, &stage.now), 0);
    assert_int_equal(growth_judge(stage.growth, &input, &stage.findings), 0);
    while (lost_count > 0) free(lost[--lost_count]);
}
static void judge(void) { judge_with(NULL, NULL); }

static const struct growth_finding *finding(const char *phase_name, uint32_t stack) {
    for (size_t i = 0; i < stage.findings.count; i++) {
        const struct growth_finding *at = &stage.findings.items[i];
        if (strcmp(at->phase_name, phase_name) == 0 && at->stacks[0] == stack) return at;
    }
    return NULL;
}

static void expect(const char *phase_name, uint32_t stack, const char *class) {
    const struct growth_finding *at = finding(phase_name, stack);
    assert_non_null(at);
    assert_string_equal(growth_class_name(at->judgement.class), class);
}

static void expect_no_failure(void) {
    for (size_t i = 0; i < stage.findings.count; i++)
        assert_int_not_equal(stage.findings.items[i].judgement.outcome, GROWTH_FAIL);
}

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

/* Blocks of different callers of a wrapper: a larger one replaces a smaller one in its round, and is freed in the next. */
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
 * A full cache of the latest keys asked for, where few keys are asked for often (Zipf): some stay for as many rounds as there are, and
 * by chance such keys came in many of them. Values of one size or of many; none is the container of another.
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

/* In each round `in` blocks enter the queue and at most `out` leave it. */
static void run_queue(int rounds, int in, int out, int most) {
    struct block *queue[4096];
    int head = 0, tail = 0;
    for (int round = 0; round < rounds; round++) {
        phase("requests");
        for (int i = 0; i < in; i++) queue[tail++] = allocate(1, 32);
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
    run_queue(40, 20, 18, 4096);
    expect("requests", 1, "growing");
    assert_true(finding("requests", 1)->judgement.backlog);
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
    run_queue(40, 20, 2, 4096);
    expect("requests", 1, "growing");
}

static void test_queue_with_a_bound_is_not_growing(void **state) {
    (void)state;
    run_queue(40, 20, 18, 40);
    expect("requests", 1, "bounded");
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
    edge_flags = TRACE_EVENT_APPROXIMATE;
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

/* A table as large as its input, which grows by a tenth from one to the next: it grew in the rounds that set a record. */
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
    assert_true(stage.findings.items[0].of_function);
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
        for (int i = 0; i < 10; i++) lose(allocate(2, 64)), release(lost[--lost_count]);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_leak_in_every_round),
        TEST(test_ring_of_sessions_is_bounded),
        TEST(test_vector_that_is_copied_on_several_stacks),
        TEST(test_vector_that_is_resized_on_several_stacks),
        TEST(test_wrapper_is_no_container),
        TEST(test_full_caches_of_popular_keys_do_not_grow),
        TEST(test_queue_that_fills_for_ever_is_growing),
        TEST(test_full_cache_whose_blocks_are_replaced_is_not_growing),
        TEST(test_leak_behind_a_cache_that_shrinks_is_told_by_its_life_table),
        TEST(test_blocks_that_may_be_released_as_late_as_their_relatives_are_not_judged),
        TEST(test_queue_that_ages_for_ever_is_growing),
        TEST(test_queue_with_a_bound_is_not_growing),
        TEST(test_held_to_teardown),
        TEST(test_held_to_exit),
        TEST(test_teardown_in_an_open_round),
        TEST(test_teardown_before_the_end_of_the_last_round),
        TEST(test_returned_in_a_later_phase),
        TEST(test_last_one_is_no_leak),
        TEST(test_realloc_adds_layers),
        TEST(test_shrinking_takes_the_youngest),
        TEST(test_cache_of_growing_values),
        TEST(test_buffer_grown_by_copying),
        TEST(test_cache_whose_misses_are_the_only_events),
        TEST(test_growing_vector),
        TEST(test_filling_says_what_is_to_come),
        TEST(test_table_of_a_growing_input),
        TEST(test_windows_of_operations),
        TEST(test_events_alone_only_warn),
        TEST(test_growth_between_rounds),
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
