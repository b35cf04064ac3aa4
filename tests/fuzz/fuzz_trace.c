/* links: tests/fuzz/trace_input.c tests/unit/trace_builder.c analyzer/input/reader.c analyzer/input/bundle.c analyzer/input/recover.c analyzer/input/records.c analyzer/input/tables.c analyzer/input/ids.c analyzer/input/nodes.c analyzer/input/trace.c analyzer/input/decode.c analyzer/input/decode_plain.c analyzer/input/inflate.c analyzer/input/losses.c analyzer/replay/clock.c analyzer/replay/crew.c analyzer/replay/heap.c analyzer/replay/landscape.c analyzer/replay/mappings.c analyzer/replay/model.c analyzer/replay/model_maps.c analyzer/replay/model_control.c analyzer/replay/operations.c analyzer/replay/pages.c analyzer/replay/prefetch.c analyzer/replay/replay.c analyzer/replay/schedule.c analyzer/replay/teller.c analyzer/analysis/histogram.c analyzer/analysis/ages.c analyzer/analysis/sites.c analyzer/analysis/slices.c analyzer/analysis/totals.c analyzer/analysis/residency.c analyzer/analysis/look_areas.c analyzer/analysis/mapping_kinds.c analyzer/analysis/stack_shares.c analyzer/analysis/heap_trim.c analyzer/analysis/heap_pins.c analyzer/analysis/page_shares.c analyzer/analysis/curve.c analyzer/analysis/phases.c analyzer/analysis/phase_record.c analyzer/analysis/open_ops.c analyzer/analysis/phase_paths.c analyzer/analysis/phase_sets.c analyzer/analysis/phase_names.c analyzer/analysis/spread.c analyzer/analysis/drift.c preload/columns.c preload/words.c analyzer/text/utf8.c analyzer/text/printable.c libs: -lz -ldeflate -lm flags: -pthread */
/*
 * Reader, recovery, replay and the search for losses against any trace (trace_input.h). Beside crashes: what is live at
 * the end must be what was born and has not died, and losses are ranges.
 */
#include <stdlib.h>

#include "../../analyzer/analysis/curve.h"
#include "../../analyzer/analysis/phases.h"
#include "../../analyzer/analysis/residency.h"
#include "../../analyzer/analysis/sites.h"
#include "../../analyzer/analysis/totals.h"
#include "../../analyzer/input/losses.h"
#include "../../analyzer/replay/replay.h"
#include "trace_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void replay_it(struct trace *trace, unsigned workers) {
    static const struct analysis *const analyses[] = {&totals_analysis, &sites_analysis, &curve_analysis,
                                                      &phases_analysis, &residency_analysis};
    void *selves[5];
    struct replay_options options = {.workers = workers};
    struct replay_result result;
    if (replay_trace(trace, analyses, selves, 5, &options, &result)) abort();
    uint64_t live = 0;
    for (size_t i = 0; i < sites_count(selves[1]); i++) live += sites_get(selves[1], i)->live_bytes;
    if (live != result.end.live_bytes) abort();
    if (((const struct curve *)selves[2])->count > CURVE_POINTS) abort();
    totals_release(selves[0]);
    sites_release(selves[1]);
    curve_release(selves[2]);
    phases_release(selves[3]);
    residency_release(selves[4]);
}

static void find_losses(const struct trace *trace) {
    struct losses losses;
    if (losses_find(&losses, trace)) abort();
    for (size_t i = 0; i < losses.count; i++)
        if (losses.rows[i].end <= losses.rows[i].first || losses.events < losses.rows[i].events) abort();
    losses_release(&losses);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct trace trace;
    struct reader_refusal refusal;
    unsigned workers = length % 16 ? 1 : 2;
    if (trace_open(&trace, trace_input_write(bytes, length), &refusal)) return 0;
    find_losses(&trace);
    replay_it(&trace, workers);
    trace_close(&trace);
    return 0;
}
