/*
 * The baseline file: {"schema": "tidemark-baseline/1", "leaks": [{"site", "phase", "class", "function", "low",
 * "high"}]}.
 */
#include "baseline.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../replacement.h"
#include "../report/finding.h"

#define SCHEMA "tidemark-baseline/1"

struct baseline {
    json_t *leaks;
};

static int refuse(struct rule_error *error, const char *text) {
    snprintf(error->text, sizeof error->text, "%s", text);
    return -EINVAL;
}

int baseline_read(const char *path, struct baseline **out, struct rule_error *error) {
    json_error_t where;
    *error = (struct rule_error){.line = 0};
    if (access(path, R_OK) != 0) return -errno;
    json_t *root = json_load_file(path, 0, &where);
    if (!root) {
        error->line = where.line > 0 ? where.line : 0;
        return refuse(error, where.text);
    }
    const char *schema = json_string_value(json_object_get(root, "schema"));
    json_t *leaks = json_object_get(root, "leaks");
    struct baseline *baseline =
        schema && strcmp(schema, SCHEMA) == 0 && json_is_array(leaks) ? calloc(1, sizeof *baseline) : NULL;
    if (baseline) baseline->leaks = json_incref(leaks);
    json_decref(root);
    if (!baseline) return refuse(error, "not a baseline of " SCHEMA);
    *out = baseline;
    return 0;
}

void baseline_release(struct baseline *baseline) {
    if (!baseline) return;
    json_decref(baseline->leaks);
    free(baseline);
}

size_t baseline_count(const struct baseline *baseline) { return json_array_size(baseline->leaks); }

static const char *text_at(const struct baseline *baseline, size_t index, const char *key) {
    const char *value = json_string_value(json_object_get(json_array_get(baseline->leaks, index), key));
    return value ? value : "";
}

const char *baseline_phase(const struct baseline *baseline, size_t index) { return text_at(baseline, index, "phase"); }

const char *baseline_function(const struct baseline *baseline, size_t index) {
    return text_at(baseline, index, "function");
}

size_t baseline_find(const struct baseline *baseline, const char *site, const char *phase) {
    for (size_t i = 0; i < baseline_count(baseline); i++)
        if (strcmp(text_at(baseline, i, "site"), site) == 0 && strcmp(baseline_phase(baseline, i), phase) == 0)
            return i;
    return SIZE_MAX;
}

/*
 * The interval is that of one run. From run to run the rate differs by a little more, in a program that keeps numbers
 * as text: what is exact to a byte in each of two runs is no faster for that byte.
 */
bool baseline_excuses(const struct baseline *baseline, size_t index, const struct report_growth *growth) {
    const json_t *high = json_object_get(json_array_get(baseline->leaks, index), "high");
    double most = json_is_number(high) ? json_number_value(high) : INFINITY;
    return !isfinite(growth->ci_low) || growth->ci_low <= most + most / 20;
}

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }
static json_t *text(const char *value) { return value ? json_string_nocheck(value) : json_null(); }

static json_t *describe(const struct report *report, const struct report_finding *finding) {
    const struct report_site *site = &report->sites[finding->site_index];
    const struct report_growth *growth = growth_of_finding(site, finding);
    json_t *leak = json_object();
    json_object_set_new(leak, "site", text(site->id));
    json_object_set_new(leak, "phase", text(finding->phase));
    json_object_set_new(leak, "class", text(finding->class_slug));
    json_object_set_new(leak, "function", text(site->function));
    json_object_set_new(leak, "low", number(growth ? growth->ci_low : NAN));
    json_object_set_new(leak, "high", number(growth ? growth->ci_high : NAN));
    return leak;
}

static json_t *describe_all(const struct report *report) {
    json_t *root = json_object(), *leaks = json_array();
    for (size_t i = 0; i < report->verdict.known_count; i++)
        json_array_append_new(leaks, describe(report, &report->verdict.known[i]));
    json_object_set_new(root, "schema", json_string(SCHEMA));
    json_object_set_new(root, "leaks", leaks);
    return root;
}

int baseline_write(const char *path, const struct report *report) {
    struct replacement out;
    int error = replacement_open(&out, path, 0666);
    if (error) return error;
    json_t *root = describe_all(report);
    errno = 0;
    if (json_dumpf(root, out.file, JSON_INDENT(2)) != 0 || fputc('\n', out.file) == EOF) error = errno ? -errno : -EIO;
    json_decref(root);
    return replacement_close(&out, error);
}
