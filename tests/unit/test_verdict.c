/* links: analyzer/verdict/verdict.c analyzer/verdict/unjudged.c analyzer/verdict/below.c analyzer/verdict/budget.c analyzer/verdict/budget_keys.c analyzer/verdict/budget_check.c analyzer/verdict/limits.c analyzer/verdict/words.c analyzer/verdict/baseline.c analyzer/verdict/suppressions.c analyzer/verdict/outcome.c analyzer/verdict/growth.c analyzer/verdict/growth_selection.c analyzer/verdict/growth_trend.c analyzer/verdict/growth_container.c analyzer/analysis/growth_lives.c analyzer/verdict/statistics.c analyzer/verdict/owners.c analyzer/report/arena.c analyzer/text/utf8.c analyzer/text/printable.c libs: -linih -ljansson
 *
 * From findings and rules to one result: exit codes, budget files good and bad, what is measured, baselines and
 * suppressions. The report is made by hand, so every expectation can be read off it.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "verdict/baseline.h"
#include "verdict/budget.h"
#include "verdict/budget_rules.h"
#include "verdict/limits.h"
#include "verdict/owners.h"
#include "verdict/suppressions.h"
#include "verdict/verdict.h"

enum { MIB = 1048576 };

static struct report_frame frames[] = {{.function = "keep_row", .file = "src/rows.c", .line = 12, .module = "app"},
                                       {.function = "main", .file = "src/main.c", .line = 40, .module = "app"}};
static struct report_growth growths[] = {
    {.phase = "load",
     .class_slug = "leak",
     .ci_low = 90,
     .ci_high = 110,
     .bytes_per_round = 100,
     .sentence = "evidence"},
    {.phase = "idle", .class_slug = "step", .bytes_per_round = NAN, .ci_low = NAN, .ci_high = NAN, .sentence = "once"}};
static struct report_site site = {.id = "s1",
                                  .function = "keep_row",
                                  .stack = frames,
                                  .depth = 2,
                                  .live_bytes_end = 5 * MIB,
                                  .growth = growths,
                                  .growth_count = 1,
                                  .process = 1};
static struct report_op operation = {.name = "get",
                                     .count = 1000,
                                     .ok = 980,
                                     .failed = 10,
                                     .rejected = 10,
                                     .peak_in_flight = 7,
                                     .ns = {.mean = 2e6, .p50 = 1e6, .p95 = 5e6, .p99 = 9e6, .max = 2e7, .drift = 0.1}};
static struct report_value value = {"hits", 93, 10, 93};
static struct report_round rounds[6];
static struct report_phase phases[6];
static struct report_point curve[60];
static struct report_process process = {.pid = 1,
                                        .exe = "/bin/app",
                                        .started = "2026-03-01T12:00:00Z",
                                        .duration_ns = 60000000000,
                                        .cpu_ns = 90000000000,
                                        .exit_kind = "signal",
                                        .exit_code = 9};
static struct report report;

/* RSS 100 MiB, up to 200 in the phase `load` (10 to 20 s), back to 105 at 30 s, rising to 130 at the end. */
static int64_t rss_at(int second) {
    if (second < 10) return 100 * MIB;
    if (second <= 20) return 200 * MIB;
    if (second < 30) return 150 * MIB;
    return (105 + (second - 30) * 25 / 29) * (int64_t)MIB;
}

static void set_up_phases(void) {
    phases[0] = (struct report_phase){.name = "load",
                                      .rounds = 6,
                                      .rounds_kind = "phases",
                                      .items = 600,
                                      .duration_ns = 10000000000,
                                      .begin = 10000000000,
                                      .end = 20000000000,
                                      .items_per_s = 60,
                                      .rss_start = 100 * MIB,
                                      .rss_peak = 200 * MIB,
                                      .rss_end = 110 * MIB,
                                      .live_start = 10 * MIB,
                                      .live_peak = 40 * MIB,
                                      .live_end = 16 * MIB,
                                      .allocations = 6000,
                                      .retained_bytes = 6000,
                                      .round_ns = {.mean = 1.5e9},
                                      .ops = &operation,
                                      .op_count = 1,
                                      .values = &value,
                                      .value_count = 1,
                                      .instances = rounds,
                                      .instance_count = 6};
    phases[1] = (struct report_phase){.name = "import@10",
                                      .rounds = 1,
                                      .items = 10,
                                      .items_per_s = 100,
                                      .rss_start = 0,
                                      .rss_peak = 10 * MIB,
                                      .round_ns = {.mean = 1e9}};
    phases[2] = (struct report_phase){.name = "import@100",
                                      .rounds = 1,
                                      .items = 100,
                                      .items_per_s = 90,
                                      .rss_start = 0,
                                      .rss_peak = 12 * MIB,
                                      .round_ns = {.mean = 10e9}};
    phases[3] = (struct report_phase){.name = "import@1000",
                                      .rounds = 1,
                                      .items = 1000,
                                      .items_per_s = 50,
                                      .rss_start = 0,
                                      .rss_peak = 30 * MIB,
                                      .round_ns = {.mean = 200e9}};
    phases[4] =
        (struct report_phase){.name = "run", .ops = &operation, .op_count = 1, .peak_in_flight = 9, .end = 59000000000};
    phases[5] = (struct report_phase){.name = "climb", /* to the end of the run, where memory rises */
                                      .rounds = 1,
                                      .begin = 30000000000,
                                      .end = 59000000000,
                                      .live_start = MIB,
                                      .live_end = 2 * MIB};
}

static int set_up(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++)
        rounds[i] = (struct report_round){.round = i + 1,
                                          .begin = 10000000000 + i * 1700000000ll,
                                          .end = 11500000000 + i * 1700000000ll,
                                          .live_end = (10 + i) * MIB,
                                          .rss_end = (100 + 2 * i) * (int64_t)MIB};
    set_up_phases();
    for (int i = 0; i < 60; i++)
        curve[i] = (struct report_point){.t = i * 1000000000ll,
                                         .rss_bytes = rss_at(i),
                                         .live_bytes = 10 * MIB,
                                         .pinned_bytes = 12 * MIB,
                                         .pss_bytes = REPORT_NONE,
                                         .vms_bytes = 300 * MIB,
                                         .cpu = 1.5,
                                         .threads = 4,
                                         .fds = 9};
    report = (struct report){
        .trace = {.events = 1000000},
        .system = {.cpus = 2},
        .processes = &process,
        .process_count = 1,
        .totals = {.peak_rss_bytes = 200 * MIB, .peak_live_bytes = 40 * MIB, .live_bytes_end = 16 * MIB},
        .curve = curve,
        .point_count = 60,
        .phases = phases,
        .phase_count = 6,
        .sites = &site,
        .site_count = 1,
        .verdict = {.judged_phases = 1, .judged_sites = 3}};
    growths[0].class_slug = "leak";
    growths[0].ci_low = 90;
    return 0;
}

/* A file of this text; its name. */
static const char *file_of(const char *text) {
    static char name[64];
    snprintf(name, sizeof name, "/tmp/tidemark-verdict-XXXXXX");
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return name;
}

static struct budget *budget_of(const char *text) {
    struct budget *budget;
    struct rule_error error;
    const char *name = file_of(text);
    int result = budget_read(name, &budget, &error);
    unlink(name);
    if (result) fail_msg("line %d: %s", error.line, error.text);
    return budget;
}

static void decide(const struct verdict_rules *rules, const char *result, int exit_code) {
    struct verdict *verdict;
    assert_int_equal(verdict_decide(&report, rules, &verdict), 0);
    assert_string_equal(report.verdict.result, result);
    assert_int_equal(report.verdict.exit_code, exit_code);
    assert_int_equal(report.verdict.judged_sites, 3);
    verdict_release(verdict);
    report.verdict = (struct report_verdict){.judged_phases = 1, .judged_sites = 3};
}

static void test_results_and_exit_codes(void **state) {
    (void)state;
    struct verdict_rules plain = {.leak_exit_code = -1}, strict = {.leak_exit_code = -1, .strict = true};
    decide(&plain, "leak", 10);
    decide(&(struct verdict_rules){.leak_exit_code = 42}, "leak", 42);
    growths[0].class_slug = "filling";
    decide(&plain, "warn", 0);
    decide(&strict, "warn", 10);
    growths[0].class_slug = "bounded";
    decide(&plain, "pass", 0);
    decide(&strict, "pass", 0);
    decide(&(struct verdict_rules){.leak_exit_code = -1, .min_rounds = 10}, "inconclusive", 12);
    decide(&(struct verdict_rules){.leak_exit_code = -1, .min_rounds = 10, .allow_inconclusive = true}, "inconclusive",
           0);
    decide(&(struct verdict_rules){.leak_exit_code = -1, .stopped = "rss=1G"}, "budget", 11);
    decide(&(struct verdict_rules){.leak_exit_code = -1, .not_recorded = true}, "pass", 13);
    report.verdict.judged_phases = 0;
    decide(&plain, "nothing-judged", 0);
    report.verdict.judged_phases = 0;
    decide(&strict, "nothing-judged", 12);
    report.trace.lost_events = 100000;
    decide(&plain, "inconclusive", 12);
}

/* Checks one rule by itself: how its row is judged and what value it shows. */
static void rule(const char *text, const char *state, const char *shown) {
    struct budget *budget = budget_of(text);
    struct arena *arena = arena_new();
    struct budget_result result;
    budget_check(budget, &report, arena, &result);
    assert_int_equal(result.row_count, 1);
    if (strcmp(result.rows[0].state, state) != 0 || strcmp(result.rows[0].value, shown) != 0)
        fail_msg("%s: %s, %s", text, result.rows[0].state, result.rows[0].value);
    arena_free(arena);
    budget_release(budget);
}

static void test_run_rules(void **state) {
    (void)state;
    rule("[run]\nmax-rss = 200M\n", "ok", "200 MiB");
    rule("[run]\nmax-rss = 199M\n", "exceeded", "200 MiB");
    rule("[run]\nwarn-max-rss = 199M\n", "warn", "200 MiB");
    rule("[run]\nmax-live = 40M\n", "ok", "40 MiB");
    rule("[run]\nmax-vms = 299M\n", "exceeded", "300 MiB");
    rule("[run]\nmax-duration = 1m\n", "ok", "60 s");
    rule("[run]\nmax-rss-growth = 30M\n", "ok", "30 MiB"); /* 130 less 100 */
    rule("[run]\nmax-cpu = 75%\n", "ok", "75%");           /* 90 s in 60 s on 2 processors */
    rule("[run]\nmax-threads = 3\n", "exceeded", "4");
    rule("[run]\nmax-fds = 9\n", "ok", "9");
    rule("[run]\nmax-concurrent = 9\n", "ok", "9");
    rule("[run]\nmax-unreleased = 16M\n", "ok", "16 MiB");
    rule("[run]\nmin-success = 99%\n", "exceeded", "98.99%"); /* 980 of 990: the rejected do not count */
    rule("[run]\nclassic-leak = 15%\n", "ok", "0% (memory fell back by 5 %)");
    rule("[run]\nexpect-exit = signal:9\n", "ok", "signal:9");
    rule("[run]\nexpect-exit = code:0\n", "exceeded", "signal:9");
    rule("[run]\nvalue hits = >= 90\n", "ok", "93");
}

static void test_phase_rules(void **state) {
    (void)state;
    rule("[phase]\nmatch = load\nmax-overhead = 99M\n", "exceeded", "100 MiB");
    rule("[phase]\nmatch = load\nmax-overhead-live = 30M\n", "ok", "30 MiB");
    rule("[phase]\nmatch = load\nmax-growth = 10M\n", "ok", "10 MiB");
    rule("[phase]\nmatch = load\nmax-growth-live = 5M\n", "exceeded", "6 MiB");
    rule("[phase]\nmatch = load\nmax-growth-percent = 10%\n", "ok", "10%");
    rule("[phase]\nmatch = load\nmax-growth-per-round = 1M\n", "exceeded", "2 MiB");
    rule("[phase]\nmatch = l*\nmax-bytes-per-item = 10\n", "ok", "10 B");
    rule("[phase]\nmatch = load\nmax-bytes-per-op = 5\n", "exceeded", "6 B");
    rule("[phase]\nmatch = load\nmax-allocations-per-item = 10\n", "ok", "10");
    rule("[phase]\nmatch = load\nmin-items-per-s = 61\n", "exceeded", "60");
    rule("[phase]\nmatch = load\nmin-ops-per-s = 100\n", "ok", "100");
    rule("[phase]\nmatch = load\nmax-p95 = 5ms\n", "ok", "5 ms");
    rule("[phase]\nmatch = load\nmax-max = 19ms\n", "exceeded", "20 ms");
    rule("[phase]\nmatch = load\nmax-drift = 9%\n", "exceeded", "10%");
    rule("[phase]\nmatch = load\nmin-rounds = 7\n", "not-judged", "6");
    rule("[phase]\nmatch = load\nvalue hits = 93\n", "ok", "93");
    rule("[phase]\nmatch = load\nvalue misses = <= 5\n", "not-judged", "unknown");
    rule("[phase]\nmatch = load\nrecover-to = 5% within 15s\n", "ok", "5% after 10 s"); /* the phase ends at 20 s */
    rule("[phase]\nmatch = load\nrecover-to = 5% within 5s\n", "exceeded", "10% at best");
    rule("[phase]\nmatch = load\nrecover-to = 10% within 5s\n", "ok", "10% at its end"); /* as read at its end */
    rule("[phase]\nmatch = laod\nmax-rss = 1G\n", "not-judged", "no phase matches; the nearest is load");
}

/*
 * Every key, kept and broken by the least that a person would write. NULL: other rows do that. The phase is load where
 * no other is named; the curve begins at `from` seconds.
 */
static const struct key_case {
    const char *section, *key, *good, *bad, *phase;
    int from;
} key_cases[] = {
    {"run", "max-rss", "200M", "199M", NULL, 0},
    {"run", "max-live", "40M", "39M", NULL, 0},
    {"run", "max-vms", "300M", "299M", NULL, 0},
    {"run", "max-duration", "60s", "59s", NULL, 0},
    {"run", "max-rss-growth", "30M", "29M", NULL, 0},
    {"run", "max-rss-growth-rate", "1M/s", NULL, NULL, 0},
    {"run", "max-rss-growth-rate", "900k/s", "800k/s", NULL, 30}, /* 25 MiB in 29 s: 883 KiB/s */
    {"run", "max-cpu", "75%", "74%", NULL, 0},
    {"run", "max-threads", "4", "3", NULL, 0},
    {"run", "max-fds", "9", "8", NULL, 0},
    {"run", "max-concurrent", "9", "8", NULL, 0},
    {"run", "max-lost-events", "5", "4", NULL, 0},
    {"run", "max-unreleased", "16M", "15M", NULL, 0},
    {"run", "min-success", "98%", "99%", NULL, 0},
    {"run", "max-failed-allocations", "3", "2", NULL, 0},
    {"run", "classic-leak", "15%", NULL, NULL, 0},
    {"run", "classic-leak", "25%", "20%", NULL, 30}, /* 105 to 130, without a fall */
    {"run", "expect-exit", "signal:9", "signal:15", NULL, 0},
    {"run", "value hits", "<= 93", "<= 92", NULL, 0},
    {"phase", "max-rss", "200M", "199M", NULL, 0},
    {"phase", "max-live", "40M", "39M", NULL, 0},
    {"phase", "max-overhead", "100M", "99M", NULL, 0},
    {"phase", "max-overhead-live", "30M", "29M", NULL, 0},
    {"phase", "max-growth", "10M", "9M", NULL, 0},
    {"phase", "max-growth-live", "6M", "5M", NULL, 0},
    {"phase", "max-growth-percent", "10%", "9%", NULL, 0},
    {"phase", "max-growth-percent-live", "60%", "59%", NULL, 0}, /* 10 to 16 MiB */
    {"phase", "max-growth-per-round", "2M", "1M", NULL, 0},
    {"phase", "max-growth-per-round-live", "1M", "1023k", NULL, 0},
    {"phase", "max-bytes-per-item", "10", "9", NULL, 0},
    {"phase", "max-bytes-per-op", "6", "5", NULL, 0},
    {"phase", "max-allocations-per-item", "10", "9", NULL, 0},
    {"phase", "max-duration", "10s", "9s", NULL, 0},
    {"phase", "min-items-per-s", "60", "61", NULL, 0},
    {"phase", "min-ops-per-s", "100", "101", NULL, 0},
    {"phase", "max-mean", "2ms", "1ms", NULL, 0},
    {"phase", "max-p50", "1ms", "900us", NULL, 0},
    {"phase", "max-p95", "5ms", "4ms", NULL, 0},
    {"phase", "max-p99", "9ms", "8ms", NULL, 0},
    {"phase", "max-max", "20ms", "19ms", NULL, 0},
    {"phase", "max-drift", "10%", "9%", NULL, 0},
    {"phase", "min-success", "98%", "99%", NULL, 0},
    {"phase", "min-rounds", "6", "7", NULL, 0},
    {"phase", "recover-to", "5% within 15s", "5% within 5s", NULL, 0},
    {"phase", "recover-live-to", "10% within 15s", NULL, NULL, 0},
    {"phase", "recover-live-to", NULL, "10% within 15s", "climb", 0},
    {"phase", "classic-leak", "15%", NULL, NULL, 0},
    {"phase", "classic-leak", "25%", "20%", "climb", 0},
    {"phase", "value hits", ">= 93", ">= 94", NULL, 0},
    {"site", "max-live", "5M", "4M", NULL, 0},
    {"site", "max-growth-per-round", "100", "99", NULL, 0},
};

/* Sections that are one rule, written out; each key of theirs kept and broken. */
static const struct section_case {
    const char *key, *text;
    bool ok;
} section_cases[] = {
    {"max-slower", "[compare]\na = import@100\nb = import@10\nmax-slower = 900%\n", true},
    {"max-slower", "[compare]\na = import@100\nb = import@10\nmax-slower = 899%\n", false},
    {"max-bigger", "[compare]\na = import@100\nb = import@10\nmax-bigger = 20%\n", true},
    {"max-bigger", "[compare]\na = import@100\nb = import@10\nmax-bigger = 19%\n", false},
    {"min-ratio", "[compare]\na = import@1000\nb = import@10\nmin-ratio = 0.5\n", true},
    {"min-ratio", "[compare]\na = import@1000\nb = import@10\nmin-ratio = 0.51\n", false},
    {"overhead", "[scaling]\nmatch = import@*\noverhead = constant\ntolerance = 200%\n", true},
    {"overhead", "[scaling]\nmatch = import@*\noverhead = constant\ntolerance = 199%\n", false},
    {"overhead", "[scaling]\nmatch = import@*\noverhead = linear\n", true},
    {"throughput", "[scaling]\nmatch = import@*\nthroughput = constant\ntolerance = 50%\n", true},
    {"throughput", "[scaling]\nmatch = import@*\nthroughput = constant\ntolerance = 49%\n", false},
    {"min-level", "[capacity]\nmatch = import@*\nmin-level = 1000\n", true},
    {"min-level", "[capacity]\nmatch = import@*\nmin-level = 1001\n", false},
    {"match", "[process]\nmatch = a?p\n", true},
    {"match", "[process]\nmatch = aps\n", false},
};

/* The state of the worst row; "" where there is none. */
static const char *state_of(const char *text) {
    struct budget *budget = budget_of(text);
    struct arena *arena = arena_new();
    struct budget_result result;
    budget_check(budget, &report, arena, &result);
    const char *state = "";
    for (size_t i = 0; i < result.row_count; i++)
        if (!result.rows[i].ok || !*state) state = result.rows[i].state;
    static char copy[16];
    snprintf(copy, sizeof copy, "%s", state);
    arena_free(arena);
    budget_release(budget);
    return copy;
}

static bool is_good(const char *state) { return strcmp(state, "ok") == 0 || *state == '\0'; }

static void key_is(const struct key_case *test, const char *limit, bool ok) {
    char match[64] = "", text[200];
    if (strcmp(test->section, "phase") == 0)
        snprintf(match, sizeof match, "match = %s\n", test->phase ? test->phase : "load");
    if (strcmp(test->section, "site") == 0) snprintf(match, sizeof match, "match = ^keep_row$\n");
    report.curve = curve + test->from;
    report.point_count = (size_t)(60 - test->from);
    snprintf(text, sizeof text, "[%s]\n%s%s = %s\n", test->section, match, test->key, limit);
    if (is_good(state_of(text)) != ok) fail_msg("%s: %s", text, state_of(text));
    snprintf(text, sizeof text, "[%s]\n%swarn-%s = %s\n", test->section, match, test->key, limit);
    if (strcmp(state_of(text), ok ? "ok" : "warn") != 0) fail_msg("%s: %s", text, state_of(text));
}

/* How often a key is kept and broken in the tables. */
static void count_cases(const struct rule_row *row, int *kept, int *broken) {
    for (size_t i = 0; i < sizeof key_cases / sizeof *key_cases; i++) {
        const struct key_case *test = &key_cases[i];
        size_t length = strcspn(test->key, " "); /* value NAME */
        if (strcmp(test->section, section_names[row->section]) != 0 || strlen(row->key) != length ||
            strncmp(test->key, row->key, length) != 0)
            continue;
        *kept += test->good != NULL;
        *broken += test->bad != NULL;
    }
    for (size_t i = 0; i < sizeof section_cases / sizeof *section_cases; i++) {
        if (row->section != SECTION_COMPARE || strcmp(section_cases[i].key, row->key) != 0) continue;
        ++*(section_cases[i].ok ? kept : broken);
    }
}

static void test_every_key_holds_and_breaks(void **state) {
    (void)state;
    report.trace.lost_events = 5;
    report.totals.failed_allocations = 3;
    for (size_t i = 0; i < sizeof key_cases / sizeof *key_cases; i++) {
        if (key_cases[i].good) key_is(&key_cases[i], key_cases[i].good, true);
        if (key_cases[i].bad) key_is(&key_cases[i], key_cases[i].bad, false);
    }
    for (size_t i = 0; i < sizeof section_cases / sizeof *section_cases; i++) {
        const struct section_case *test = &section_cases[i];
        if (is_good(state_of(test->text)) != test->ok) fail_msg("%s: %s", test->text, state_of(test->text));
    }
    for (size_t i = 0; i < rule_row_count; i++) {
        int kept = 0, broken = 0;
        count_cases(&rule_rows[i], &kept, &broken);
        if (!kept || !broken)
            fail_msg("[%s] %s: %d kept, %d broken", section_names[rule_rows[i].section], rule_rows[i].key, kept,
                     broken);
    }
}

/* warn-KEY shows and never fails, whatever is wrong with it. */
static void test_warnings_never_fail(void **state) {
    (void)state;
    assert_string_equal(state_of("[scaling]\nmatch = import@*\nwarn-overhead = constant\n"), "warn");
    assert_string_equal(state_of("[scaling]\nmatch = import@*\nwarn-throughput = constant\n"), "warn");
    assert_string_equal(state_of("[scaling]\nmatch = none@*\nwarn-throughput = constant\n"), "warn");
    assert_string_equal(state_of("[capacity]\nmatch = import@*\nwarn-min-level = 5000\n"), "warn");
    assert_string_equal(state_of("[compare]\na = import@100\nb = import@10\nwarn-max-slower = 1%\n"), "warn");
    assert_string_equal(state_of("[compare]\na = import@100\nb = none\nwarn-max-slower = 1%\n"), "warn");
    assert_string_equal(state_of("[phase]\nmatch = none\nwarn-max-rss = 1G\n"), "warn");
    assert_string_equal(state_of("[phase]\nmatch = none\nwarn-max-rss = 1G\nmax-live = 1G\n"), "not-judged");
    assert_string_equal(state_of("[phase]\nmatch = load\nwarn-value misses = <= 5\n"), "warn");
    assert_string_equal(state_of("[phase]\nmatch = load\nwarn-min-rounds = 99\n"), "warn");
}

static void test_what_matches_nothing(void **state) {
    (void)state;
    rule("[phase]\nmatch = laod\nmax-rss = 1G\n", "not-judged", "no phase matches; the nearest is load");
    rule("[site]\nmatch = keep_rows\nmax-live = 1G\n", "not-judged", "no site matches; the nearest is keep_row");
    rule("[process]\nmatch = appp\n", "not-judged", "no process matches; the nearest is app");
    assert_string_equal(state_of("[phase]\nmatch = laod\nmax-rss = 1G\noptional = yes\n"), "");
    assert_string_equal(state_of("[site]\nmatch = nobody\nmax-live = 1G\noptional = yes\n"), "");
    assert_string_equal(state_of("[process]\nmatch = nobody\noptional = yes\n"), "");
    assert_string_equal(state_of("[process]\nmatch = nobody\nignore = leak\n"), ""); /* told as unused */
}

/* A phase that needs nothing in its smallest size may need nothing in its largest. */
static void test_scaling_from_nothing(void **state) {
    (void)state;
    for (int i = 1; i < 4; i++) phases[i].rss_peak = 0;
    assert_string_equal(state_of("[scaling]\nmatch = import@*\noverhead = constant\n"), "ok");
    phases[3].rss_peak = MIB;
    assert_string_equal(state_of("[scaling]\nmatch = import@*\noverhead = constant\n"), "exceeded");
}

static void test_the_recorder_is_told_apart(void **state) {
    (void)state;
    process.recorder_rss_bytes = MIB;
    rule("[run]\nmax-rss = 200M\n", "ok", "200 MiB (and 1 MiB of the recorder, not counted)");
    rule("[phase]\nmatch = load\nmax-rss = 200M\n", "ok", "200 MiB (and 1 MiB of the recorder, not counted)");
    process.recorder_rss_bytes = 0;
}

static void test_scaling_compare_capacity(void **state) {
    (void)state;
    rule("[scaling]\nmatch = import@*\noverhead = linear\n", "ok", "0.03 times, smallest to largest");
    rule("[scaling]\nmatch = import@*\noverhead = constant\n", "exceeded", "3 times, smallest to largest");
    rule("[scaling]\nmatch = import@*\nthroughput = constant\ntolerance = 50%\n", "ok",
         "0.5 times, smallest to largest");
    rule("[compare]\na = import@100\nb = import@10\nmax-slower = 800%\n", "exceeded", "900%");
    rule("[compare]\na = import@100\nb = import@10\nmax-bigger = 20%\n", "ok", "20%");
    rule("[compare]\na = import@1000\nb = import@10\nmin-ratio = 0.5\n", "ok", "0.5");
    rule("[capacity]\nmatch = import@*\nmin-level = 100\n", "ok", "1000, never broke");
}

static void test_capacity_takes_broken_levels_as_the_limit(void **state) {
    (void)state;
    struct budget *budget =
        budget_of("[phase]\nmatch = import@*\nmin-items-per-s = 60\n[capacity]\nmatch = import@*\nmin-level = 100\n");
    struct arena *arena = arena_new();
    struct budget_result result;
    budget_check(budget, &report, arena, &result);
    assert_int_equal(result.row_count, 4);
    assert_string_equal(result.rows[2].state, "warn"); /* beyond what is asked for */
    assert_string_equal(result.rows[3].value, "100, breaks at 1000");
    assert_false(result.exceeded);
    arena_free(arena);
    budget_release(budget);
}

static void refused(const char *text, int line, const char *part) {
    struct budget *budget = NULL;
    struct rule_error error;
    const char *name = file_of(text);
    assert_int_equal(budget_read(name, &budget, &error), -EINVAL);
    unlink(name);
    if (error.line != line || !strstr(error.text, part)) fail_msg("%s -> line %d: %s", text, error.line, error.text);
}

static void test_bad_budgets(void **state) {
    (void)state;
    refused("[run]\nmax-rss = lots\n", 2, "expected a size");
    refused("[run]\nmax-rrs = 1M\n", 2, "unknown key `max-rrs` in [run]");
    refused("[phases]\nmatch = x\n", 1, "unknown section [phases]");
    refused("[run]\n  max-rss = 1M\n", 2, "flush left");
    refused("[phase import]\nmax-rss = 1M\n", 1, "unknown section");
    refused("[run] max-rss = 1M\n", 1, "alone on its line");
    refused("[run]\nmax-rss[x] = 1M\n", 2, "bracket");
    refused("[run]\nmax-rss: 1M\n", 2, "KEY = VALUE");
    refused("max-rss = 1M\n", 1, "before the first");
    refused("[phase]\nmax-rss = 1M\n", 1, "needs match");
    refused("[site]\nmatch = (\n", 2, "not a regular expression");
    refused("[site]\nmatch = x\nuntil = soon\n", 3, "date");
    refused("[run]\nmax-rss =\n", 2, "no value");
    refused("[phase]\nmatch = a\nrecover-to = 10%\n", 3, "within");
    char text[400];
    snprintf(text, sizeof text, "[phase]\nmatch = %0200d\n", 1);
    refused(text, 2, "longer than");
}

static void test_declarations(void **state) {
    (void)state;
    struct budget *budget = budget_of("# comment\n[phase]\nmatch = import*\nsteady = yes\nwarm-up = 3\nlag = "
                                      "2\n\n[phase]\nmatch = *index\nbuilds = yes\nwarm-up = 20%\n");
    struct phase_facts facts = {.settings = GROWTH_SETTINGS_DEFAULT};
    assert_true(budget_phase_facts(budget, "import@7", &facts));
    assert_true(facts.steady && !facts.builds && facts.settings.warm_up_rounds == 3 && facts.settings.lag == 2);
    facts = (struct phase_facts){.settings = GROWTH_SETTINGS_DEFAULT};
    assert_true(budget_phase_facts(budget, "build-index", &facts));
    assert_true(facts.builds && !facts.steady && facts.settings.warm_up_share == 0.2);
    assert_false(budget_phase_facts(budget, "other", &facts));
    budget_release(budget);
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
    struct verdict *verdict;
    report.phases = &phase;
    report.phase_count = 1;
    assert_int_equal(verdict_decide(&report, &rules, &verdict), 0);
    assert_non_null(strstr(report.verdict.hints[report.verdict.hint_count - 1], "--no-pty"));
    verdict_release(verdict);
    size_t hints = report.verdict.hint_count;
    phase.round_ns.p50 = 40000;
    assert_int_equal(verdict_decide(&report, &rules, &verdict), 0);
    assert_int_equal(report.verdict.hint_count, hints - 1);
    verdict_release(verdict);
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
    struct verdict *verdict;
    report.sites = sites;
    report.site_count = 2;
    assert_int_equal(verdict_decide(&report, &rules, &verdict), 0);
    assert_int_equal(report.verdict.leak_count, 2);
    assert_string_equal(report.verdict.leaks[0].site, "large");
    verdict_release(verdict);
    report.verdict = (struct report_verdict){.judged_phases = 1, .judged_sites = 3};
}

static void test_unused_ignores_are_told(void **state) {
    (void)state;
    struct budget *budget = budget_of("[site]\nmatch = nobody\nignore = leak\n");
    struct verdict_rules rules = {.leak_exit_code = -1, .budget = budget};
    struct verdict *verdict;
    assert_int_equal(verdict_decide(&report, &rules, &verdict), 0);
    assert_int_equal(report.verdict.hint_count, 1);
    assert_string_equal(report.verdict.hints[0], "unused: [site] line 1: match = nobody");
    verdict_release(verdict);
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
    struct suppressions *suppressions = suppressions_of("race:x\nleak:keep_row\n");
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
    struct verdict *verdict;
    assert_int_equal(
        verdict_decide(&report, &(struct verdict_rules){.leak_exit_code = -1, .update_baseline = true}, &verdict), 0);
    assert_string_equal(report.verdict.result, "pass");
    assert_int_equal(report.verdict.known_count, 1);
    assert_int_equal(baseline_write(name, &report), 0);
    verdict_release(verdict);
    report.verdict = (struct report_verdict){.judged_phases = 1, .judged_sites = 3};
    assert_int_equal(baseline_read(name, &baseline, &error), 0);
    unlink(name);
    struct verdict_rules rules = {.leak_exit_code = -1, .baseline = baseline};
    decide(&rules, "pass", 0);
    growths[0].ci_low = 111; /* beyond the stored upper bound */
    decide(&rules, "leak", 10);
    site.id = "s2";
    decide(&rules, "leak", 10);
    site.id = "s1";
    baseline_release(baseline);
}

static void test_limits(void **state) {
    (void)state;
    double value_of;
    assert_true(limit_parse("1.5M", LIMIT_BYTES, &value_of) && value_of == 1.5 * MIB);
    assert_true(limit_parse("64k", LIMIT_BYTES, &value_of) && value_of == 65536);
    assert_true(limit_parse("100", LIMIT_BYTES, &value_of) && value_of == 100);
    assert_true(limit_parse("10M/s", LIMIT_BYTES_PER_SECOND, &value_of) && value_of == 10.0 * MIB);
    assert_true(limit_parse("5m", LIMIT_TIME, &value_of) && value_of == 300e9);
    assert_true(limit_parse("15%", LIMIT_SHARE, &value_of) && fabs(value_of - 0.15) < 1e-12);
    assert_false(limit_parse("1.5", LIMIT_COUNT, &value_of));
    assert_false(limit_parse("-5", LIMIT_BYTES, &value_of));
    assert_false(limit_parse("", LIMIT_BYTES, &value_of));
    assert_false(limit_parse("1MM", LIMIT_BYTES, &value_of));
}

static void test_owners(void **state) {
    (void)state;
    struct owner_frame python[] = {{"_PyObject_Malloc", "libpython3.11.so.1.0"}, {"main", "app"}};
    struct owner_frame extension[] = {{"make_thing", "_ext.so"}, {"_PyEval_EvalFrameDefault", "libpython3.11.so.1.0"}};
    struct owner_frame stdio[] = {{"_IO_file_doallocate", "libc.so.6"}, {"printf", "libc.so.6"}, {"main", "app"}};
    struct owner_frame opened[] = {{"fopen", "libc.so.6"}, {"open_log", "app"}};
    struct owner_frame constructor[] = {
        {"Plugin::Plugin", "plugin.so"}, {"call_init", "ld-linux-x86-64.so.2"}, {"_dl_init", "ld-linux-x86-64.so.2"}};
    struct owner_frame obstack[] = {{"xmalloc", "gcc"}, {"_obstack_newchunk", "gcc"}, {"parse", "gcc"}};
    assert_int_equal(growth_owner_of(python, 2, false), GROWTH_OWNER_INTERPRETER);
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
        TEST(test_run_rules),
        TEST(test_phase_rules),
        TEST(test_every_key_holds_and_breaks),
        TEST(test_warnings_never_fail),
        TEST(test_what_matches_nothing),
        TEST(test_scaling_from_nothing),
        TEST(test_the_recorder_is_told_apart),
        TEST(test_scaling_compare_capacity),
        TEST(test_capacity_takes_broken_levels_as_the_limit),
        TEST(test_bad_budgets),
        TEST(test_declarations),
        TEST(test_ignored_leaks),
        TEST(test_rounds_that_lines_did_not_tell_apart),
        TEST(test_growth_at_sites_that_were_not_judged_is_no_pass),
        TEST(test_leaks_stand_in_the_order_of_what_they_add),
        TEST(test_unused_ignores_are_told),
        TEST(test_suppressions),
        TEST(test_baseline),
        TEST(test_limits),
        TEST(test_owners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
