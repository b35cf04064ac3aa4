/*
 * A Chrome trace (JSON trace event format): the curve as counters, phases and their rounds as slices, one track a
 * phase. Times are microseconds.
 */
#include <string.h>

#include "../render/json_writer.h"
#include "export.h"

static double microseconds(int64_t ns) { return (double)ns / 1000; }

static json_int_t pid_of(const struct report *report) {
    return report->process_count ? (json_int_t)report->processes[0].pid : 1;
}

struct counter {
    const char *name;
    size_t offset; /* of an int64_t in struct report_point */
};

static const struct counter counters[] = {
    {"live bytes", offsetof(struct report_point, live_bytes)},
    {"live blocks", offsetof(struct report_point, live_blocks)},
    {"pinned bytes", offsetof(struct report_point, pinned_bytes)},
    {"RSS", offsetof(struct report_point, rss_bytes)},
    {"threads", offsetof(struct report_point, threads)},
    {"descriptors", offsetof(struct report_point, fds)},
};

static void add_counters(json_t *events, const struct report *report) {
    for (size_t c = 0; c < sizeof counters / sizeof *counters; c++)
        for (size_t i = 0; i < report->point_count; i++) {
            const struct report_point *point = &report->curve[i];
            int64_t value = *(const int64_t *)((const char *)point + counters[c].offset);
            if (value == REPORT_NONE) continue;
            json_array_append_new(events, json_pack("{s:s, s:s, s:I, s:f, s:{s:I}}", "ph", "C", "name",
                                                    counters[c].name, "pid", pid_of(report), "ts",
                                                    microseconds(point->t), "args", "value", (json_int_t)value));
        }
}

static void add_track(json_t *events, const struct report *report, size_t track, const char *name) {
    json_array_append_new(events,
                          json_pack("{s:s, s:s, s:I, s:I, s:{s:o}}", "ph", "M", "name", "thread_name", "pid",
                                    pid_of(report), "tid", (json_int_t)track, "args", "name", text_value(name)));
}

static void add_rounds(json_t *events, const struct report *report, size_t track, const struct report_phase *phase) {
    for (size_t i = 0; i < phase->instance_count; i++) {
        const struct report_round *round = &phase->instances[i];
        json_array_append_new(
            events, json_pack("{s:s, s:o, s:s, s:I, s:I, s:f, s:f, s:{s:I, s:I, s:I}}", "ph", "X", "name",
                              text_value(phase->name), "cat", "phase", "pid", pid_of(report), "tid", (json_int_t)track,
                              "ts", microseconds(round->begin), "dur", microseconds(round->end - round->begin), "args",
                              "round", (json_int_t)round->round, "live at begin", (json_int_t)round->live_begin,
                              "live at end", (json_int_t)round->live_end));
    }
}

int export_perfetto(FILE *out, const struct report *report, const struct export_options *options) {
    (void)options;
    json_t *events = json_array();
    const char *exe = report->process_count && report->processes[0].exe ? report->processes[0].exe : "process";
    json_array_append_new(events, json_pack("{s:s, s:s, s:I, s:{s:o}}", "ph", "M", "name", "process_name", "pid",
                                            pid_of(report), "args", "name", text_value(exe)));
    add_counters(events, report);
    for (size_t i = 0; i < report->phase_count; i++) {
        add_track(events, report, i + 1, report->phases[i].name);
        add_rounds(events, report, i + 1, &report->phases[i]);
    }
    json_t *object = json_pack("{s:s, s:o}", "displayTimeUnit", "ms", "traceEvents", events);
    return json_write_compact(out, object, JSON_DIGITS, "\n");
}
