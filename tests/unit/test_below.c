/* Which function all leaks have in common, and when that tells something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verdict/below.h"

enum { DEPTH = 4, SITES = 9 };

static struct report_frame stacks[SITES][DEPTH];
static struct report_site sites[SITES];
static struct report_finding leaks[SITES];
static struct report report;

/* From the call site outwards; NULL: no symbol. */
static void add(bool leaks_too, const char *at, const char *caller, const char *its_caller) {
    const char *names[DEPTH] = {at, caller, its_caller, "main"};
    size_t site = report.site_count++;
    for (size_t i = 0; i < DEPTH; i++) stacks[site][i] = (struct report_frame){.function = names[i], .module = "app"};
    sites[site] = (struct report_site){.stack = stacks[site], .depth = DEPTH};
    if (leaks_too) leaks[report.verdict.leak_count++] = (struct report_finding){.site_index = site};
}

static int start(void **state) {
    (void)state;
    report = (struct report){.sites = sites, .verdict = {.leaks = leaks}};
    for (int i = 0; i < 4; i++) add(false, "alloc", "load", "serve");
    add(false, "alloc", "prepare", "serve");
    return 0;
}

static void the_innermost_caller_of_all(void **state) {
    (void)state;
    add(true, NULL, "copy", "prepare");
    add(true, "alloc", "prepare", "serve");
    assert_string_equal(leaks_below(&report), "prepare");
}

static void what_most_sites_lie_below_tells_nothing(void **state) {
    (void)state;
    add(true, "alloc", "copy", "serve");
    add(true, "alloc", "parse", "serve");
    assert_null(leaks_below(&report));
}

static void code_without_a_name_is_passed_over(void **state) {
    (void)state;
    add(true, "alloc", NULL, "prepare");
    add(true, "alloc", NULL, "prepare");
    assert_string_equal(leaks_below(&report), "prepare");
    stacks[report.site_count - 1][2].module = "libother.so";
    assert_null(leaks_below(&report));
}

static void one_leak_has_a_stack_of_its_own(void **state) {
    (void)state;
    add(true, "alloc", "copy", "prepare");
    assert_null(leaks_below(&report));
    leaks[report.verdict.leak_count++] = (struct report_finding){.site_index = SIZE_MAX};
    assert_null(leaks_below(&report));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_innermost_caller_of_all, start),
        cmocka_unit_test_setup(what_most_sites_lie_below_tells_nothing, start),
        cmocka_unit_test_setup(code_without_a_name_is_passed_over, start),
        cmocka_unit_test_setup(one_leak_has_a_stack_of_its_own, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
