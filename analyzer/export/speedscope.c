/*
 * The file format of speedscope: shared frames, and one sampled profile for each number that a stack can be shown by,
 * so that the reader can switch between them. Schema: speedscope.app/file-format-schema.json.
 */
#include <errno.h>
#include <inttypes.h>

#include "../render/json_writer.h"
#include "export.h"
#include "numbering.h"

static json_t *describe(const struct report_frame *frame) {
    json_t *object = json_pack("{s:o}", "name", text_value(export_frame_name(frame)));
    if (object && frame->file) json_object_set_new(object, "file", text_value(frame->file));
    if (object && frame->file && frame->line > 0) json_object_set_new(object, "line", json_integer(frame->line));
    return object;
}

/* Frames are equal where function, file, line and module are. */
struct frames {
    struct numbering numbers;
    json_t *list; /* by number, from 0 */
};

static const char *known(const char *text) { return text ? text : ""; }

static json_t *number_of(struct frames *frames, const struct report_frame *frame) {
    bool fresh;
    uint64_t number = numbering_of(&frames->numbers, &fresh, "%s\n%s\n%s\n%" PRId64, known(frame->function),
                                   known(frame->file), known(frame->module), frame->line);
    if (fresh) json_array_append_new(frames->list, describe(frame));
    return json_integer((json_int_t)number - 1);
}

/* Of all sites, outermost first. */
static json_t *make_stacks(struct frames *frames, const struct report *report) {
    json_t *stacks = json_array();
    for (size_t i = 0; i < report->site_count; i++) {
        const struct report_site *site = &report->sites[i];
        json_t *stack = json_array();
        for (size_t k = 0; k < site->depth; k++) json_array_insert_new(stack, 0, number_of(frames, &site->stack[k]));
        json_array_append_new(stacks, stack);
    }
    return stacks;
}

static json_t *make_profile(const struct report *report, const json_t *stacks, const struct export_metric *metric) {
    json_t *samples = json_array(), *weights = json_array();
    int64_t total = 0;
    for (size_t i = 0; i < report->site_count; i++) {
        int64_t value = export_value(&report->sites[i], metric);
        if (value == 0) continue;
        json_array_append(samples, json_array_get(stacks, i));
        json_array_append_new(weights, json_integer(value));
        total += value;
    }
    return json_pack("{s:s, s:s, s:s, s:i, s:I, s:o, s:o}", "type", "sampled", "name", metric->title, "unit",
                     metric->unit[0] == 'b' ? "bytes" : "none", "startValue", 0, "endValue", (json_int_t)total,
                     "samples", samples, "weights", weights);
}

int export_speedscope(FILE *out, const struct report *report, const struct export_options *options) {
    struct frames frames = {.list = json_array()};
    json_t *profiles = json_array(), *stacks = make_stacks(&frames, report);
    for (const struct export_metric *metric = export_metrics; metric->name; metric++)
        json_array_append_new(profiles, make_profile(report, stacks, metric));
    json_t *object = json_pack(
        "{s:s, s:o, s:{s:o}, s:o, s:I, s:s}", "$schema", "https://www.speedscope.app/file-format-schema.json", "name",
        text_value(report->trace.path ? report->trace.path : "tidemark"), "shared", "frames", frames.list, "profiles",
        profiles, "activeProfileIndex", (json_int_t)(options->metric - export_metrics), "exporter", "tidemark");
    json_decref(stacks);
    if (numbering_end(&frames.numbers)) return json_write_compact(out, object, JSON_DIGITS, "\n");
    json_decref(object);
    return -ENOMEM;
}
