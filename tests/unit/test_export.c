/* links: tests/unit/report_fixture.c libs: -ljansson -lz */
/*
 * Exports are opened by the tools that they are made for, where those are installed, and must show there the numbers of
 * the report made by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/export/export.h"
#include "report_fixture.h"

static char folder[] = "/tmp/tidemark-export-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void exported(const char *format, const char *metric, const char *table) {
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, format);
    FILE *out = fopen(path, "w");
    const struct export_options options = {.metric = export_metric(metric), .table = table};
    assert_non_null(out);
    assert_int_equal(export_format(format)->write(out, report_fixture(), &options), 0);
    fclose(out);
}

/* All that a command prints, run in the folder. */
static const char *output_of(const char *command) {
    static char text[1 << 16];
    char line[1000];
    snprintf(line, sizeof line, "cd %s && %s", folder, command);
    FILE *in = popen(line, "r");
    text[fread(text, 1, sizeof text - 1, in)] = 0;
    pclose(in);
    return text;
}

static void need_tool(const char *tool) {
    char command[200];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", tool);
    if (system(command)) skip();
}

static void shows(const char *text, const char *expected) {
    if (!strstr(text, expected)) fail_msg("not shown: %s\nin: %.2000s", expected, text);
}

static void folded_lines(void **state) {
    (void)state;
    exported("folded", "live", NULL);
    assert_string_equal(output_of("grep remember folded"),
                        "main;libplugin.so;handle<http::Request>;session::open;session::remember 26214400\n");
    exported("folded", "allocations", NULL);
    assert_string_equal(output_of("grep Cache folded"), "main;Cache::insert 41000\n");
}

static void pprof_opens(void **state) {
    (void)state;
    need_tool("go");
    exported("pprof", "live", NULL);
    const char *live = output_of("go tool pprof -top -unit bytes pprof 2>&1");
    shows(live, "Type: inuse_space");
    shows(live, "26214400B");
    shows(live, "session::remember (inline)");
    shows(live, "48234496B   100%  main");
    shows(output_of("go tool pprof -top -sample_index=alloc_objects pprof 2>&1"), "65003");
    shows(output_of("go tool pprof -list session::open pprof 2>&1 | head -3"), "session::open in /srv/src/session.cpp");
}

static void massif_opens(void **state) {
    (void)state;
    need_tool("ms_print");
    exported("massif", "live", NULL);
    const char *text = output_of("ms_print massif 2>&1");
    shows(text, "63,963,136"); /* the peak, 61 MiB */
    shows(text, "->39.34% (25,165,824B) 0x1A2B3: session::remember (session.cpp:142)");
    shows(text, "(in libplugin.so)");
    assert_null(strstr(text, "uninitialized"));
}

static void callgrind_opens(void **state) {
    (void)state;
    need_tool("callgrind_annotate");
    exported("callgrind", "live", NULL);
    shows(output_of("callgrind_annotate callgrind 2>&1"),
          "26,214,400 (54.35%) 24,000 (36.92%)  /srv/src/session.cpp:session::remember [server]");
    shows(output_of("callgrind_annotate --inclusive=yes callgrind 2>&1"),
          "48,234,496 (100.0%) 65,000 (100.0%)  /srv/src/main.cpp:main [server]");
}

static void heaptrack_opens(void **state) {
    (void)state;
    need_tool("heaptrack_print");
    exported("heaptrack", "live", NULL);
    const char *text = output_of("heaptrack_print -f heaptrack 2>&1");
    shows(text, "session::remember");
    shows(text, "total memory leaked: 48.23M"); /* 26 214 400 + 22 020 096 + 100, in thousands */
    shows(text, "calls to allocation functions: 6500");
}

static void sqlite_opens(void **state) {
    (void)state;
    need_tool("sqlite3");
    exported("sqlite", "live", NULL);
    assert_string_equal(output_of("sqlite3 sqlite 'PRAGMA integrity_check; SELECT count(*) FROM survivors; SELECT "
                                  "function, k, n FROM q_leaks;"
                                  "SELECT live_bytes_below FROM q_callers WHERE function = \"main\"; SELECT items IS "
                                  "NULL FROM phases WHERE rounds = 0'"),
                        "ok\n48\nsession::remember|21|21\n48234496\n1\n");
    assert_string_equal(
        output_of("for view in $(sqlite3 sqlite \"SELECT name FROM sqlite_master WHERE type = 'view'\"); do "
                  "sqlite3 sqlite \"SELECT count(*) >= 0 FROM $view\"; done | sort | uniq -c | tr -s ' '"),
        " 10 1\n");
}

static void csv_reads_back(void **state) {
    (void)state;
    need_tool("python3");
    exported("csv", "live", "phases");
    assert_string_equal(
        output_of("python3 -c \"import csv; r = list(csv.DictReader(open('csv', newline=''))); print(len(r), "
                  "r[1]['rss_peak'], repr(r[2]['items']), r[2]['name'])\""),
        "3 97517568 '' parse <b>&\033[2J\n");
    const struct export_options unknown = {.metric = export_metrics, .table = "nothing"};
    assert_int_equal(export_csv(stdout, report_fixture(), &unknown), -22);
}

static void json_formats_hold_the_stacks(void **state) {
    (void)state;
    need_tool("jq");
    exported("speedscope", "live", NULL);
    assert_string_equal(output_of("jq -c '[.profiles[0].endValue, (.profiles|length), .activeProfileIndex, "
                                  "(.profiles[0].samples[0] as $s | .shared.frames[$s[-1]].name)]' speedscope"),
                        "[48234596,7,0,\"session::remember\"]\n");
    exported("perfetto", "live", NULL);
    assert_string_equal(
        output_of("jq -c '[([.traceEvents[]|select(.ph==\"X\")]|length), ([.traceEvents[]|select(.ph==\"C\" and "
                  ".name==\"RSS\")]|length), ([.traceEvents[]|select(.ph==\"X\")][0].dur + 0)]' perfetto"),
        "[25,240,1800000]\n");
}

static void openmetrics_has_the_form(void **state) {
    (void)state;
    exported("openmetrics", "live", NULL);
    const char *text = output_of("cat openmetrics");
    shows(text, "# TYPE tidemark_peak_rss_bytes gauge\n# UNIT tidemark_peak_rss_bytes bytes\n");
    shows(text, "tidemark_peak_rss_bytes 97517568\n");
    shows(text, "tidemark_phase_retained_bytes{phase=\"serve\"} 27262976\n");
    shows(text, "tidemark_verdict{result=\"leak\"} 1\n");
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
}

/* No format stumbles over a report with nothing in it. */
static void empty_reports_are_written(void **state) {
    (void)state;
    const struct export_options options = {.metric = export_metrics};
    for (const struct export_format *format = export_formats; format->name; format++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        assert_int_equal(format->write(out, report_fixture_empty(), &options), 0);
        fclose(out);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folded_lines),
        cmocka_unit_test(pprof_opens),
        cmocka_unit_test(massif_opens),
        cmocka_unit_test(callgrind_opens),
        cmocka_unit_test(heaptrack_opens),
        cmocka_unit_test(sqlite_opens),
        cmocka_unit_test(csv_reads_back),
        cmocka_unit_test(json_formats_hold_the_stacks),
        cmocka_unit_test(openmetrics_has_the_form),
        cmocka_unit_test(empty_reports_are_written),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
