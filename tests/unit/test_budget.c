/* links: tests/unit/verdict_fixture.c libs: -linih
 *
 * Budget files good and bad: what each key measures, whether it holds or breaks, and what is said of it.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "verdict/budget_rules.h"
#include "verdict/limits.h"
#include "verdict_fixture.h"

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
/* Of a section with two rules. */
static void rule_states(const char *text, const char *first, const char *second) {
    struct budget *budget = budget_of(text);
    struct arena *arena = arena_new();
    struct budget_result result;
    budget_check(budget, &report, arena, &result);
    assert_int_equal(result.row_count, 2);
    assert_string_equal(result.rows[0].state, first);
    assert_string_equal(result.rows[1].state, second);
    arena_free(arena);
    budget_release(budget);
}

static void test_warnings_never_fail(void **state) {
    (void)state;
    assert_string_equal(state_of("[scaling]\nmatch = import@*\nwarn-overhead = constant\n"), "warn");
    assert_string_equal(state_of("[scaling]\nmatch = import@*\nwarn-throughput = constant\n"), "warn");
    assert_string_equal(state_of("[scaling]\nmatch = none@*\nwarn-throughput = constant\n"), "warn");
    rule_states("[scaling]\nmatch = import@*\noverhead = constant\nwarn-throughput = constant\n", "exceeded", "warn");
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

static void test_sizes_must_differ(void **state) {
    (void)state;
    const char *none = "no two sizes: they are the number after @, else the items of the phase";
    rule("[scaling]\nmatch = load\noverhead = constant\n", "not-judged", none);
    phases[4].items = phases[5].items = 0; /* which of the two is the larger one? */
    rule("[scaling]\nmatch = [rc]*\noverhead = linear\n", "not-judged", none);
    rule("[scaling]\nmatch = [rc]*\nwarn-throughput = constant\n", "warn", none);
}

static void test_growth_from_nothing(void **state) {
    (void)state;
    phases[5].live_start = phases[5].live_end = 0;
    phases[5].items_per_s = NAN;
    rule("[phase]\nmatch = climb\nmax-growth-percent-live = 10%\n", "ok", "0%");
    rule("[phase]\nmatch = climb\nrecover-live-to = 10% within 5s\n", "ok", "0% at its end");
    phases[5].live_end = MIB;
    rule("[phase]\nmatch = climb\nmax-growth-percent-live = 10%\n", "exceeded", "infinite");
    rule("[phase]\nmatch = climb\nrecover-live-to = 10% within 0s\n", "exceeded", "infinite at best");
    phases[1].rss_peak = 0;
    rule("[compare]\na = import@100\nb = import@10\nmax-bigger = 20%\n", "exceeded", "infinite");
    phases[2].rss_peak = 0;
    rule("[compare]\na = import@100\nb = import@10\nmax-bigger = 20%\n", "ok", "0%");
    rule("[compare]\na = load\nb = climb\nmin-ratio = 1\n", "not-judged", "unknown"); /* it has no items */
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
    refused("[site]\nmatch = x\nuntil = 2030-13-01\n", 3, "date");
    refused("[run]\nmax-rss =\n", 2, "no value");
    refused("[phase]\nmatch = a\nmax-rss = 1G\nmatch = b\n", 4, "`match` stands twice");
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

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_run_rules),
        TEST(test_phase_rules),
        TEST(test_every_key_holds_and_breaks),
        TEST(test_warnings_never_fail),
        TEST(test_what_matches_nothing),
        TEST(test_scaling_from_nothing),
        TEST(test_sizes_must_differ),
        TEST(test_growth_from_nothing),
        TEST(test_the_recorder_is_told_apart),
        TEST(test_scaling_compare_capacity),
        TEST(test_capacity_takes_broken_levels_as_the_limit),
        TEST(test_bad_budgets),
        TEST(test_declarations),
        TEST(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
