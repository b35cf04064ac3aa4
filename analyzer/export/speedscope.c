/*
 * The file format of speedscope: shared frames, and one sampled profile for each number that a stack can be shown by,
 * so that the reader can switch between them. Schema: speedscope.app/file-format-schema.json.
 */
#include <errno.h>

#include "export.h"
#include "frames.h"
#include "json_file.h"

static json_t *make_frame(const struct report_frame *frame) {
    json_t *object = json_pack("{s:o}", "name", json_text(export_frame_name(frame)));
    if (object && frame->file) json_object_set_new(object, "file", json_text(frame->file));
    if (object && frame->file && frame->line > 0) json_object_set_new(object, "line", json_integer(frame->line));
    return object;
}

static json_t *make_frames(const struct frame_numbers *numbers) {
    json_t *array = json_array();
    for (size_t i = 0; i < frame_numbers_count(numbers); i++)
        json_array_append_new(array, make_frame(frame_numbers_at(numbers, i)));
    return array;
}

/* Outermost first. */
static json_t *make_stack(const struct report_site *site, const struct frame_numbers *numbers) {
    json_t *array = json_array();
    for (size_t k = site->depth; k-- > 0;)
        json_array_append_new(array, json_integer((json_int_t)frame_number(numbers, &site->stack[k])));
    return array;
}

static json_t *make_profile(const struct report *report, const struct frame_numbers *numbers,
                            const struct export_metric *metric) {
    json_t *samples = json_array(), *weights = json_array();
    int64_t total = 0;
    for (size_t i = 0; i < report->site_count; i++) {
        int64_t value = export_value(&report->sites[i], metric);
        if (value == 0) continue;
        json_array_append_new(samples, make_stack(&report->sites[i], numbers));
        json_array_append_new(weights, json_integer(value));
        total += value;
    }
    return json_pack("{s:s, s:s, s:s, s:i, s:I, s:o, s:o}", "type", "sampled", "name", metric->title, "unit",
                     metric->unit[0] == 'b' ? "bytes" : "none", "startValue", 0, "endValue", (json_int_t)total,
                     "samples", samples, "weights", weights);
}

int export_speedscope(FILE *out, const struct report *report, const struct export_options *options) {
    struct frame_numbers *numbers = frame_numbers_of(report);
    json_t *profiles = json_array();
    if (!numbers) return -ENOMEM;
    for (const struct export_metric *metric = export_metrics; metric->name; metric++)
        json_array_append_new(profiles, make_profile(report, numbers, metric));
    json_t *object =
        json_pack("{s:s, s:o, s:{s:o}, s:o, s:I, s:s}", "$schema", "https://www.speedscope.app/file-format-schema.json",
                  "name", json_text(report->trace.path ? report->trace.path : "tidemark"), "shared", "frames",
                  make_frames(numbers), "profiles", profiles, "activeProfileIndex",
                  (json_int_t)(options->metric - export_metrics), "exporter", "tidemark");
    frame_numbers_free(numbers);
    return json_file(out, object);
}
