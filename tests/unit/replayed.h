/*
 * A small trace of one thread, written, replayed with one analysis and removed.
 */
#ifndef TESTS_REPLAYED_H
#define TESTS_REPLAYED_H

#include "../../analyzer/analysis/analysis.h"
#include "trace_builder.h"

/* Events in order, and records, of which a clock may be one. The analysis's own; the test releases it. */
void *replayed(const struct analysis *analysis, const struct trace_event *events, size_t count,
               const struct record_text *records);

#endif
