/*
 * What happened in each phase: rounds, work, operations with their latencies, values, and memory at the edges.
 *
 * Phases with one name are rounds of one phase. Phase 0 is `run`, the whole process; `between NAME` is the time between
 * rounds of NAME. A phase's parent is the innermost one that its thread has open, else that of the main thread (or of a
 * request from outside). Memory follows the phases, their distinct operations and what is open; rounds are thinned.
 */
#ifndef ANALYSIS_PHASES_H
#define ANALYSIS_PHASES_H

#include "analysis.h"
#include "phase_names.h"
#include "spread.h"

#define PHASE_ROUNDS 1000u /* kept of each phase, evenly chosen */
#define PHASE_UNKNOWN UINT64_MAX
#define PHASE_NO_PARENT SIZE_MAX

struct phase_level { /* at an edge */
    uint64_t ns, live_bytes, live_blocks;
    uint64_t rss;                          /* less the recorder's own pages; PHASE_UNKNOWN: no sample */
    uint64_t allocations, allocated_bytes; /* of the process until then */
    uint32_t edge;
};

struct phase_round {
    uint64_t number; /* from 1 */
    struct phase_level begin, end;
    uint64_t items;
};

struct phase_unit { /* of items beside the first one */
    char *name;
    uint64_t count;
};

struct phase_op {
    char *name;
    uint64_t count, ok, failed, rejected; /* count: finished ones */
    uint64_t in_flight, peak_in_flight;
    struct spread ns;
};

struct phase_value {
    char *name;
    double last, min, max;
};

struct phase {
    char *name;
    size_t parent; /* index, or PHASE_NO_PARENT */
    uint64_t rounds, items, duration_ns;
    struct phase_level first, last; /* begin of the first round, end of the last */
    uint64_t begin_rss;             /* of the last round */
    uint64_t rss_peak, live_peak;
    uint64_t overhead_bytes; /* most that a round's RSS rose above its beginning; PHASE_UNKNOWN: no samples */
    uint64_t allocations, allocated_bytes;
    uint64_t
        retained_bytes; /* born in its rounds, live at the end of the last; `between`: each at its own round's end */
    struct spread round_ns;
    uint64_t in_flight, peak_in_flight; /* operations of all names together */
    struct phase_unit *units;
    size_t unit_count;
    struct phase_op *ops;
    size_t op_count;
    struct phase_value *values;
    size_t value_count;
    struct phase_names unit_names, op_names, value_names; /* places in the lists */
    struct phase_round *kept;
    size_t kept_count;
    uint64_t stride;  /* one round in so many is kept */
    uint32_t open;    /* rounds under way */
    bool end_open;    /* the sample of the last end may still come */
    bool approximate; /* some edge is known to a line of output only */
};

extern const struct analysis phases_analysis; /* begin() returns a struct phases */
struct phases;
void phases_release(struct phases *phases);

size_t phases_count(const struct phases *phases);
const struct phase *phases_get(const struct phases *phases, size_t index);

struct phase_mark {
    char *name;
    uint64_t ns;
};
/* tidemark_mark() and requests; at most the first ten thousand. */
size_t phases_marks(const struct phases *phases, const struct phase_mark **marks);
/* Reason of the last STOP, NULL if there was none. */
const char *phases_stopped(const struct phases *phases);
/* Misuse of the API. */
uint64_t phases_anomalies(const struct phases *phases);

#endif
