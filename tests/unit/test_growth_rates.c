/* links: tests/unit/growth_generator.c
 *
 * How often the classifier errs. As a test it holds the rule to its error rates on one run a length; with arguments,
 * `test_growth_rates SITES RUNS [-v]`, it prints false alarms per run and the share of leaks found, -v by pattern.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "growth_generator.h"
#include "verdict/growth.h"

enum { LENGTHS = 6, MOST_PATTERNS = 64 };
static const size_t lengths[LENGTHS] = {5, 6, 8, 16, 32, 100};

struct tally {
    unsigned seen, failed, warned;
};

static bool fails(const struct pattern *pattern, size_t rounds, struct generator *generator, struct tally *tally) {
    static struct synthetic site;
    struct growth_settings settings = GROWTH_SETTINGS_DEFAULT;
    generate(&site, pattern, rounds, generator);
    struct growth_judgement judgement = growth_classify(&site.evidence, &settings);
    tally->seen++;
    tally->failed += judgement.outcome == GROWTH_FAIL;
    tally->warned += judgement.outcome == GROWTH_WARN;
    return judgement.outcome == GROWTH_FAIL;
}

static void play(size_t rounds, bool leak, unsigned sites, struct generator *generator, struct tally *tallies) {
    for (unsigned i = 0; i < sites; i++) {
        const struct pattern *pattern = pick_pattern(leak, generator);
        fails(pattern, rounds, generator, &tallies[pattern - patterns]);
    }
}

static struct tally total(const struct tally *tallies, bool leak, bool every_round_only) {
    struct tally sum = {0, 0, 0};
    for (size_t i = 0; i < pattern_count; i++) {
        if (patterns[i].leak != leak || (every_round_only && !patterns[i].every_round)) continue;
        sum.seen += tallies[i].seen;
        sum.failed += tallies[i].failed;
        sum.warned += tallies[i].warned;
    }
    return sum;
}

static double share(unsigned part, unsigned whole) { return whole ? 100.0 * part / whole : 0; }

static void print_patterns(const struct tally *tallies, unsigned runs) {
    for (size_t i = 0; i < pattern_count; i++) {
        printf("    %-28s %s %8u sites  %7.2f fail a run  %5.1f %% fail  %5.1f %% warn\n", patterns[i].name,
               patterns[i].leak ? "leak " : "clean", tallies[i].seen, (double)tallies[i].failed / runs,
               share(tallies[i].failed, tallies[i].seen), share(tallies[i].warned, tallies[i].seen));
    }
}

static int report(unsigned sites, unsigned runs, bool verbose) {
    printf("%u sites a run, %u runs\n%7s %14s %14s %20s\n", sites, runs, "rounds", "false leaks", "leaks found",
           "every-round found");
    for (size_t i = 0; i < LENGTHS; i++) {
        struct generator generator = {lengths[i]};
        struct tally tallies[MOST_PATTERNS] = {{0, 0, 0}};
        play(lengths[i], false, sites * runs, &generator, tallies);
        play(lengths[i], true, sites * runs / 20, &generator, tallies);
        struct tally clean = total(tallies, false, false), leaks = total(tallies, true, false),
                     every = total(tallies, true, true);
        printf("%7zu %14.2f %13.1f%% %19.1f%%\n", lengths[i], (double)clean.failed / runs,
               share(leaks.failed, leaks.seen), share(every.failed, every.seen));
        if (verbose) print_patterns(tallies, runs);
    }
    return 0;
}

/* ---- single rules ---- */

struct hand {
    size_t rounds;
    uint64_t held[60];
    double work[60];
    int64_t warm_up;              /* as the user gives it; 0: not given */
    struct growth_evidence facts; /* all else */
};

static struct growth_judgement judged(const struct hand *hand, int64_t lag) {
    struct growth_round rounds[60] = {{0}};
    struct growth_settings settings = {hand->warm_up ? hand->warm_up : -1, -1.0, lag};
    struct growth_evidence evidence = hand->facts;
    evidence.rounds = rounds;
    evidence.count = hand->rounds;
    for (size_t i = 0; i < hand->rounds; i++) {
        struct growth_amount held = {hand->held[i], hand->held[i] * 64};
        rounds[i] =
            (struct growth_round){hand->work[i] > 0 ? hand->work[i] : 1, held, held, held, held, NAN, false, false, 0};
        evidence.level.last = evidence.level.peak += hand->held[i];
        evidence.process_rise += (int64_t)hand->held[i];
    }
    return growth_classify(&evidence, &settings);
}

/* Every round of the evidence added, but those behind it, which may only lose some, hold nothing. */
static void test_what_stopped_behind_the_evidence_fills(void **state) {
    (void)state;
    struct hand hand = {.rounds = 20, .facts.threads = 1};
    for (size_t i = 0; i < 12; i++) hand.held[i] = 10;
    struct growth_judgement judgement = judged(&hand, 8);
    assert_int_equal(judgement.class, GROWTH_FILLING);
    assert_int_equal(judgement.reason, GROWTH_REASON_STOPPED);
    for (size_t i = 12; i < 20; i++) hand.held[i] = 10;
    assert_int_equal(judged(&hand, 8).class, GROWTH_LEAK);
    hand.facts.work_is_events = true;
    for (size_t i = 0; i < 20; i++) {
        hand.held[i] = i < 18 ? 10 : 2;
        hand.work[i] = i < 18 ? 1000 : 200;
    }
    assert_int_equal(judged(&hand, 4).class, GROWTH_LEAK); /* there was less to do */
    hand.work[18] = hand.work[19] = 1000;
    assert_int_equal(judged(&hand, 4).reason, GROWTH_REASON_STOPPED);
}

/*
 * Where only the number of allocations tells the work, a round that adds the same number of blocks as every other does
 * not slow.
 */
static void test_the_same_number_each_round_does_not_slow(void **state) {
    (void)state;
    struct hand hand = {.rounds = 16, .facts = {.threads = 1, .work_is_events = true}};
    for (size_t i = 0; i < 16; i++) {
        hand.held[i] = 200;
        hand.work[i] = i < 8 ? 1000 : 4000;
    }
    assert_int_equal(judged(&hand, 1).class, GROWTH_LEAK);
    for (size_t i = 0; i < 16; i++) hand.held[i] = 200 + i % 4; /* far more alike than by chance */
    assert_int_equal(judged(&hand, 1).class, GROWTH_LEAK);
    for (size_t i = 0; i < 16; i++) hand.held[i] = 180 + 20 * (i % 3);
    struct growth_judgement judgement = judged(&hand, 1);
    assert_int_equal(judgement.class, GROWTH_FILLING);
    assert_int_equal(judgement.reason, GROWTH_REASON_SLOWS);
    hand.facts.work_is_events = false;
    assert_int_equal(judged(&hand, 1).class, GROWTH_FILLING);
    hand.facts.work_is_events = true;
    for (size_t i = 0; i < 16; i++) hand.held[i] = i == 9 ? 0 : i == 11 ? 2 : 1; /* rounds of several threads overlap */
    assert_int_equal(judged(&hand, 1).class, GROWTH_LEAK);
    hand.held[12] = hand.held[14] = 0;
    assert_int_equal(judged(&hand, 1).reason, GROWTH_REASON_SLOWS);
}

/* Whatever else the rounds did; a file opened each round is not the less evenly left open. */
static void test_the_same_number_each_round_is_even(void **state) {
    (void)state;
    static const double work[] = {340, 460, 350, 350, 455, 345, 380, 350};
    struct hand hand = {.rounds = 8, .facts = {.threads = 1, .exit_seen = true}};
    memcpy(hand.work, work, sizeof work);
    for (size_t i = 0; i < 8; i++) hand.held[i] = 3;
    assert_int_equal(judged(&hand, -1).class, GROWTH_LEAK);
    hand.held[4] = 5;
    assert_int_equal(judged(&hand, -1).class, GROWTH_FILLING);
}

/* A thread that ends in each round leaves its cache; a pool of threads grew in two of them. */
static void test_steps_among_equal_rounds_do_not_slow(void **state) {
    (void)state;
    struct hand hand = {.rounds = 40, .facts = {.threads = 1, .exit_seen = true}};
    for (size_t i = 0; i < 40; i++) hand.held[i] = i == 0 || i == 10 ? 5 : 1;
    assert_int_equal(judged(&hand, -1).class, GROWTH_LEAK);
    for (size_t i = 11; i < 19; i++) hand.held[i] = 2;
    assert_int_equal(judged(&hand, -1).class, GROWTH_FILLING);
}

static void test_threads_that_nobody_joins_are_told(void **state) {
    (void)state;
    struct hand hand = {.rounds = 16, .facts = {.threads = 1, .owner = GROWTH_OWNER_THREADS}};
    hand.held[1] = hand.held[7] = 1;
    assert_int_equal(judged(&hand, 1).class, GROWTH_RUNTIME);
    for (size_t i = 0; i < 16; i++) hand.held[i] = 1;
    assert_int_equal(judged(&hand, 1).class, GROWTH_LEAK);
    hand.rounds = 24;
    for (size_t i = 0; i < 24; i++) hand.held[i] = i % 2;
    assert_int_equal(judged(&hand, 1).class, GROWTH_LEAK_INTERMITTENT);
    for (size_t i = 0; i < 24; i++) hand.held[i] = i < 14; /* a pool */
    assert_int_equal(judged(&hand, 1).class, GROWTH_RUNTIME);
}

/* Releases last for 10 rounds, and the first round happens to add nothing that stays. */
static void test_a_leak_may_begin_in_the_second_round(void **state) {
    (void)state;
    struct hand hand = {.rounds = 24, .facts = {.threads = 1, .reach = 1, .freed = 100, .first = 0}};
    for (size_t i = 1; i < 24; i++) hand.held[i] = 2;
    assert_int_equal(judged(&hand, 1).class, GROWTH_LEAK);
    hand.held[1] = hand.held[2] = 0;
    assert_int_not_equal(judged(&hand, 1).class, GROWTH_LEAK);
}

/*
 * Documents that were open for up to seven rounds; of each round some strokes stay. What is young holds more, for a
 * time.
 */
static void test_rounds_a_reach_old_count_if_they_hold_no_more(void **state) {
    (void)state;
    static const uint64_t held[] = {15, 17, 15, 16, 19, 18, 21, 12, 16, 18, 19, 15, 24, 25, 21, 21, 30, 42, 80, 130};
    struct hand hand = {.rounds = 20, .facts = {.threads = 1, .reach = 7, .freed = 5000}};
    memcpy(hand.held, held, sizeof held);
    struct growth_judgement judgement = judged(&hand, -1);
    assert_int_equal(judgement.class, GROWTH_LEAK);
    assert_int_equal(judgement.last, 12);
    for (size_t i = 8; i < 12; i++) hand.held[i] = 30; /* some of which may go yet */
    assert_int_equal(judged(&hand, -1).last, 6);
}

/* What a cache adds while it fills is no reason to pass over what the same stack adds ever after. */
static void test_a_leak_behind_a_warm_up_is_told(void **state) {
    (void)state;
    struct hand hand = {.rounds = 60, .facts = {.threads = 1, .first = 0}};
    for (size_t i = 0; i < 60; i++) hand.held[i] = 1 + (uint64_t)(1000 * pow(0.7, (double)i));
    struct growth_judgement judgement = judged(&hand, -1);
    assert_int_equal(judgement.class, GROWTH_LEAK);
    assert_true(judgement.warmed_up && judgement.first > 10 && judgement.k == judgement.n);
    assert_true(judgement.per_round.value < 200);
    for (size_t i = 0; i < 60; i++) hand.held[i] = (uint64_t)(1000 * pow(1.0 + (double)i, -0.5));
    judgement = judged(&hand, -1);
    assert_int_equal(judgement.class, GROWTH_FILLING);
}

/* An input that came late, or a setting. What a stack keeps from its first round on is judged from there on, too. */
static void test_a_leak_that_begins_late_is_told(void **state) {
    (void)state;
    struct hand hand = {.rounds = 60, .facts = {.threads = 1, .first = 0}};
    for (size_t i = 30; i < 60; i++) hand.held[i] = 1 + i % 2;
    struct growth_judgement judgement = judged(&hand, -1);
    assert_int_equal(judgement.class, GROWTH_LEAK);
    assert_int_equal(judgement.began, 31);
    assert_true(judgement.first == 32 && judgement.last == 59 && judgement.k == 28); /* and one behind it */
    hand.held[50] = 0; /* a stretch of nine: so does a pool grow */
    assert_int_equal(judged(&hand, -1).class, GROWTH_SPARSE);
    hand.held[50] = 1;
    for (size_t i = 30; i < 60; i++) hand.held[i] = 1 + (uint64_t)(20 * pow(0.9, (double)i - 30)); /* a cache fills */
    assert_int_equal(judged(&hand, -1).class, GROWTH_SPARSE);
}

/* A pool of 32 is empty after each 1.6 rounds of 20; an interpreter's after each fifth. */
static void test_pools_used_up_at_one_pace_leak(void **state) {
    (void)state;
    struct hand hand = {.rounds = 20, .facts = {.threads = 1, .first = 0}};
    for (size_t i = 0; i < 20; i++) hand.held[i] = i * 5 / 8 != (i + 1) * 5 / 8;
    assert_int_equal(judged(&hand, -1).class, GROWTH_LEAK_INTERMITTENT);
    hand.held[9] = hand.held[11] = !hand.held[9];
    assert_int_equal(judged(&hand, -1).class, GROWTH_SPARSE);
    hand = (struct hand){.rounds = 50, .facts = {.threads = 1, .owner = GROWTH_OWNER_INTERPRETER}};
    for (size_t i = 0; i < 50; i++) hand.held[i] = i % 5 == 4 ? 3 + i % 2 : 0;
    assert_int_equal(judged(&hand, -1).class, GROWTH_LEAK_INTERMITTENT);
    hand.held[24] = 0;
    assert_int_equal(judged(&hand, -1).class, GROWTH_FILLING);
}

/* Twenty buffers a round of a script that drops them: no collector runs for so little. */
static void test_what_no_collector_has_looked_at_is_no_leak(void **state) {
    (void)state;
    struct hand hand = {.rounds = 50, .facts = {.threads = 1, .owner = GROWTH_OWNER_COLLECTOR, .owner_held = 9 << 20}};
    for (size_t i = 0; i < 50; i++) hand.held[i] = 20;
    assert_int_equal(judged(&hand, -1).class, GROWTH_FILLING);
    assert_int_equal(judged(&hand, -1).reason, GROWTH_REASON_UNCOLLECTED);
    hand.facts.owner_held = 64 << 20;
    assert_int_equal(judged(&hand, -1).class, GROWTH_LEAK);
    hand.facts.owner_held = 9 << 20;
    hand.facts.owner_freed = 100; /* it has run */
    assert_int_equal(judged(&hand, -1).class, GROWTH_LEAK);
    hand.facts.owner_freed = 0;
    hand.facts.owner = GROWTH_OWNER_INTERPRETER; /* what it drops goes at once, but for cycles */
    struct growth_judgement judgement = judged(&hand, -1);
    char text[300];
    assert_int_equal(judgement.class, GROWTH_LEAK);
    growth_would_change(&hand.facts, &judgement, text, sizeof text);
    assert_non_null(strstr(text, "if it is garbage that waits for a full collection"));
}

/* Streams of compressed uploads that arrive cut off, one in ten of twenty a round, are never ended. */
static void test_an_error_path_goes_on_for_many_rounds(void **state) {
    (void)state;
    static const uint64_t held[] = {2, 2, 2, 3, 2, 5, 1, 1, 4, 2, 3, 2, 3, 2, 2, 0, 2, 0, 2, 3,
                                    2, 2, 1, 3, 1, 0, 1, 0, 1, 2, 1, 4, 1, 2, 1, 3, 2, 0, 0, 2,
                                    1, 2, 2, 2, 0, 3, 4, 1, 0, 3, 1, 3, 3, 0, 2, 1, 3, 2, 3, 2};
    struct hand hand = {.rounds = 60, .facts = {.threads = 1, .exit_seen = true}};
    memcpy(hand.held, held, sizeof held);
    assert_int_equal(judged(&hand, -1).class, GROWTH_LEAK_INTERMITTENT);
    for (size_t i = 30; i < 60; i++) hand.held[i] /= 2;
    assert_int_not_equal(judged(&hand, -1).class, GROWTH_LEAK_INTERMITTENT);
}

/*
 * Perl's table of shared keys: a cache of a hundred, and what the last line of output came too early or too late for.
 */
static void test_edges_from_output_may_lie_in_the_next_round(void **state) {
    (void)state;
    static const uint64_t held[] = {35, 21, 19, 9, 4, 2, 5, 2, 2, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 59, 0};
    struct hand hand = {.rounds = 23, .facts = {.threads = 1, .reach = 1, .freed = 40000, .exit_seen = true}};
    memcpy(hand.held, held, sizeof held);
    assert_int_equal(judged(&hand, -1).blocks, 104);
    hand.facts.approximate = true;
    assert_int_equal(judged(&hand, -1).blocks, 45);
    for (size_t i = 0; i < 23; i++) hand.held[i] = 3;
    assert_int_equal(judged(&hand, -1).class, GROWTH_LEAK);
}

/* A warm-up that the user knows is not held against what comes behind it. */
static void test_a_given_warm_up_counts_for_nothing(void **state) {
    (void)state;
    struct hand hand = {.rounds = 18, .facts = {.threads = 1, .first = 0}, .warm_up = 6};
    for (size_t i = 0; i < 18; i++) hand.held[i] = i < 6 ? 1000 >> i : i % 2 ? 4 : 6;
    assert_int_equal(judged(&hand, -1).class, GROWTH_LEAK);
    hand.warm_up = 0;
    assert_int_equal(judged(&hand, -1).class, GROWTH_FILLING);
}

/* The rates that the rule is held to: false leaks among 10 000 hostile sites. */
static void test_false_leaks_are_rare(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTHS; i++) {
        struct generator generator = {1000 + lengths[i]};
        struct tally tallies[MOST_PATTERNS] = {{0, 0, 0}};
        play(lengths[i], false, 40000, &generator, tallies);
        double per_run = total(tallies, false, false).failed / 4.0;
        assert_true(per_run <= (lengths[i] < 16 ? 5 : 0.5));
    }
}

/*
 * Ever more in use by chance is a leak by all that a few rounds show. Without a look at neighbours 4, 6 and 13 in 100
 * are.
 */
static void test_pools_that_wander_are_seldom_leaks(void **state) {
    (void)state;
    static const double most[LENGTHS] = {0.5, 0.5, 0.5, 4, 2, 1};
    const struct pattern *pool = patterns;
    while (strcmp(pool->name, "wandering pool") != 0) pool++;
    for (size_t i = 0; i < LENGTHS; i++) {
        struct generator generator = {3000 + lengths[i]};
        struct tally tally = {0, 0, 0};
        unsigned failed = 0;
        for (int site = 0; site < 5000; site++) failed += fails(pool, lengths[i], &generator, &tally);
        assert_true(share(failed, 5000) <= most[i]);
    }
}

static void test_leaks_in_every_round_are_found(void **state) {
    (void)state;
    for (size_t i = 1; i < LENGTHS; i++) {
        struct generator generator = {2000 + lengths[i]};
        struct tally tallies[MOST_PATTERNS] = {{0, 0, 0}};
        play(lengths[i], true, 2000, &generator, tallies);
        struct tally every = total(tallies, true, true);
        assert_int_equal(every.failed, every.seen);
    }
}

int main(int argc, char **argv) {
    if (argc > 2)
        return report((unsigned)atoi(argv[1]), (unsigned)atoi(argv[2]), argc > 3 && strcmp(argv[3], "-v") == 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_false_leaks_are_rare),
        cmocka_unit_test(test_pools_that_wander_are_seldom_leaks),
        cmocka_unit_test(test_leaks_in_every_round_are_found),
        cmocka_unit_test(test_what_stopped_behind_the_evidence_fills),
        cmocka_unit_test(test_the_same_number_each_round_does_not_slow),
        cmocka_unit_test(test_the_same_number_each_round_is_even),
        cmocka_unit_test(test_steps_among_equal_rounds_do_not_slow),
        cmocka_unit_test(test_threads_that_nobody_joins_are_told),
        cmocka_unit_test(test_a_leak_may_begin_in_the_second_round),
        cmocka_unit_test(test_rounds_a_reach_old_count_if_they_hold_no_more),
        cmocka_unit_test(test_a_leak_behind_a_warm_up_is_told),
        cmocka_unit_test(test_a_leak_that_begins_late_is_told),
        cmocka_unit_test(test_pools_used_up_at_one_pace_leak),
        cmocka_unit_test(test_what_no_collector_has_looked_at_is_no_leak),
        cmocka_unit_test(test_an_error_path_goes_on_for_many_rounds),
        cmocka_unit_test(test_edges_from_output_may_lie_in_the_next_round),
        cmocka_unit_test(test_a_given_warm_up_counts_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
