/* links: tests/unit/report_fixture.c libs: -ljansson
 *
 * What CI servers read: JUnit XML that a parser takes, SARIF with the members that the standard asks for, annotations
 * that stay on their line whatever a name holds.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "render/github.h"
#include "render/junit.h"
#include "render/sarif.h"
#include "tests/unit/report_fixture.h"

static char *rendered(int (*render)(FILE *, const struct report *), const struct report *report) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(render(out, report), 0);
    fclose(out);
    return text;
}

/* By an XML parser that is not ours. */
static void assert_well_formed(const char *text) {
    if (system("command -v xmllint >/dev/null") != 0) return;
    FILE *lint = popen("xmllint --noout -", "w");
    assert_non_null(lint);
    fputs(text, lint);
    assert_int_equal(pclose(lint), 0);
}

static size_t occurrences(const char *text, const char *part) {
    size_t count = 0;
    for (; (text = strstr(text, part)); text++) count++;
    return count;
}

/* Elements that end in their own tag. */
static size_t empty_elements(const char *text, const char *start) {
    size_t count = 0;
    for (; (text = strstr(text, start)); text++) count += strchr(text, '>')[-1] == '/';
    return count;
}

static void test_junit(void **state) {
    (void)state;
    char *text = rendered(render_junit, report_fixture());
    assert_well_formed(text);
    assert_non_null(strstr(text, "name=\"serve: no leak\""));
    assert_non_null(strstr(text, "<failure message=\"memory of session::remember"));
    assert_non_null(strstr(text, "session::remember"));
    assert_int_equal(occurrences(text, "<testcase "),
                     occurrences(text, "</testcase>") + empty_elements(text, "<testcase "));
    assert_null(strchr(text, '\033')); /* a terminal must not obey a phase's name */
    free(text);
}

static void test_junit_of_nothing(void **state) {
    (void)state;
    char *text = rendered(render_junit, report_fixture_empty());
    assert_well_formed(text);
    assert_non_null(strstr(text, "tests=\"0\" failures=\"0\""));
    free(text);
}

static json_t *sarif_of(const struct report *report) {
    char *text = rendered(render_sarif, report);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    free(text);
    return root;
}

static const json_t *only_run(const json_t *root) {
    assert_string_equal(json_string_value(json_object_get(root, "version")), "2.1.0");
    const json_t *runs = json_object_get(root, "runs");
    assert_int_equal(json_array_size(runs), 1);
    return json_array_get(runs, 0);
}

static void test_sarif(void **state) {
    (void)state;
    json_t *root = sarif_of(report_fixture());
    const json_t *run = only_run(root);
    const json_t *driver = json_object_get(json_object_get(run, "tool"), "driver");
    assert_string_equal(json_string_value(json_object_get(driver, "name")), "Tidemark");
    const json_t *results = json_object_get(run, "results"), *rules = json_object_get(driver, "rules");
    assert_true(json_array_size(results) >= 1);
    const json_t *leak = json_array_get(results, 0);
    assert_string_equal(json_string_value(json_object_get(leak, "level")), "error");
    assert_non_null(json_string_value(json_object_get(json_object_get(leak, "message"), "text")));
    size_t rule = (size_t)json_integer_value(json_object_get(leak, "ruleIndex"));
    assert_string_equal(json_string_value(json_object_get(json_array_get(rules, rule), "id")),
                        json_string_value(json_object_get(leak, "ruleId")));
    assert_non_null(json_object_get(json_object_get(leak, "partialFingerprints"), "tidemarkSite/v1"));
    assert_int_equal(json_array_size(json_object_get(leak, "locations")), 1);
    json_decref(root);
}

static void test_sarif_of_nothing(void **state) {
    (void)state;
    json_t *root = sarif_of(report_fixture_empty());
    assert_int_equal(json_array_size(json_object_get(only_run(root), "results")), 0);
    json_decref(root);
}

static void test_github(void **state) {
    (void)state;
    char *text = rendered(render_github, report_fixture());
    size_t lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++)
        assert_true(strncmp(line, "::error ", 8) == 0 || strncmp(line, "::warning ", 10) == 0);
    assert_true(lines >= 1);
    assert_null(strchr(text, '\033'));
    free(text);
}

static void test_github_escapes(void **state) {
    (void)state;
    struct report_frame frame = {.function = "f", .file = "a,b:c%.c", .line = 7};
    struct report_site site = {.id = "s1", .function = "f", .stack = &frame, .depth = 1};
    struct report_finding leak = {"s1", 0, "two\nlines", "leak", "100%\r\n::error::forged", false};
    struct report report = {.sites = &site, .site_count = 1, .verdict = {.leaks = &leak, .leak_count = 1}};
    char *text = rendered(render_github, &report);
    assert_string_equal(
        text, "::error file=a%2Cb%3Ac%25.c,line=7,title=leak::f grows in two%0Alines: 100%25%0D%0A::error::forged\n");
    free(text);
}

/* Servers know files by their place in the repository; a frame of a library is none that the change touched. */
static void test_places_are_relative_to_the_root(void **state) {
    (void)state;
    struct report_frame frames[] = {{.function = "strdup", .file = "/usr/src/libc/strdup.c", .line = 4},
                                    {.function = "keep", .file = "/home/me/app/src/keep it.c", .line = 7}};
    struct report_site site = {.id = "s1", .function = "strdup", .stack = frames, .depth = 2};
    struct report_finding leak = {"s1", 0, "work", "leak", "why", false};
    struct report report = {
        .root = "/home/me/app/", .sites = &site, .site_count = 1, .verdict = {.leaks = &leak, .leak_count = 1}};
    char *text = rendered(render_github, &report);
    assert_non_null(strstr(text, "::error file=src/keep it.c,line=7,"));
    free(text);
    text = rendered(render_sarif, &report);
    assert_non_null(strstr(text, "\"src/keep%20it.c\""));
    assert_non_null(strstr(text, "\"file:///usr/src/libc/strdup.c\""));
    free(text);
    report.root = "/home/me/ap"; /* the beginning of a name is no folder */
    text = rendered(render_github, &report);
    assert_non_null(strstr(text, "::error file=/usr/src/libc/strdup.c,line=4,"));
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_junit),
        cmocka_unit_test(test_junit_of_nothing),
        cmocka_unit_test(test_sarif),
        cmocka_unit_test(test_sarif_of_nothing),
        cmocka_unit_test(test_github),
        cmocka_unit_test(test_github_escapes),
        cmocka_unit_test(test_places_are_relative_to_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
