/*
 * Sink of the pipeline workload; see sink.h. Allocates nothing.
 */
#include "pipeline/sink.h"

static bool available(struct sink *sink) {
    for (int i = 0; i < DEPENDENCIES; i++)
        if (sink->down[i]) return false;
    if (sink->refusals == 0) return true;
    sink->refusals--;
    return false;
}

static void add(struct total *total, double value) {
    if (total->count == 0 || value < total->least) total->least = value;
    if (total->count == 0 || value > total->most) total->most = value;
    total->count++;
    total->sum += value;
}

bool sink_accept(struct sink *sink, const struct batch *batch) {
    if (!available(sink)) {
        sink->refused++;
        return false;
    }
    for (size_t i = 0; i < batch->count; i++) add(&sink->totals[batch->sensor[i]], batch->value[i]);
    sink->rows += batch->count;
    return true;
}
