/* links: tests/unit/verdict_fixture.c libs: -linih -ljansson
 *
 * From findings and rules to one result: exit codes, what is ignored, suppressed or known, and who owns blocks.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "verdict/baseline.h"
#include "verdict/owners.h"
#include "verdict/suppressions.h"
#include "verdict/verdict.h"
#include "verdict_fixture.h"

static void decide(const struct verdict_rules *rules, const char *result, int exit_code) {
    verdict_decide(&report, rules);
    assert_string_equal(report.verdict.result, result);
    assert_int_equal(report.verdict.exit_code, exit_code);
    assert_int_equal(report.verdict.judged_sites, 3);
    report.verdict = (struct report_verdict){.judged_phases = 1, .judged_sites = 3};
}

static void test_results_and_exit_codes(void **state) {
    (void)state;
    struct verdict_rules plain = {.leak_exit_code = -1}, strict = {.leak_exit_code = -1, .strict = true};
    decide(&plain, "leak", 10);
    decide(&(struct verdict_rules){.leak_exit_code = 42}, "leak", 42);
    decide(&(struct verdict_rules){.leak_exit_code = 0}, "leak", 0);
    report.stopped = "on request";
    decide(&(struct verdict_rules){.leak_exit_code = 0}, "leak", 11);
    report.stopped = NULL;
    decide(&(struct verdict_rules){.leak_exit_code = 0, .min_rounds = 10}, "leak", 12);
    decide(&(struct verdict_rules){.leak_exit_code = 0, .min_rounds = 10, .allow_inconclusive = true}, "leak", 0);
    growths[0].class_slug = "filling";
    decide(&plain, "warn", 0);
    decide(&strict, "warn", 10);
    decide(&(struct verdict_rules){.leak_exit_code = -1, .min_rounds = 10, .allow_inconclusive = true, .strict = true},
           "inconclusive", 10); /* the warning counts */
    growths[0].class_slug = "bounded";
    decide(&plain, "pass", 0);
    decide(&strict, "pass", 0);
    decide(&(struct verdict_rules){.leak_exit_code = -1, .min_rounds = 10}, "inconclusive", 12);
    decide(&(struct verdict_rules){.leak_exit_code = -1, .min_rounds = 10, .allow_inconclusive = true}, "inconclusive",
           0);
    report.stopped = "at a limit: rss=1G";
    decide(&plain, "budget", 11);
    report.stopped = NULL;
    report.verdict.judged_phases = 0;
    decide(&plain, "nothing-judged", 0);
    report.verdict.judged_phases = 0;
    decide(&strict, "nothing-judged", 12);
    report.trace.lost_events = 100000;
    decide(&plain, "inconclusive", 12);
    report.trace.lost_events = 3 * report.trace.events; /* of all that there were, not of those that are left */
    verdict_decide(&report, &plain);
    assert_string_equal(report.verdict.reasons[0], "3000000 of 4000000 events were lost");
    report.verdict = (struct report_verdict){.judged_phases = 1, .judged_sites = 3};
    report.trace.lost_events = 0;
}

static void test_ignored_leaks(void **state) {
    (void)state;
    struct verdict_rules rules = {.leak_exit_code = -1};
    struct {
        const char *text, *result;
    } cases[] = {
        {"[site]\nmatch = ^keep_\nignore = leak\nreason = ticket 7\n", "pass"},
        {"[site]\nmatch = ^keep_\nignore = leak\nuntil = 2026-03-01\n", "pass"},
        {"[site]\nmatch = ^keep_\nignore = leak\nuntil = 2026-02-28\n", "leak"},
        {"[site]\nmatch = ^keep_\nignore = leak\nuntil = 2026-2-28\n", "leak"},
        {"[site]\nmatch = ^keep_\nignore = leak\nuntil = 2026-10-1\n", "pass"},
        {"[site]\nmatch = ^other\nignore = leak\n", "leak"},
        {"[process]\nmatch = a*\nignore = leak\n", "pass"},
        {"[process]\nmatch = /bin/app\nignore = yes\nuntil = 2027-01-01\n", "pass"},
        {"[process]\nmatch = bin\nignore = leak\n", "leak"},
        {"[phase]\nmatch = load\nbuilds = yes\n", "pass"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct budget *budget = budget_of(cases[i].text);
        rules.budget = budget;
        decide(&rules, cases[i].result, cases[i].result[0] == 'l' ? 10 : 0);
        budget_release(budget);
    }
}

/* Edges of lines that were read together lie at one moment. */
static void test_rounds_that_lines_did_not_tell_apart(void **state) {
    (void)state;
    struct report_phase phase = {.name = "round", .rounds = 40, .approximate = true, .round_ns = {.p50 = 2}};
    struct verdict_rules rules = {.leak_exit_code = -1};
    report.phases = &phase;
    report.phase_count = 1;
    verdict_decide(&report, &rules);
    assert_non_null(strstr(report.verdict.hints[report.verdict.hint_count - 1], "--no-pty"));
    size_t hints = report.verdict.hint_count;
    phase.round_ns.p50 = 40000;
    verdict_decide(&report, &rules);
    assert_int_equal(report.verdict.hint_count, hints - 1);
}

static void test_rounds_that_are_left_open_are_told(void **state) {
    (void)state;
    struct report_round open[3] = {
        {.round = 1, .end = 90}, {.round = 2, .begin = 30, .end = 90}, {.round = 3, .end = 90}};
    struct report_phase phase = {.name = "load", .rounds = 3, .end = 90, .instances = open, .instance_count = 3};
    struct verdict_rules plain = {.leak_exit_code = -1};
    report.phases = &phase;
    report.phase_count = 1;
    report.site_count = 0;
    for (int ended = 0; ended < 2; ended++) {
        open[0].end = ended ? 30 : 90;
        report.verdict = (struct report_verdict){.judged_phases = 0};
        verdict_decide(&report, &plain);
        assert_string_equal(report.verdict.result, "nothing-judged");
        assert_int_equal(report.verdict.hint_count, 1);
        assert_int_equal(strncmp(report.verdict.hints[0], "load was begun 3 times and never ended", 38) == 0, !ended);
    }
}

/* Of 20 rounds that gain 1 MiB each, none of which any site is blamed for. */
static void test_growth_at_sites_that_were_not_judged_is_no_pass(void **state) {
    (void)state;
    struct report_round levels[20] = {{0}};
    struct report_phase phase = {
        .name = "round", .rounds = 20, .judged = true, .instances = levels, .instance_count = 20};
    struct report_growth growth = {.phase = "round", .class_slug = "not-judged"};
    struct report_site pool = {.function = "map", .growth = &growth, .growth_count = 1, .peak_bytes = 16 * MIB};
    struct verdict_rules plain = {.leak_exit_code = -1}, strict = {.leak_exit_code = -1, .strict = true};
    for (int i = 0; i < 20; i++)
        levels[i] = (struct report_round){.round = i + 1, .live_begin = i * MIB, .live_end = (i + 1) * MIB};
    report.phases = &phase;
    report.phase_count = 1;
    report.sites = &pool;
    decide(&plain, "warn", 0);
    decide(&strict, "warn", 10);
    pool.peak_bytes = 6 * MIB; /* others hold what it grew by */
    decide(&plain, "pass", 0);
    pool.peak_bytes = 16 * MIB;
    struct budget *budget = budget_of("[phase]\nmatch = round\nbuilds = yes\n");
    plain.budget = budget;
    decide(&plain, "pass", 0);
    budget_release(budget);
    plain.budget = NULL;
    for (int i = 10; i < 20; i++) levels[i].live_end = 10 * MIB; /* it stands */
    decide(&plain, "pass", 0);
    for (int i = 0; i < 20; i++) levels[i].live_end = (400 + 4 * i) * 1024LL; /* a small program's table */
    levels[0].live_begin = 400 * 1024LL;
    decide(&plain, "warn", 0);
    for (int i = 0; i < 20; i++) levels[i].live_end = (400 + i) * 1024LL;
    decide(&plain, "pass", 0);
    for (int i = 0; i < 20; i++) levels[i].live_end = (400 + (i < 10 ? -8 * i : 4 * i - 120)) * 1024LL;
    decide(&plain, "pass", 0); /* back to where it began: it wanders */
}

/* The rounds of a suite are its tests, which ran once each. */
static void test_suite_that_grows_at_sites_that_were_not_judged_is_no_pass(void **state) {
    (void)state;
    struct report_phase suite[21] = {{.name = "suite", .rounds = 1, .judged = true}};
    struct report_growth growth = {.phase = "suite", .class_slug = "not-judged"};
    struct report_site pool = {.function = "map", .growth = &growth, .growth_count = 1, .peak_bytes = 16 * MIB};
    struct verdict_rules plain = {.leak_exit_code = -1};
    for (int i = 0; i < 20; i++)
        suite[i + 1] = (struct report_phase){
            .name = "test", .parent = "suite", .rounds = 1, .live_start = i * MIB, .live_end = (i + 1) * MIB};
    report.phases = suite;
    report.phase_count = 21;
    report.sites = &pool;
    decide(&plain, "warn", 0);
    for (int i = 10; i < 20; i++) suite[i + 1].live_end = 10 * MIB; /* it stands */
    decide(&plain, "pass", 0);
}

/* Whatever stands first in the table of sites. */
static void test_leaks_stand_in_the_order_of_what_they_add(void **state) {
    (void)state;
    struct report_growth small = growths[0], large = growths[0];
    small.rounds = large.rounds = 40;
    small.bytes_per_round = 14;
    struct report_site sites[] = {{.id = "small", .function = "f", .growth = &small, .growth_count = 1, .process = 1},
                                  {.id = "large", .function = "g", .growth = &large, .growth_count = 1, .process = 1}};
    struct verdict_rules rules = {.leak_exit_code = -1};
    report.sites = sites;
    report.site_count = 2;
    verdict_decide(&report, &rules);
    assert_int_equal(report.verdict.leak_count, 2);
    assert_string_equal(report.verdict.leaks[0].site, "large");
    report.verdict = (struct report_verdict){.judged_phases = 1, .judged_sites = 3};
}

static void test_unused_ignores_are_told(void **state) {
    (void)state;
    struct budget *budget = budget_of("[site]\nmatch = nobody\nignore = leak\nreason = gone\nuntil = 2020-02-29\n");
    struct verdict_rules rules = {.leak_exit_code = -1, .budget = budget};
    verdict_decide(&report, &rules);
    assert_int_equal(report.verdict.hint_count, 1);
    assert_string_equal(report.verdict.hints[0], "unused: [site] line 1: match = nobody (gone), until 2020-02-29");
    budget_release(budget);
}

static struct suppressions *suppressions_of(const char *text) {
    struct suppressions *suppressions;
    struct rule_error error;
    const char *name = file_of(text);
    assert_int_equal(suppressions_read(name, &suppressions, &error), 0);
    unlink(name);
    return suppressions;
}

static void test_suppressions(void **state) {
    (void)state;
    struct {
        const char *pattern;
        bool match;
    } cases[] = {
        {"keep_row", true}, {"row", true},      {"keep*row", true}, {"^keep", true}, {"^row", false},
        {"row$", true},     {"keep$", false},   {"rows.c", true},   {"app", true},   {"k*p_*w", true},
        {"^main$", true},   {"nothing", false}, {"src/*.c", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        snprintf(text, sizeof text, "# comment\n\nleak:%s\n", cases[i].pattern);
        struct suppressions *suppressions = suppressions_of(text);
        if ((suppressions_match(suppressions, &site) == 0) != cases[i].match) fail_msg("%s", cases[i].pattern);
        suppressions_release(suppressions);
    }
    struct suppressions *suppressions = suppressions_of("\xef\xbb\xbfleak:keep_row\r\nrace:x\n");
    assert_int_equal(suppressions_count(suppressions), 1);
    decide(&(struct verdict_rules){.leak_exit_code = -1, .suppressions = suppressions}, "pass", 0);
    suppressions_release(suppressions);
}

static void test_baseline(void **state) {
    (void)state;
    struct baseline *baseline;
    struct rule_error error;
    char name[64];
    snprintf(name, sizeof name, "%s", file_of("{}"));
    assert_int_equal(baseline_read(name, &baseline, &error), -EINVAL);
    verdict_decide(&report, &(struct verdict_rules){.leak_exit_code = -1, .update_baseline = true});
    assert_string_equal(report.verdict.result, "pass");
    assert_int_equal(report.verdict.known_count, 1);
    assert_int_equal(baseline_write(name, &report), 0);
    report.verdict = (struct report_verdict){.judged_phases = 1, .judged_sites = 3};
    assert_int_equal(baseline_read(name, &baseline, &error), 0);
    unlink(name);
    struct verdict_rules rules = {.leak_exit_code = -1, .baseline = baseline};
    decide(&rules, "pass", 0);
    growths[0].ci_low = 115; /* beyond the stored upper bound, as from one run to the next */
    decide(&rules, "pass", 0);
    growths[0].ci_low = 116; /* by a twentieth of it */
    decide(&rules, "leak", 10);
    site.id = "s2";
    decide(&rules, "leak", 10);
    site.id = "s1";
    baseline_release(baseline);
}

static void test_owners(void **state) {
    (void)state;
    struct owner_frame python[] = {{"_PyObject_Malloc", "libpython3.11.so.1.0"}, {"main", "app"}};
    struct owner_frame buffer[] = {{"Unsafe_AllocateMemory0", "libjvm.so"}, {NULL, NULL}};
    struct owner_frame extension[] = {{"make_thing", "_ext.so"}, {"_PyEval_EvalFrameDefault", "libpython3.11.so.1.0"}};
    struct owner_frame stdio[] = {{"_IO_file_doallocate", "libc.so.6"}, {"printf", "libc.so.6"}, {"main", "app"}};
    struct owner_frame opened[] = {{"fopen", "libc.so.6"}, {"open_log", "app"}};
    struct owner_frame constructor[] = {
        {"Plugin::Plugin", "plugin.so"}, {"call_init", "ld-linux-x86-64.so.2"}, {"_dl_init", "ld-linux-x86-64.so.2"}};
    struct owner_frame obstack[] = {{"xmalloc", "gcc"}, {"_obstack_newchunk", "gcc"}, {"parse", "gcc"}};
    assert_int_equal(growth_owner_of(python, 2, false), GROWTH_OWNER_INTERPRETER);
    assert_int_equal(growth_owner_of(buffer, 2, false), GROWTH_OWNER_COLLECTOR);
    assert_int_equal(growth_owner_of(extension, 2, false), GROWTH_OWNER_PROGRAM);
    assert_int_equal(growth_owner_of(stdio, 3, false), GROWTH_OWNER_RUNTIME);
    assert_int_equal(growth_owner_of(opened, 2, false), GROWTH_OWNER_PROGRAM);
    assert_int_equal(growth_owner_of(constructor, 3, false), GROWTH_OWNER_PROGRAM);
    assert_int_equal(growth_owner_of(obstack, 3, false), GROWTH_OWNER_POOL);
    assert_int_equal(growth_owner_of(opened, 2, true), GROWTH_OWNER_RUNTIME);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_results_and_exit_codes),
        TEST(test_ignored_leaks),
        TEST(test_rounds_that_lines_did_not_tell_apart),
        TEST(test_rounds_that_are_left_open_are_told),
        TEST(test_growth_at_sites_that_were_not_judged_is_no_pass),
        TEST(test_suite_that_grows_at_sites_that_were_not_judged_is_no_pass),
        TEST(test_leaks_stand_in_the_order_of_what_they_add),
        TEST(test_unused_ignores_are_told),
        TEST(test_suppressions),
        TEST(test_baseline),
        TEST(test_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
