/*
 * Where batches go: totals for each sensor, behind dependencies that can be down and a sink that can refuse.
 *
 * One thread.
 */
#ifndef SAMPLES_PIPELINE_SINK_H
#define SAMPLES_PIPELINE_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/rows.h"

enum dependency { DEPENDENCY_STORE, DEPENDENCY_INDEX, DEPENDENCY_ALERTS, DEPENDENCIES };

struct total {
    uint64_t count;
    double sum, least, most;
};

struct sink {
    unsigned refusals; /* of the next calls, so many are refused */
    bool down[DEPENDENCIES];
    uint64_t rows, refused;
    struct total totals[SENSORS];
};

/* False: refused or a dependency is down; nothing was taken, try again. */
bool sink_accept(struct sink *sink, const struct batch *batch);

#endif
