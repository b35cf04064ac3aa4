/*
 * What is known about the growth of one site in one phase: the input of the classifier (verdict/growth.h).
 *
 * Filled from exact births and deaths by analysis/growth_evidence.c, or by a generator in tests; holds facts only, no
 * judgement. A block that was enlarged counts as one block per layer (see analysis/growth_layers.h), so blocks here are
 * layers.
 */
#ifndef ANALYSIS_GROWTH_EVIDENCE_H
#define ANALYSIS_GROWTH_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "growth_lives.h"

/* In order of worth: what one round is. Names as in the report: growth_kind_name(). */
enum growth_kind { GROWTH_ROUNDS_PHASES, GROWTH_ROUNDS_OPERATIONS, GROWTH_ROUNDS_ITEMS, GROWTH_ROUNDS_EVENTS };

/* Who owns the blocks, as far as functions and modules tell. */
enum growth_owner {
    GROWTH_OWNER_PROGRAM,
    GROWTH_OWNER_RUNTIME,     /* kept by design by the C and C++ libraries, the loader or the allocator */
    GROWTH_OWNER_THREADS,     /* control blocks of threads: the C library keeps them until a thread is joined */
    GROWTH_OWNER_INTERPRETER, /* a language runtime with pools of its own */
    GROWTH_OWNER_COLLECTOR,   /* so, and what is garbage stays until its collector runs */
    GROWTH_OWNER_POOL,
};

struct growth_amount {
    uint64_t blocks, bytes;
};

#define GROWTH_LEAST_ROUND_NS 1000u /* less is not even the time of writing a line */
#define GROWTH_MOST_ROUNDS 256u     /* where there are more, neighbours are paired */

/* One complete round. The amounts are blocks of the site born in this round; each is part of the one before it. */
struct growth_round {
    double work;                 /* of the phase in this round: items, operations or events */
    struct growth_amount held;   /* live at the end of the phase */
    struct growth_amount kept;   /* of those, live when teardown begins */
    struct growth_amount exited; /* of those, live when exit begins */
    struct growth_amount never;  /* of those, never released */
    double level;                /* blocks of the site, whenever born, when the round ended; NAN: not known */
    bool merged;                 /* what was done in it may have been counted for another: see growth_work.c */
    bool skip;                   /* no evidence: not of the kind that the others are, or events were lost in it */
    double process;              /* live blocks of the process when the round ended; 0: not known */
};

/* What the site had live at the ends of the rounds. */
struct growth_level {
    uint64_t peak, last;       /* blocks: most at the end of any round, and at the end of the last */
    uint32_t falls;            /* times it fell to half or less of the highest level since the previous fall */
    bool steady_after_warm_up; /* never above its level after the first round in which the site ran */
    uint32_t rises, last_rise; /* rounds that ended with more than any before; index of the last one */
    uint32_t unchanged;        /* rounds at the end of the phase that ended with as much as the last */
    uint64_t sum;              /* over the ends of all rounds */
};

/* The largest container of the site, or all of an arena: its capacity after each growth. */
struct growth_step {
    uint32_t round; /* index */
    uint64_t bytes;
};

struct growth_evidence {
    enum growth_kind kind;
    const struct growth_round *rounds;
    size_t count;              /* at most GROWTH_MOST_ROUNDS */
    uint32_t each;             /* rounds that one entry stands for, after pairing; 0 is 1 */
    uint32_t first;            /* index of the round in which the site first ran */
    uint32_t start_up;         /* rounds at the beginning in which the program started: no evidence */
    uint64_t freed;            /* blocks that it freed during the phase */
    double reach;              /* rounds; where freed is 0, of the allocating function */
    bool reach_borrowed;       /* the reach is the function's */
    struct growth_lives lives; /* of the blocks freed */
    struct growth_level level;
    int64_t process_rise;   /* live blocks of the process: more after the last births than before the first */
    uint64_t before, after; /* blocks of the site, whenever born: at the phase's begin, and after it last ran in it */
    const struct growth_step *steps;
    size_t step_count;
    bool arena;    /* the steps are sums of ever larger blocks, all of which stay */
    bool enlarged; /* some of its blocks grew, or took the places of smaller ones */
    enum growth_owner owner;
    uint64_t owner_freed; /* blocks that the whole allocating function freed during the phase */
    uint64_t owner_held;  /* bytes of its blocks from the phase that stay */
    bool work_is_events;  /* no better work is known than the allocations and releases themselves */
    uint32_t threads;     /* that allocated what is held */
    bool steady;          /* the phase is declared to need no more memory from one round to the next */
    bool builds;          /* the phase is declared to leave a structure behind on purpose */
    bool exit_seen;       /* the process reached its exit */
    bool approximate;     /* edges of phases are known to a line of output only */
    bool cut;             /* the recording ends before the process did */
    uint64_t lost_events; /* frees may be among them */
};

/*
 * Whether the blocks of a whole function are judged by how long any of them lived: who owns them keeps memory to use it
 * again.
 */
static inline bool growth_owner_keeps(enum growth_owner owner) {
    return owner == GROWTH_OWNER_INTERPRETER || owner == GROWTH_OWNER_COLLECTOR || owner == GROWTH_OWNER_POOL;
}

#endif
