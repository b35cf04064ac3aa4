/*
 * SARIF 2.1.0. Rules are the classes of growth and the budget; a result carries its place in the source, its stack, and
 * the site's id as fingerprint, so that it is the same result after a rebuild.
 */
#include "sarif.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../report/finding.h"
#include "json_writer.h"
#include "naming.h"

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"
#define SHOWN_FRAMES 32

struct rule {
    const char *id, *text;
};
static const struct rule rules[] = {
    {"leak", "Blocks stay behind in every round of a phase"},
    {"leak-intermittent", "Blocks stay behind in many rounds of a phase"},
    {"growing", "Memory grows, but the rounds may not do the same work"},
    {"filling", "Memory grows more and more slowly, as a cache that fills"},
    {"sparse", "Memory grows in some rounds"},
    {"step", "Memory grew once after warm-up"},
    {"budget", "A limit of the budget is exceeded"},
    {"stopped", "The run was stopped at a limit or on request"},
    {"inconclusive", "A rule or phase could not be judged"},
};

static json_t *text(const char *value) { return text_value(value ? value : ""); }

static json_t *message(const char *value) { return json_pack("{s:o}", "text", text(value)); }

/* A file name as a URI reference: what RFC 3986 does not allow in a path is percent-encoded. */
static json_t *uri(const char *path) {
    size_t length = strlen(path), at = 0;
    char *result = malloc(3 * length + sizeof "file://");
    if (!result) return NULL;
    if (path[0] == '/') {
        memcpy(result, "file://", 7);
        at = 7;
    }
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;
        if (isalnum(c) || strchr("/-._~+@,=", c)) result[at++] = (char)c;
        else at += (size_t)snprintf(result + at, sizeof "%FF", "%%%02X", c);
    }
    result[at] = '\0';
    json_t *value = json_string(result);
    free(result);
    return value;
}

/* `file` may be NULL, `line` 0. */
static json_t *location(const struct report *report, const char *file, int64_t line, const char *function) {
    json_t *place = json_object();
    if (file) {
        json_t *physical = json_pack("{s:{s:o}}", "artifactLocation", "uri", uri(name_of_source(report, file)));
        if (line > 0) json_object_set_new(physical, "region", json_pack("{s:I}", "startLine", (json_int_t)line));
        json_object_set_new(place, "physicalLocation", physical);
    }
    if (function) {
        json_t *logical = json_pack("[{s:o,s:s}]", "fullyQualifiedName", text(function), "kind", "function");
        json_object_set_new(place, "logicalLocations", logical);
    }
    return place;
}

/*
 * The place that a person can change: the first frame with a source file. Servers refuse a result that is nowhere: what
 * has no source is in the program.
 */
static json_t *location_of(const struct report *report, const struct report_site *site) {
    const char *program = report->process_count ? report->processes[0].exe : NULL;
    if (!program) program = "unknown";
    if (!site) return location(report, program, 1, NULL);
    const struct report_frame *frame = frame_to_change(report, site);
    if (frame) return location(report, frame->file, frame->line, site->function);
    if (site->file) return location(report, site->file, site->line, site->function);
    return location(report, program, 1, site->function);
}

static json_t *stack_of(const struct report *report, const struct report_site *site) {
    json_t *frames = json_array();
    for (size_t i = 0; i < site->depth && i < SHOWN_FRAMES; i++) {
        const struct report_frame *frame = &site->stack[i];
        json_t *entry = json_pack("{s:o}", "location",
                                  location(report, frame->file, frame->line, frame->function ? frame->function : "??"));
        if (frame->module) json_object_set_new(entry, "module", text(frame->module));
        json_array_append_new(frames, entry);
    }
    return json_pack("[{s:o}]", "frames", frames);
}

static int rule_index(const char *id) {
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strcmp(rules[i].id, id) == 0) return (int)i;
    return -1;
}

static json_t *result_of(const char *rule, const char *level, const char *what, json_t *place) {
    json_t *result =
        json_pack("{s:s,s:s,s:o,s:[o]}", "ruleId", rule, "level", level, "message", message(what), "locations", place);
    if (rule_index(rule) >= 0) json_object_set_new(result, "ruleIndex", json_integer(rule_index(rule)));
    return result;
}

static json_t *describe(const struct report *report, const struct report_finding *finding, const char *level) {
    const struct report_site *site = site_of_finding(report, finding);
    char *what = NULL, *print = NULL;
    const char *function = site && site->function ? site->function : "an unknown function";
    if (asprintf(&what, "%s grows in %s: %s", function, finding->phase ? finding->phase : "the run",
                 finding->reason ? finding->reason : "") < 0)
        what = NULL;
    json_t *result = result_of(finding->class_slug, level, what, location_of(report, site));
    free(what);
    if (!site) return result;
    if (site->depth) json_object_set_new(result, "stacks", stack_of(report, site));
    if (asprintf(&print, "%s/%s", site->id ? site->id : "", finding->phase ? finding->phase : "") < 0) print = NULL;
    json_object_set_new(result, "partialFingerprints", json_pack("{s:o}", "tidemarkSite/v1", text(print)));
    free(print);
    return result;
}

static void add_rules_broken(json_t *results, const struct report *report) {
    const struct report_verdict *verdict = &report->verdict;
    for (size_t i = 0; i < verdict->budget_count; i++) {
        const struct report_budget *row = &verdict->budgets[i];
        char *what = NULL;
        if (row->ok || (row->state && strcmp(row->state, "not-judged") == 0)) continue;
        bool warned = row->state && strcmp(row->state, "warn") == 0;
        if (asprintf(&what, "%s%s%s: limit %s, measured %s", row->rule, row->phase ? " for " : "",
                     row->phase ? row->phase : "", row->limit, row->value) < 0)
            what = NULL;
        json_array_append_new(results,
                              result_of("budget", warned ? "warning" : "error", what, location_of(report, NULL)));
        free(what);
    }
}

static void add_run(json_t *results, const struct report *report) {
    const struct report_verdict *verdict = &report->verdict;
    bool inconclusive = verdict->result && strcmp(verdict->result, "inconclusive") == 0;
    char *what = NULL;
    if (!report->stopped && !inconclusive) return;
    if (report->stopped && asprintf(&what, "stopped %s", report->stopped) < 0) what = NULL;
    const char *reason = verdict->reason_count ? verdict->reasons[0] : "a rule or phase could not be judged";
    json_array_append_new(results,
                          result_of(report->stopped ? "stopped" : "inconclusive", report->stopped ? "error" : "warning",
                                    report->stopped ? what : reason, location_of(report, NULL)));
    free(what);
}

static json_t *results_of(const struct report *report) {
    json_t *results = json_array();
    const struct report_verdict *verdict = &report->verdict;
    for (size_t i = 0; i < verdict->leak_count; i++)
        json_array_append_new(results, describe(report, &verdict->leaks[i], "error"));
    for (size_t i = 0; i < verdict->warning_count; i++)
        json_array_append_new(results, describe(report, &verdict->warnings[i], "warning"));
    add_rules_broken(results, report);
    add_run(results, report);
    return results;
}

static json_t *driver(void) {
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        json_array_append_new(list,
                              json_pack("{s:s,s:o}", "id", rules[i].id, "shortDescription", message(rules[i].text)));
    return json_pack("{s:s,s:s,s:o}", "name", "Tidemark", "semanticVersion", TIDEMARK_VERSION, "rules", list);
}

int render_sarif(FILE *out, const struct report *report) {
    json_t *run = json_pack("{s:{s:o},s:s,s:o}", "tool", "driver", driver(), "columnKind", "utf16CodeUnits", "results",
                            results_of(report));
    json_t *root = json_pack("{s:s,s:s,s:[o]}", "$schema", SCHEMA, "version", "2.1.0", "runs", run);
    return json_write_compact(out, root, JSON_DIGITS, "\n");
}
