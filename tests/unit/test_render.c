/* links: tests/unit/report_fixture.c libs: -ljansson */
/*
 * Renderers against a report made by hand: the JSON holds its numbers under the right names and satisfies the shipped
 * schema; no text output lets a control character through or runs over the width.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "../../analyzer/render/amount.h"
#include "../../analyzer/render/pen.h"
#include "../../analyzer/render/render.h"
#include "../../analyzer/render/sha256.h"
#include "../../analyzer/render/watch.h"
#include "../../analyzer/text/utf8.h"
#include "report_fixture.h"

/* The tests' own place, which a browser has for its profile and its sockets, too. */
static char folder[200];

static int make_folder(void **state) {
    (void)state;
    const char *above = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/tidemark-render-XXXXXX", above && *above ? above : "/tmp");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    char command[sizeof folder + 20];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

typedef int renderer(FILE *out, const struct report *report, const struct text_style *style);

__attribute__((noinline)) static char *rendered(renderer *render, const struct report *report,
                                                struct text_style style) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(render(out, report, &style), 0);
    fclose(out);
    return text;
}

static int json_renderer(FILE *out, const struct report *report, const struct text_style *style) {
    (void)style;
    return render_json(out, report);
}

static int markdown_renderer(FILE *out, const struct report *report, const struct text_style *style) {
    (void)style;
    return render_markdown(out, report);
}

/* JSON. */

static json_t *parsed(const struct report *report) {
    char *text = rendered(json_renderer, report, (struct text_style){0});
    json_error_t error;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!object) fail_msg("%s at %d", error.text, error.line);
    free(text);
    return object;
}

static json_t *at(json_t *value, const char *path) {
    char copy[200], *rest;
    strcpy(copy, path);
    for (char *step = strtok_r(copy, ".", &rest); step; step = strtok_r(NULL, ".", &rest))
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(step)) : json_object_get(value, step);
    if (!value) fail_msg("no %s", path);
    return value;
}

static void json_holds_the_numbers(void **state) {
    (void)state;
    static const struct {
        const char *path;
        int64_t value;
    } expected[] = {
        {"totals.peak_live_bytes", 61 * 1048576},
        {"totals.peak_live_t", 11800000000},
        {"totals.frees", 1135245},
        {"phases.1.retained_per_round", 1135608}, /* 1.083 MiB */
        {"phases.1.round_ns.p95", 440000000},
        {"phases.1.ops.0.rejected", 3},
        {"phases.1.instances.23.round", 24},
        {"sites.0.stack.0.line", 142},
        {"sites.0.stack.0.offset", 0x1a2b3},
        {"sites.0.lifetime_ns.p95", 8000000},
        {"sites.0.growth.0.evidence.k", 21},
        {"sites.1.growth.0.evidence.survivors.1", 800},
        {"processes.1.exit.code", 9},
        {"processes.0.recorder.fallback_stacks", 17},
        {"sites.0.rss_peak_bytes", 28 * 1048576},
        {"residency.looks.1.free_bytes", 15 * 1048576},
        {"residency.peak", 0},
        {"residency.files.0.data_bytes", 2 * 1048576},
        {"residency.pins.0.blocks_above", 4},
        {"verdict.judged.not_judged", 2},
        {"verdict.judged.rounds_missing", 3},
        {"curve.0.threads", 5},
    };
    json_t *report = parsed(report_fixture());
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        json_t *value = at(report, expected[i].path);
        assert_true(json_is_integer(value));
        assert_int_equal(json_integer_value(value), expected[i].value);
    }
    json_decref(report);
}

static void json_absent_is_null(void **state) {
    (void)state;
    static const char *const absent[] = {
        "phases.2.items",        "phases.2.items_per_s", "phases.2.round_ns.mean",
        "sites.2.rss_bytes",     "sites.2.module",       "sites.2.stack.0.line",
        "processes.2.exit.code", "curve.0.cpu",          "sites.1.growth.0.bytes_per_round"};
    json_t *report = parsed(report_fixture());
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) assert_true(json_is_null(at(report, absent[i])));
    json_decref(report);
}

static void json_replaces_invalid_bytes(void **state) {
    (void)state;
    json_t *report = parsed(report_fixture());
    assert_string_equal(json_string_value(at(report, "processes.2.exe")), "/bin/\xef\xbf\xbdsh");
    assert_string_equal(json_string_value(at(report, "sites.2.function")), "js:render</script>\xef\xbf\xbd(\x07");
    json_decref(report);
}

static bool schema_checker_present(void) { return system("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null") == 0; }

static void write_file(const char *path, const char *text) {
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

/* 0: valid. */
static int checked(const char *json) {
    char path[sizeof folder + 20], command[2 * sizeof folder];
    snprintf(path, sizeof path, "%s/report.json", folder);
    write_file(path, json);
    snprintf(command, sizeof command,
             "/usr/bin/python3 -W ignore -m jsonschema -i '%s' docs/report.schema.json >/dev/null 2>&1", path);
    return system(command);
}

static void json_satisfies_the_schema(void **state) {
    (void)state;
    if (!schema_checker_present()) skip();
    const struct report *reports[] = {report_fixture(), report_fixture_empty()};
    for (size_t i = 0; i < 2; i++) {
        char *text = rendered(json_renderer, reports[i], (struct text_style){0});
        assert_int_equal(checked(text), 0);
        free(text);
    }
}

/* The schema is strict enough to notice a member that is missing, added or of the wrong type. */
static void schema_notices_changes(void **state) {
    (void)state;
    if (!schema_checker_present()) skip();
    json_t *report = parsed(report_fixture());
    json_t *totals = at(report, "totals");
    json_object_set_new(totals, "frees", json_string("many"));
    char *text = json_dumps(report, 0);
    assert_int_not_equal(checked(text), 0);
    free(text);
    json_object_set_new(totals, "frees", json_integer(1));
    json_object_set_new(totals, "extra", json_integer(1));
    text = json_dumps(report, 0);
    assert_int_not_equal(checked(text), 0);
    free(text);
    json_object_del(totals, "extra");
    json_object_del(totals, "allocations");
    text = json_dumps(report, 0);
    assert_int_not_equal(checked(text), 0);
    free(text);
    json_decref(report);
}

/* Text. */

static renderer *const text_renderers[] = {render_text, render_summary, render_verdict};

static void check_lines(const char *text, int width) {
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        char *copy = strndup(line, length);
        if (pen_width_of(copy) > width) fail_msg("wider than %d: %s", width, copy);
        for (const unsigned char *c = (const unsigned char *)copy; *c; c++)
            if (*c < 0x20 || *c == 0x7f) fail_msg("control character %d: %s", *c, copy);
        free(copy);
        line += length + (line[length] == '\n');
    }
}

static void text_keeps_to_the_width_without_control_characters(void **state) {
    (void)state;
    const struct report *reports[] = {report_fixture(), report_fixture_empty()};
    for (int width = 80; width <= 160; width += 20)
        for (size_t i = 0; i < 6; i++) {
            char *text =
                rendered(text_renderers[i / 2], reports[i % 2], (struct text_style){.unicode = true, .width = width});
            check_lines(text, width);
            free(text);
        }
}

static void text_without_unicode_is_ascii(void **state) {
    (void)state;
    char *text = rendered(render_text, report_fixture(), (struct text_style){.width = 100});
    for (const char *c = text; *c; c++) assert_true((unsigned char)*c < 0x80);
    free(text);
}

/* All escape sequences are colours, and each coloured stretch ends on its line. */
static void text_colours_end(void **state) {
    (void)state;
    char *text =
        rendered(render_text, report_fixture(), (struct text_style){.color = true, .unicode = true, .width = 100});
    bool coloured = false, any = false;
    for (const char *c = text; *c; c++) {
        if (*c == '\n') assert_false(coloured);
        if (*c != '\033') continue;
        int code = -1, end = 0;
        assert_true(sscanf(c, "\033[%d%*[;0-9]%n", &code, &end) == 1 || code >= 0);
        assert_true(coloured == (code == 0)); /* what has its colour is not told it again */
        coloured = code != 0;
        any = true;
    }
    assert_true(any);
    free(text);
}

static void text_says_what_matters(void **state) {
    (void)state;
    static const char *const expected[] = {
        "LEAK",
        "judged: 1 phase, 340 call sites",
        "session::remember leaks 1.04 MiB per round of serve",
        "at this pace 211 GiB a day", /* 24 rounds in 10 s */
        "In each of 21 evidence rounds",
        "session.cpp:142",
        "libplugin.so+0x4242",
        "unless  A round",
        "\\x1b[31m",
        "93.0 MiB    80.0 MiB        exceeded",
        "13.0 MiB in the end",
        "together                         93.0 MiB         87.0 MiB",
        "in the way at 12.4 s: 11.0 MiB lie free below a block of 96 B (4 live blocks are higher)",
        "libplugin.so has no symbols"};
    char *text = rendered(render_text, report_fixture(), (struct text_style){.unicode = true, .width = 100});
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        if (!strstr(text, expected[i])) fail_msg("not said: %s", expected[i]);
    free(text);
}

/* What several leaks have in common, and who called code without a name. */
static void headlines_tell_callers(void **state) {
    (void)state;
    struct report report = *report_fixture();
    struct report_site site = report.sites[report.verdict.leaks[0].site_index];
    site.function = NULL;
    site.stack = (struct report_frame[]){{.module = "libx.so", .offset = 0x1234}, {.function = "remember_all"}};
    site.depth = 2;
    struct report_finding leaks[2] = {report.verdict.leaks[0], report.verdict.leaks[0]};
    leaks[0].site_index = leaks[1].site_index = 0;
    report.sites = &site;
    report.site_count = 1;
    report.verdict.leaks = leaks;
    report.verdict.leak_count = 2;
    report.verdict.leaks_below = "serve_one";
    char *text = rendered(render_text, &report, (struct text_style){.unicode = true, .width = 200});
    assert_non_null(strstr(
        text, "+0x1234, called by remember_all, leaks 1.04 MiB per round of serve, and 1 more, all below serve_one\n"));
    free(text);
}

static char *named(const char *name, int room) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct pen pen = pen_for(out, &(struct text_style){.unicode = true, .width = 100});
    pen_name(&pen, name, room);
    fclose(out);
    return text;
}

/* Between two readings of the trace a line tells what the kernel says now, and how old the rest is. */
static void a_glance_is_one_line(void **state) {
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct watch_view view = {
        .now = report_fixture(), .state = "recording", .age_ns = 2000000000, .rss_bytes = 3 << 20};
    struct text_style style = {.width = 100};
    assert_int_equal(render_watch_line(out, &view, &style), 0);
    fclose(out);
    assert_non_null(strstr(text, "RSS 3.00 MiB now"));
    assert_non_null(strstr(text, "the trace was read 2.00 s ago\n"));
    free(text);
}

static void names_are_folded_then_cut(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int room;
        const char *shown;
    } rows[] = {
        {"std::map<int, std::vector<int>>::insert", 60, "std::map<int, std::vector<int>>::insert"},
        {"std::map<int, std::vector<int>>::insert", 30, "std::map<…>::insert"},
        {"std::operator<< <char, std::char_traits<char>>", 30, "std::operator<< <…>"},
        {"abcdefghij", 5, "a…hij"},
        {"a\nb\x1b\xe2\x80\xae", 40, "a\\x0ab\\x1b\\u{202e}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = named(rows[i].name, rows[i].room);
        assert_string_equal(text, rows[i].shown);
        assert_true(pen_width_of(text) <= rows[i].room);
        free(text);
    }
}

static void amounts_in_words(void **state) {
    (void)state;
    assert_string_equal(amount_bytes(0).text, "0 B");
    assert_string_equal(amount_bytes(1023).text, "1023 B");
    assert_string_equal(amount_bytes(1024).text, "1.00 KiB");
    assert_string_equal(amount_bytes(1048575).text, "1.00 MiB");
    assert_string_equal(amount_bytes(10485760).text, "10.0 MiB");
    assert_string_equal(amount_bytes(-2097152).text, "-2.00 MiB");
    assert_string_equal(amount_bytes(REPORT_NONE).text, "–");
    assert_string_equal(amount_time(416e6).text, "416 ms");
    assert_string_equal(amount_time(200e9).text, "3m 20s");
    assert_string_equal(amount_time(3725e9).text, "1h 02m");
    assert_string_equal(amount_count(99999).text, "99999");
    assert_string_equal(amount_count(1200345).text, "1.20 M");
}

/* Vectors from RFC 3629 and the usual list of malformed sequences. */
static void invalid_utf8_is_replaced(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *clean;
    } rows[] = {
        {"plain", "plain"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\x80", "\xef\xbf\xbd"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"a\xe2\x82", "a\xef\xbf\xbd\xef\xbf\xbd"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *clean = utf8_clean(rows[i].bytes);
        assert_string_equal(clean, rows[i].clean);
        free(clean);
    }
}

static void markdown_escapes_markup(void **state) {
    (void)state;
    char *text = rendered(markdown_renderer, report_fixture(), (struct text_style){0});
    assert_non_null(strstr(text, "## Tidemark: leak"));
    assert_non_null(strstr(text, "parse &#60;b&#62;&#38;"));
    assert_non_null(strstr(text, "| free, kept by the allocator | 9.00 MiB | 15.0 MiB |"));
    assert_null(strstr(text, "<b>"));
    assert_null(strchr(text, '\033'));
    free(text);
}

/* HTML. */

static int html_renderer(FILE *out, const struct report *report, const struct text_style *style) {
    (void)style;
    return render_html(out, report);
}

/* Test vectors of FIPS 180-4's examples, and the lengths around a block's end. */
static void sha256_of_the_standard(void **state) {
    (void)state;
    static const struct {
        const char *text, *hash;
    } rows[] = {
        {"", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
        {"abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "JI1qYdIGOLjlwCaTDD5gOaM85Flk/yFn9uzt1BnbBsE="},
    };
    char text[SHA256_BASE64_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sha256_base64(rows[i].text, strlen(rows[i].text), text);
        assert_string_equal(text, rows[i].hash);
    }
}

/* No text of the trace can end the data or begin an element, and nothing is fetched from anywhere. */
static void html_is_closed(void **state) {
    (void)state;
    char *text = rendered(html_renderer, report_fixture(), (struct text_style){0});
    assert_non_null(strstr(text, "default-src 'none'"));
    assert_null(strstr(text, "unsafe"));
    assert_null(strstr(text, "js:render</script>"));
    assert_non_null(strstr(text, "js:render\\u003c/script>"));
    char *data = strstr(text, "id=\"data\">") + strlen("id=\"data\">"), *end = strstr(data, "</script>");
    json_t *report = json_loadb(data, (size_t)(end - data), 0, NULL);
    assert_non_null(report);
    assert_string_equal(json_string_value(at(report, "schema")), "tidemark-report/1");
    json_decref(report);
    for (char *link = text; (link = strstr(link, "http")); link++)
        assert_true(strncmp(link, "http-equiv", 10) == 0 || strncmp(link, "http://www.w3.org/2000/svg", 26) == 0 ||
                    strncmp(link, "http::Request", 13) == 0);
    free(text);
}

/* A browser runs the script under its own policy and draws everything. */
static void html_draws_itself(void **state) {
    (void)state;
    if (system("command -v chromium >/dev/null 2>&1")) skip();
    char path[sizeof folder + 20], command[5 * sizeof folder], *dom = NULL;
    size_t size = 0;
    char *text = rendered(html_renderer, report_fixture(), (struct text_style){0});
    snprintf(path, sizeof path, "%s/report.html", folder);
    write_file(path, text);
    free(text);
    /* On a busy machine it may not have drawn the page in its first budget. */
    for (int budget = 2000; budget <= 50000 && !(dom && strstr(dom, "4712 worker")); budget *= 5) {
        snprintf(command, sizeof command,
                 "TMPDIR='%s' timeout 120 chromium --headless --no-sandbox --disable-gpu --user-data-dir='%s/profile' "
                 "--virtual-time-budget=%d --dump-dom 'file://%s' 2>/dev/null",
                 folder, folder, budget, path);
        FILE *in = popen(command, "r");
        ssize_t length = getdelim(&dom, &size, 0, in);
        if (length < 0 && dom) dom[0] = '\0';
        pclose(in);
    }
    assert_non_null(dom);
    static const char *const drawn[] = {
        "class=\"area-live\" d=\"M",   "class=\"band odd\"", "session::remember leaks 1.04 MiB per round of serve",
        "at this pace 211 GiB a day",  "class=\"frame",      "class=\"survivors\"",
        "libplugin.so has no symbols", "exceeded",           "class=\"part-free\" d=\"M",
        "13 MiB in the end",           "96 B by ",           "4712 worker"};
    for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++)
        if (!strstr(dom, drawn[i])) fail_msg("not drawn: %s", drawn[i]);
    free(dom);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_holds_the_numbers),
        cmocka_unit_test(json_absent_is_null),
        cmocka_unit_test(json_replaces_invalid_bytes),
        cmocka_unit_test(json_satisfies_the_schema),
        cmocka_unit_test(schema_notices_changes),
        cmocka_unit_test(text_keeps_to_the_width_without_control_characters),
        cmocka_unit_test(text_without_unicode_is_ascii),
        cmocka_unit_test(text_colours_end),
        cmocka_unit_test(text_says_what_matters),
        cmocka_unit_test(headlines_tell_callers),
        cmocka_unit_test(a_glance_is_one_line),
        cmocka_unit_test(names_are_folded_then_cut),
        cmocka_unit_test(amounts_in_words),
        cmocka_unit_test(invalid_utf8_is_replaced),
        cmocka_unit_test(markdown_escapes_markup),
        cmocka_unit_test(sha256_of_the_standard),
        cmocka_unit_test(html_is_closed),
        cmocka_unit_test(html_draws_itself),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
