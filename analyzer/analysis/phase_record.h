/*
 * What is on record of one phase: what its rounds add to it, and the work that is done in it. Knows nothing of other
 * phases. What returns bool or a pointer gives false or NULL when memory is short, and the record is as before then.
 */
#ifndef ANALYSIS_PHASE_RECORD_H
#define ANALYSIS_PHASE_RECORD_H

#include "phases.h"

/* The name is copied. */
bool phase_record_begin(struct phase *phase, const char *name, size_t parent);
void phase_record_release(struct phase *phase);

/* A round is over: it gets its number, and may be kept. */
bool phase_record_round(struct phase *phase, struct phase_round *round);
/* Highest RSS of a round that began with `begin`; either may be PHASE_UNKNOWN. */
void phase_record_rss_peak(struct phase *phase, uint64_t begin, uint64_t rss);
/* The sample of the last round's end has come. */
void phase_record_end_rss(struct phase *phase, uint64_t rss);

/* Items of a unit with a name. */
bool phase_record_unit(struct phase *phase, const char *name, uint64_t count);
bool phase_record_value(struct phase *phase, const char *name, double value);
/* An operation begins, and ends after `ns` with this TIDEMARK_* status. */
bool phase_record_op_begin(struct phase *phase, const char *name);
bool phase_record_op_end(struct phase *phase, const char *name, uint32_t status, uint64_t ns);

#endif
