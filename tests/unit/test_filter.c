/*
 * What filters leave of a report: findings go with their sites, whatever these are called and wherever they go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../analyzer/report/filter.h"
#include "../../analyzer/report/residency_rows.h"

/* Of a report without looks, as all here are, it changes nothing. */
void residency_sites_changed(struct report *report) { assert_int_equal(report->residency.look_count, 0); }

enum { SITES = 4 };

/* Two processes of one program: their sites have the same ids. The second process leaks at "b". */
static struct report_site sites[SITES];
static struct report_finding leak, warning;
static struct report report;

static int two_processes(void **state) {
    (void)state;
    static const struct report_site made[SITES] = {
        {.id = "a", .module = "prog", .live_bytes_end = 400, .peak_bytes = 1, .process_index = 0},
        {.id = "b", .module = "prog", .live_bytes_end = 300, .peak_bytes = 2, .process_index = 0},
        {.id = "a", .module = "prog", .live_bytes_end = 200, .live_at_peak = 9, .process_index = 1},
        {.id = "b", .module = "lib", .live_bytes_end = 100, .live_at_peak = 3, .process_index = 1},
    };
    for (size_t i = 0; i < SITES; i++) sites[i] = made[i];
    leak = (struct report_finding){.site = "b", .site_index = 3, .phase = "work"};
    warning = (struct report_finding){.site = "a", .site_index = 2, .phase = "work"};
    report = (struct report){.sites = sites, .site_count = SITES};
    report.verdict = (struct report_verdict){.leaks = &leak, .leak_count = 1, .warnings = &warning, .warning_count = 1};
    return 0;
}

static void show(const struct report_filter *filter) { assert_int_equal(report_show_only(&report, filter), 0); }

static void test_findings_keep_their_process(void **state) {
    (void)state;
    show(&(struct report_filter){.top = -1, .sort = "peak"});
    assert_int_equal(report.site_count, SITES);
    assert_int_equal(leak.site_index, 1);
    assert_int_equal(sites[leak.site_index].process_index, 1);
    assert_int_equal(warning.site_index, 0);
    assert_false(leak.hidden || warning.hidden);
}

static void test_top_counts_the_sites_beside_those_of_the_verdict(void **state) {
    (void)state;
    show(&(struct report_filter){.top = 1});
    assert_int_equal(report.site_count, 3);
    assert_int_equal(sites[0].live_bytes_end, 400);
    assert_int_equal(sites[1].live_bytes_end, 200);
    assert_int_equal(sites[2].live_bytes_end, 100);
    assert_int_equal(leak.site_index, 2);
    assert_int_equal(warning.site_index, 1);
}

static void test_what_is_left_out_is_hidden(void **state) {
    (void)state;
    show(&(struct report_filter){.top = -1, .module = "prog"});
    assert_int_equal(report.site_count, 3);
    assert_true(leak.hidden);
    assert_true(leak.site_index == SIZE_MAX);
    assert_false(warning.hidden);
    show(&(struct report_filter){.top = -1, .phase = "other"});
    assert_true(warning.hidden);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_findings_keep_their_process, two_processes),
        cmocka_unit_test_setup(test_top_counts_the_sites_beside_those_of_the_verdict, two_processes),
        cmocka_unit_test_setup(test_what_is_left_out_is_hidden, two_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
