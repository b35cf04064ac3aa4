/* links: analyzer/library.c analyzer/replacement.c tests/fuzz/trace_input.c tests/unit/trace_builder.c preload/columns.c preload/words.c analyzer/input/[a-z]*.c analyzer/replay/[a-z]*.c analyzer/analysis/[a-z]*.c analyzer/verdict/[a-z]*.c analyzer/symbols/[a-z]*.c analyzer/report/[a-z]*.c analyzer/render/[a-z]*.c analyzer/text/utf8.c analyzer/text/printable.c libs: -ldw -lelf -ljansson -linih -liberty -ldeflate -lz -lm flags: -pthread */
/*
 * The whole report of any trace (trace_input.h), in every form. No form lets a control character of a trace through,
 * and what claims to be JSON is.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "../../analyzer/render/github.h"
#include "../../analyzer/render/junit.h"
#include "../../analyzer/render/render.h"
#include "../../analyzer/render/sarif.h"
#include "../../analyzer/report/arena.h"
#include "../../analyzer/report/build.h"
#include "../../analyzer/verdict/verdict.h"
#include "trace_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static int as_text(FILE *out, const struct report *report) {
    const struct text_style style = {.unicode = true, .width = 100};
    return render_text(out, report, &style);
}

static int as_ascii(FILE *out, const struct report *report) {
    const struct text_style style = {.width = 80};
    return render_summary(out, report, &style);
}

static const struct form {
    int (*render)(FILE *, const struct report *);
    bool json;
} forms[] = {{as_text, false},         {as_ascii, false},     {render_json, true},  {render_html, false},
             {render_markdown, false}, {render_junit, false}, {render_sarif, true}, {render_github, false}};

static void check_json(const char *text, size_t length) {
    json_t *json = json_loadb(text, length, 0, NULL);
    if (!json) abort();
    json_decref(json);
}

static void check_form(const struct form *form, const struct report *report) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (form->render(out, report)) abort();
    fclose(out);
    for (size_t i = 0; i < length; i++)
        if (((unsigned char)text[i] < ' ' && text[i] != '\n' && text[i] != '\t') || text[i] == 127) abort();
    if (form->json) check_json(text, length);
    free(text);
}

static void check_report(struct report *report) {
    const struct verdict_rules rules = {.leak_exit_code = -1};
    verdict_decide(report, &rules);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) check_form(&forms[i], report);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    const struct build_options options = {.symbols = {.sysroot = "/nowhere", .in_process = true},
                                          .top = 100,
                                          .points = 50,
                                          .self = true,
                                          .settings = GROWTH_SETTINGS_DEFAULT};
    char path[64];
    char *const paths[] = {path};
    struct arena *memory = arena_new();
    struct report *report;
    struct tree refused;
    strcpy(path, trace_input_write(bytes, length));
    if (!report_build(&report, paths, 1, &options, &refused, memory)) {
        check_report(report);
        report_release(report);
    }
    arena_free(memory);
    return 0;
}
