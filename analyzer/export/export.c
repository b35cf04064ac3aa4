/*
 * The table of export formats and of the numbers that a stack can be shown by.
 */
#include "export.h"

#include <string.h>

#include "../stream.h"

const struct export_format export_formats[] = {
    {"folded", "one line a stack, for flame graphs (flamegraph.pl, inferno, speedscope)", false, export_folded},
    {"pprof", "gzipped profile.proto with inuse and alloc, space and objects (go tool pprof)", true, export_pprof},
    {"massif", "snapshots and the tree at the peak (ms_print, massif-visualizer)", false, export_massif},
    {"speedscope", "JSON for speedscope.app", false, export_speedscope},
    {"callgrind", "cost by function and line (callgrind_annotate, KCachegrind)", false, export_callgrind},
    {"heaptrack", "sums by stack in heaptrack's interpreted form (heaptrack_print, heaptrack_gui)", false,
     export_heaptrack},
    {"perfetto", "counters and phases as a Chrome trace (ui.perfetto.dev, chrome://tracing)", false, export_perfetto},
    {"csv", "one table of the report (--table)", false, export_csv},
    {"sqlite", "all tables in one SQLite file, with ready queries as views", true, export_sqlite},
    {"openmetrics", "totals, phases and verdict for a dashboard", false, export_openmetrics},
    {0},
};

#define METRIC(name, title, unit, field)                                                                               \
    { name, title, unit, offsetof(struct report_site, field) }
const struct export_metric export_metrics[] = {
    METRIC("live", "live bytes at the end", "bytes", live_bytes_end),
    METRIC("live-blocks", "live blocks at the end", "count", live_blocks_end),
    METRIC("peak", "live bytes at the peak of the process", "bytes", live_at_peak),
    METRIC("allocated", "allocated bytes", "bytes", allocated_bytes),
    METRIC("allocations", "allocations", "count", allocations),
    METRIC("temporary", "temporary allocations", "count", temporary),
    METRIC("rss", "resident bytes", "bytes", rss_bytes),
    {0},
};

const struct export_format *export_format(const char *name) {
    for (const struct export_format *format = export_formats; format->name; format++)
        if (strcmp(format->name, name) == 0) return format;
    return NULL;
}

const struct export_metric *export_metric(const char *name) {
    for (const struct export_metric *metric = export_metrics; metric->name; metric++)
        if (strcmp(metric->name, name) == 0) return metric;
    return NULL;
}

int64_t export_value(const struct report_site *site, const struct export_metric *metric) {
    int64_t value = *(const int64_t *)((const char *)site + metric->offset);
    return value > 0 ? value : 0;
}

const char *export_frame_name(const struct report_frame *frame) {
    return frame->function ? frame->function : frame->module ? frame->module : "?";
}

int export_flush(FILE *out) { return stream_end(out); }
