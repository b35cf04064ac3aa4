/*
 * JUnit XML as Jenkins, GitLab and others read it; called by the commands that judge, with an open stream. There is no
 * standard: this is what the schemas of Ant and of Jenkins both allow. Ant's wants a time, a host, properties and both
 * outputs of each suite, and no counts around them.
 */
#include "junit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../list.h"
#include "../report/finding.h"
#include "../stream.h"
#include "../text/plural.h"
#include "xml.h"

#define SHOWN_FRAMES 12
#define SHOWN_LEAKS 100u /* of a phase, in full: servers cut, or refuse, what is longer */

enum outcome { PASSED, FAILED, SKIPPED };

struct testcase {
    const char *suite, *name, *suffix;
    enum outcome outcome;
    const char *message; /* NULL: the text */
    char *made_message;  /* malloc'd, before the other; NULL: none */
    char *text;          /* malloc'd */
    int64_t ns;          /* that it took */
};

struct cases {
    struct testcase *items;
    size_t count, failed, skipped;
    int error;
};

static void add(struct cases *cases, struct testcase item) {
    struct testcase *added = LIST_ADD(cases->items, cases->count);
    if (!added) {
        cases->error = -ENOMEM;
        free(item.text);
        free(item.made_message);
        return;
    }
    *added = item;
    cases->failed += item.outcome == FAILED;
    cases->skipped += item.outcome == SKIPPED;
}

static void print_stack(FILE *text, const struct report_site *site) {
    for (size_t i = 0; i < site->depth && i < SHOWN_FRAMES; i++) {
        const struct report_frame *frame = &site->stack[i];
        fprintf(text, "    %s", frame->function ? frame->function : "??");
        if (frame->file) fprintf(text, " %s:%" PRId64, frame->file, frame->line);
        else if (frame->module) fprintf(text, " in %s", frame->module);
        fputc('\n', text);
    }
}

static const char *function_of(const struct report_site *site) {
    return site && site->function ? site->function : "unknown function";
}

static void print_finding(FILE *text, const struct report *report, const struct report_finding *finding) {
    const struct report_site *site = site_of_finding(report, finding);
    fprintf(text, "%s: %s\n%s\n", finding->class_slug, function_of(site), finding->reason ? finding->reason : "");
    if (site) print_stack(text, site);
}

/* The leaks of one phase, in words; NULL where there is none. */
static char *leaks_of(const struct report *report, const char *phase, int *error) {
    char *buffer = NULL;
    size_t size, leaks = 0;
    FILE *text = open_memstream(&buffer, &size);
    if (!text) {
        *error = -ENOMEM;
        return NULL;
    }
    for (size_t i = 0; i < report->verdict.leak_count; i++) {
        const struct report_finding *finding = &report->verdict.leaks[i];
        if (!finding->phase || strcmp(finding->phase, phase) != 0) continue;
        if (leaks++ < SHOWN_LEAKS) print_finding(text, report, finding);
    }
    if (leaks > SHOWN_LEAKS) fprintf(text, "and %zu more call sites\n", leaks - SHOWN_LEAKS);
    fclose(text);
    if (leaks) return buffer;
    free(buffer);
    return NULL;
}

/* Where several processes have a phase of this name, they have it at the same time: the longest. */
static int64_t duration_of(const struct report *report, const char *phase) {
    int64_t longest = 0;
    for (size_t i = 0; i < report->phase_count; i++)
        if (strcmp(report->phases[i].name, phase) == 0 && report->phases[i].duration_ns > longest)
            longest = report->phases[i].duration_ns;
    return longest;
}

/* Whose memory grows: what servers show beside the name of the case. NULL where it could not be told. */
static char *leaks_in_short(const struct report *report, const char *phase) {
    const struct report_finding *first = NULL;
    size_t leaks = 0;
    for (size_t i = 0; i < report->verdict.leak_count; i++) {
        const struct report_finding *finding = &report->verdict.leaks[i];
        if (!finding->phase || strcmp(finding->phase, phase) != 0) continue;
        if (!leaks++) first = finding;
    }
    char *text = NULL;
    if (!first) return NULL;
    const char *function = function_of(site_of_finding(report, first));
    int length = leaks == 1 ? asprintf(&text, "memory of %s grows from round to round", function)
                            : asprintf(&text, "memory of %s and %zu more call site%s grows from round to round",
                                       function, leaks - 1, plural(leaks - 1));
    return length < 0 ? NULL : text;
}

/* `reason`: why it was not judged, NULL where it was. */
static void add_phase(struct cases *cases, const struct report *report, const char *name, const char *reason) {
    struct testcase item = {.suite = "leaks",
                            .name = name,
                            .suffix = ": no leak",
                            .outcome = PASSED,
                            .text = leaks_of(report, name, &cases->error),
                            .ns = duration_of(report, name)};
    item.outcome = item.text ? FAILED : reason ? SKIPPED : PASSED;
    item.made_message = item.text ? leaks_in_short(report, name) : NULL;
    item.message = item.text ? "memory grows from round to round" : reason;
    add(cases, item);
}

static bool has_phase(const struct cases *cases, const char *name) {
    for (size_t i = 0; i < cases->count; i++)
        if (strcmp(cases->items[i].name, name) == 0) return true;
    return false;
}

static bool judged_anywhere(const struct report *report, const char *name) {
    for (size_t i = 0; i < report->phase_count; i++)
        if (strcmp(report->phases[i].name, name) == 0 && report->phases[i].judged) return true;
    return false;
}

static const char *reason_of(const struct report *report, const struct report_phase *phase) {
    if (judged_anywhere(report, phase->name)) return NULL;
    if (phase->parent && judged_anywhere(report, phase->parent))
        return "judged with its siblings, as a round of their parent";
    const struct report_process *process =
        phase->process_index >= 0 && (size_t)phase->process_index < report->process_count
            ? &report->processes[phase->process_index]
            : NULL;
    return process && process->only_starts ? "not judged: it is a phase of a program that only starts others"
                                           : "not judged: too few rounds";
}

/* Phases of the report, one case for a name that several processes have; then those that only findings name. */
static void add_phases(struct cases *cases, const struct report *report) {
    for (size_t i = 0; i < report->phase_count; i++) {
        const char *name = report->phases[i].name;
        if (!has_phase(cases, name)) add_phase(cases, report, name, reason_of(report, &report->phases[i]));
    }
    for (size_t i = 0; i < report->verdict.leak_count; i++) {
        const char *phase = report->verdict.leaks[i].phase;
        if (phase && !has_phase(cases, phase)) add_phase(cases, report, phase, NULL);
    }
}

static void add_rule(struct cases *cases, const struct report_budget *row) {
    struct testcase item = {.suite = "budget", .name = row->rule, .suffix = row->phase, .outcome = PASSED};
    bool skipped = row->state && strcmp(row->state, "not-judged") == 0,
         warned = row->state && strcmp(row->state, "warn") == 0;
    item.outcome = skipped ? SKIPPED : row->ok || warned ? PASSED : FAILED;
    item.message = !skipped ? "over budget" : *row->limit ? NULL : row->value;
    if ((item.outcome == FAILED || !item.message) &&
        asprintf(&item.text, "limit %s, measured %s%s", row->limit, row->value, skipped ? "" : "\n") < 0) {
        item.text = NULL;
        item.message = "out of memory";
        cases->error = -ENOMEM;
    }
    add(cases, item);
}

/* What else made the job fail: none of the phases and rules says so. */
static void add_run(struct cases *cases, const struct report *report) {
    const struct report_verdict *verdict = &report->verdict;
    bool inconclusive = verdict->result && strcmp(verdict->result, "inconclusive") == 0;
    struct testcase item = {.suite = "run", .name = report->stopped ? "not stopped" : "conclusive", .outcome = FAILED};
    if (!report->stopped && !inconclusive) return;
    item.outcome = report->stopped ? FAILED : SKIPPED;
    item.message = report->stopped         ? "the run was stopped"
                   : verdict->reason_count ? verdict->reasons[0]
                                           : "a rule or phase could not be judged";
    if (report->stopped && asprintf(&item.text, "stopped %s\n", report->stopped) < 0) {
        item.text = NULL;
        cases->error = -ENOMEM;
    }
    add(cases, item);
}

static void write_name(struct xml *xml, const struct testcase *item) {
    char *name = NULL;
    bool rule = strcmp(item->suite, "budget") == 0;
    const char *between = rule && item->suffix ? ", " : "";
    if (asprintf(&name, "%s%s%s", item->name, between, item->suffix ? item->suffix : "") < 0) name = NULL;
    xml_attribute(xml, "name", name ? name : item->name);
    free(name);
}

/* In seconds. */
static void write_case_time(struct xml *xml, int64_t ns) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64 ".%06" PRId64, ns / 1000000000, ns % 1000000000 / 1000);
    xml_attribute(xml, "time", text);
}

/* The same to the ms: Jenkins' xUnit plugin refuses a suite with more. */
static void write_suite_time(struct xml *xml, int64_t ns) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64 ".%03" PRId64, ns / 1000000000, ns % 1000000000 / 1000000);
    xml_attribute(xml, "time", text);
}

static void write_case(struct xml *xml, const struct testcase *item) {
    xml_open(xml, "testcase");
    xml_attribute(xml, "classname", item->suite);
    write_name(xml, item);
    write_case_time(xml, item->ns);
    if (item->outcome != PASSED) {
        xml_open(xml, item->outcome == FAILED ? "failure" : "skipped");
        xml_attribute(xml, "message",
                      item->made_message ? item->made_message
                      : item->message    ? item->message
                                         : item->text);
        if (item->outcome == FAILED) xml_attribute(xml, "type", item->suite);
        if (item->message && item->text) xml_text(xml, item->text);
        xml_close(xml);
    }
    xml_close(xml);
}

static void write_counts(struct xml *xml, const struct cases *cases) {
    xml_attribute_number(xml, "tests", (long long)cases->count);
    xml_attribute_number(xml, "failures", (long long)cases->failed);
    xml_attribute_number(xml, "errors", 0);
}

/* Of the whole run: seconds, without a zone, as Ant's schema has it. */
static void write_origin(struct xml *xml, const struct report *report) {
    const char *started = report->process_count ? report->processes[0].started : NULL;
    char timestamp[sizeof "1970-01-01T00:00:00"] = "1970-01-01T00:00:00";
    if (started && strlen(started) >= sizeof timestamp - 1) snprintf(timestamp, sizeof timestamp, "%s", started);
    xml_attribute(xml, "timestamp", timestamp);
    xml_attribute(xml, "hostname", report->system.host && *report->system.host ? report->system.host : "localhost");
}

static void write_property(struct xml *xml, const char *name, const char *value) {
    xml_open(xml, "property");
    xml_attribute(xml, "name", name);
    xml_attribute(xml, "value", value ? value : "");
    xml_close(xml);
}

static void write_properties(struct xml *xml, const struct report *report) {
    char status[16];
    snprintf(status, sizeof status, "%d", report->verdict.exit_code);
    xml_open(xml, "properties");
    write_property(xml, "result", report->verdict.result);
    write_property(xml, "exit status", status);
    write_property(xml, "trace", report->trace.path);
    xml_close(xml);
}

static void write_lines(struct xml *xml, const char *const *lines, size_t count) {
    for (size_t i = 0; i < count; i++) {
        xml_text(xml, lines[i]);
        xml_text(xml, "\n");
    }
}

/* What could not be judged, and what would help. */
static void write_outputs(struct xml *xml, const struct report_verdict *verdict) {
    xml_open(xml, "system-out");
    write_lines(xml, (const char *const *)verdict->reasons, verdict->reason_count);
    write_lines(xml, (const char *const *)verdict->hints, verdict->hint_count);
    xml_close(xml);
    xml_open(xml, "system-err");
    xml_close(xml);
}

static void write_all(FILE *out, const struct cases *cases, const struct report *report) {
    struct xml xml = xml_begin(out);
    xml_open(&xml, "testsuites");
    xml_open(&xml, "testsuite");
    xml_attribute(&xml, "name", "tidemark");
    xml_attribute(&xml, "package", "tidemark");
    xml_attribute_number(&xml, "id", 0);
    write_counts(&xml, cases);
    xml_attribute_number(&xml, "skipped", (long long)cases->skipped);
    write_suite_time(&xml, report->duration_ns > 0 ? report->duration_ns : 0);
    write_origin(&xml, report);
    write_properties(&xml, report);
    for (size_t i = 0; i < cases->count; i++) write_case(&xml, &cases->items[i]);
    write_outputs(&xml, &report->verdict);
    xml_close(&xml);
    xml_close(&xml);
}

int render_junit(FILE *out, const struct report *report) {
    struct cases cases = {.items = NULL};
    add_phases(&cases, report);
    for (size_t i = 0; i < report->verdict.budget_count; i++) add_rule(&cases, &report->verdict.budgets[i]);
    add_run(&cases, report);
    if (!cases.error) write_all(out, &cases, report);
    for (size_t i = 0; i < cases.count; i++) {
        free(cases.items[i].text);
        free(cases.items[i].made_message);
    }
    free(cases.items);
    if (cases.error) return cases.error;
    return stream_end(out);
}
