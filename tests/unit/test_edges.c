/*
 * Phases from the output of test runners. The outputs are as the real runners print them; the edges are read off them
 * by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "launch/edges.h"

struct transcript {
    char text[4096];
};

/* + begins, ~ had begun when the one before ended, - ends; * a suite. */
static void note(void *self, const struct edge *edge) {
    struct transcript *seen = self;
    size_t length = strlen(seen->text);
    snprintf(seen->text + length, sizeof seen->text - length, "%c%s%s;",
             !edge->begins      ? '-'
             : edge->since_last ? '~'
                                : '+',
             edge->level == EDGE_SUITE ? "*" : "", edge->name);
}

/* What is said about the phases of this output, too; NULL: not looked at. */
static void expect_said(const char *preset, const char *output, const char *edges_wanted, bool one_by_one,
                        const char *hint_part) {
    struct transcript seen = {""};
    const char *problem;
    struct edges *edges = edges_new(preset, note, &seen, &problem);
    assert_non_null(edges);
    for (const char *end; (end = strchr(output, '\n')); output = end + 1)
        edges_feed(edges, output, (size_t)(end - output), true);
    const char *hint = edges_hint(edges, one_by_one);
    edges_free(edges);
    assert_string_equal(seen.text, edges_wanted);
    if (hint_part) assert_non_null(hint);
    if (hint_part && !strstr(hint, hint_part)) fail_msg("%s: not %s", hint, hint_part);
    if (!hint_part) assert_null(hint);
}

static void expect(const char *preset, const char *output, const char *edges_wanted) {
    expect_said(preset, output, edges_wanted, true, NULL);
}

static void gtest(void **state) {
    (void)state;
    expect("gtest",
           "[==========] Running 3 tests from 2 test suites.\n"
           "[----------] Global test environment set-up.\n"
           "[----------] 2 tests from Store\n"
           "\033[0;32m[ RUN      ] \033[mStore.Opens\n"
           "\033[0;32m[       OK ] \033[mStore.Opens (0 ms)\n"
           "[ RUN      ] Store.Closes\n"
           "store_test.cc:9: Failure\n"
           "[  FAILED  ] Store.Closes (1 ms)\n"
           "[----------] 2 tests from Store (1 ms total)\n"
           "\n"
           "[----------] 1 test from Typed/0, where TypeParam = int\n"
           "[ RUN      ] Typed/0.Works\n"
           "[  SKIPPED ] Typed/0.Works (0 ms)\n"
           "[----------] 1 test from Typed/0 (0 ms total)\n"
           "[  FAILED  ] 1 test, listed below:\n"
           "[  FAILED  ] Store.Closes\n",
           "+*Store;+Store.Opens;-Store.Opens;+Store.Closes;-Store.Closes;-*Store;"
           "+*Typed/0;+Typed/0.Works;-Typed/0.Works;-*Typed/0;");
}

static void ctest(void **state) {
    (void)state;
    expect("ctest",
           "Test project /home/someone/build\n"
           "    Start 1: parse\n"
           "1/2 Test #1: parse ............................   Passed    0.01 sec\n"
           "    Start 2: print all\n"
           "2/2 Test #2: print all ........................***Failed    0.02 sec\n"
           "\n"
           "50% tests passed, 1 tests failed out of 2\n",
           "+*ctest;+parse;-parse;+print all;-print all;-*ctest;");
}

static void pytest_verbose(void **state) {
    (void)state;
    expect("pytest",
           "============================= test session starts ==============================\n"
           "collected 2 items\n"
           "test_a.py::test_one PASSED                                               [ 50%]\n"
           "test_a.py::TestIt::test_two[3-x] FAILED                                  [ 66%]\n"
           "test_a.py::test_three[a b] PASSED                                        [100%]\n"
           "=================================== FAILURES ===================================\n"
           "test_a.py:4: AssertionError\n"
           "========================= 1 failed, 1 passed in 0.02s ==========================\n",
           "+*pytest;+test_a.py::test_one;-test_a.py::test_one;"
           "+test_a.py::TestIt::test_two[3-x];-test_a.py::TestIt::test_two[3-x];"
           "+test_a.py::test_three[a b];-test_a.py::test_three[a b];-*pytest;");
}

static void tap(void **state) {
    (void)state;
    expect("tap", "1..3\nok 1 - opens\n# a note\nnot ok 2 - closes\nok 3\n",
           "+*tap;+test 1;-test 1;+test 2;-test 2;+test 3;-test 3;-*tap;");
}

static void tap_with_late_plan(void **state) {
    (void)state;
    expect("tap", "ok 1\n# a note\nnot ok 2\n1..2\n", "~*tap;~test 1;-test 1;~test 2;-test 2;-*tap;");
    expect("tap", "ok 1\n1..1\nok 1\nok 2\n", "~*tap;~test 1;-test 1;-*tap;~*tap;~test 1;-test 1;~test 2;-test 2;");
    expect("tap", "ok 1\n1..1\n1..1\nok 1\n", "~*tap;~test 1;-test 1;-*tap;+*tap;+test 1;-test 1;-*tap;");
    expect("tap", "TAP version 13\n1..2\nok 1\n    ok 1 - inner\n    1..1\nok 2\n",
           "+*tap;+test 1;-test 1;+test 2;-test 2;-*tap;");
}

static void tap_of_two_files(void **state) {
    (void)state;
    expect("tap", "1..1\nok 1\n1..1\nok 1\n", "+*tap;+test 1;-test 1;-*tap;+*tap;+test 1;-test 1;-*tap;");
}

static void cargo(void **state) {
    (void)state;
    expect("cargo",
           "running 4 tests\ntest tests::adds ... ok\ntest tests::panics - should panic ... ok\n"
           "test src/lib.rs - work (line 3) ... ok\ntest tests::divides ... FAILED\n\n"
           "test result: FAILED. 3 passed; 1 failed; 0 ignored\n",
           "+*cargo;+tests::adds;-tests::adds;+tests::panics;-tests::panics;+src/lib.rs - work (line 3);"
           "-src/lib.rs - work (line 3);+tests::divides;-tests::divides;-*cargo;");
}

/* As pytest 7.2 with xdist 3.1 prints: the workers are other processes. */
static void pytest_at_once(void **state) {
    (void)state;
    expect_said("pytest",
                "============================= test session starts ==============================\n"
                "gw0 I / gw1 I\n"
                "gw0 [5] / gw1 [5]\n"
                "test_a.py::test_number[1] \n"
                "[gw0] [ 20%] PASSED test_a.py::test_number[1] \n"
                "test_a.py::test_number[a b] \n"
                "========================= 1 failed, 4 passed in 1.79s ==========================\n",
                "+*pytest;-*pytest;", true, "without -n");
}

static void ctest_at_once(void **state) {
    (void)state;
    expect_said("ctest",
                "Test project /home/someone/build\n"
                "    Start 1: one\n"
                "    Start 2: two\n"
                "1/2 Test #2: two ..............................   Passed    0.01 sec\n"
                "2/2 Test #1: one ..............................   Passed    0.02 sec\n"
                "100% tests passed, 0 tests failed out of 2\n",
                "+*ctest;+one;-one;+two;-two;-*ctest;", true, "without -j");
}

/* libtest prints the same lines whether tests run one by one or not. */
static void cargo_at_once(void **state) {
    (void)state;
    const char *output = "running 2 tests\ntest a ... ok\ntest b ... ok\ntest result: ok. 2 passed\n";
    expect_said("cargo", output, "+*cargo;+a;-a;+b;-b;-*cargo;", false, "--test-threads=1");
    expect_said("cargo", output, "+*cargo;+a;-a;+b;-b;-*cargo;", true, NULL);
    expect_said("cargo", "running 1 test\ntest a ... ok\ntest result: ok. 1 passed\n", "+*cargo;+a;-a;-*cargo;", false,
                NULL);
}

/* Output that names no test, as each runner prints it, gives no phase and says what would. */
static void nothing_to_go_by(void **state) {
    (void)state;
    expect_said("pytest",
                "...F.                                            [100%]\nFAILED test_a.py::TestIt::test_fails\n"
                "1 failed, 4 passed in 0.07s\n",
                "", true, "-v names each");
    expect_said("gtest", "[==========] 12 tests from 3 test suites ran. (4 ms total)\n[  PASSED  ] 12 tests.\n", "",
                true, "--gtest_brief");
    expect_said("cargo", "\nrunning 4 tests\n....\ntest result: ok. 4 passed\n", "+*cargo;-*cargo;", true, "--quiet");
    expect_said("ctest", "", "", true, "--quiet");
    expect_said("tap", "all fine\n", "", true, "`ok N`");
    expect_said("^round", "around\n", "", true, "2>&1");
}

/* Catch2 and doctest say how long a test took when it has ended: that is where it began. */
static void durations(void **state) {
    (void)state;
    expect("catch2",
           "0.001 s: adds\n0.000 s: a section\n0.012 s: b: c\n====\nAll tests passed (5 assertions in 3 test cases)\n",
           "~*catch2;~adds;-adds;~a section;-a section;~b: c;-b: c;-*catch2;");
    expect("doctest",
           "TEST CASE:  adds\n0.000032 s: adds\n====\n[doctest] test cases: 1 | 1 passed | 0 failed | 0 skipped\n",
           "~*doctest;~adds;-adds;-*doctest;");
    expect_said("catch2", "All tests passed (5 assertions in 3 test cases)\n", "", true, "--durations yes");
}

static void gtest_repeated(void **state) {
    (void)state;
    expect("gtest",
           "\nRepeating all tests (iteration 1) . . .\n\nNote: Google Test filter = Store.*\nNote: This is test shard "
           "1 of 2.\n"
           "[----------] 1 test from Store\n[ RUN      ] Store.Opens\n[       OK ] Store.Opens (0 ms)\n"
           "[----------] 1 test from Store (0 ms total)\n[  PASSED  ] 1 test.\n"
           "\nRepeating all tests (iteration 2) . . .\n"
           "[----------] 1 test from Store\n[ RUN      ] Store.Opens\n[       OK ] Store.Opens (0 ms)\n"
           "[----------] 1 test from Store (0 ms total)\n",
           "+*Store;+Store.Opens;-Store.Opens;-*Store;+*Store;+Store.Opens;-Store.Opens;-*Store;");
}

static void own_pattern_with_group(void **state) {
    (void)state;
    expect("^=== (.+) ===$", "start\n=== load ===\nrow\n=== query ===\n", "+load;-load;+query;");
}

static void own_pattern_without_group(void **state) {
    (void)state;
    expect("round [0-9]+", "now round 1 begins\nnow round 2 begins\n", "+round 1;-round 1;+round 2;");
}

/* A name printed before its test runs counts from then on, once, however the line arrives. */
static void early_lines(void **state) {
    (void)state;
    struct transcript seen = {""};
    const char *problem, *line = "test tests::adds ... ok";
    struct edges *edges = edges_new("cargo", note, &seen, &problem);
    for (size_t length = 1; length <= strlen("test tests::adds ... "); length++) edges_feed(edges, line, length, false);
    assert_string_equal(seen.text, "+tests::adds;");
    edges_feed(edges, line, strlen(line), true);
    edges_feed(edges, line, strlen(line), true);
    edges_free(edges);
    assert_string_equal(seen.text, "+tests::adds;-tests::adds;+tests::adds;-tests::adds;");
}

static void bad_pattern(void **state) {
    (void)state;
    const char *problem = NULL;
    assert_null(edges_new("(", note, NULL, &problem));
    assert_non_null(problem);
}

/* Longer names than a phase can have are cut, longer lines than a buffer are looked at as far as they fit. */
static void long_lines(void **state) {
    (void)state;
    struct transcript seen = {""};
    const char *problem;
    char line[9000];
    memset(line, 'x', sizeof line);
    struct edges *edges = edges_new("^(x+)", note, &seen, &problem);
    edges_feed(edges, line, sizeof line, true);
    edges_free(edges);
    assert_int_equal(strlen(seen.text), 1 + 255 + 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gtest),
        cmocka_unit_test(ctest),
        cmocka_unit_test(pytest_verbose),
        cmocka_unit_test(tap),
        cmocka_unit_test(tap_with_late_plan),
        cmocka_unit_test(tap_of_two_files),
        cmocka_unit_test(cargo),
        cmocka_unit_test(pytest_at_once),
        cmocka_unit_test(ctest_at_once),
        cmocka_unit_test(cargo_at_once),
        cmocka_unit_test(nothing_to_go_by),
        cmocka_unit_test(gtest_repeated),
        cmocka_unit_test(durations),
        cmocka_unit_test(own_pattern_with_group),
        cmocka_unit_test(own_pattern_without_group),
        cmocka_unit_test(early_lines),
        cmocka_unit_test(bad_pattern),
        cmocka_unit_test(long_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
