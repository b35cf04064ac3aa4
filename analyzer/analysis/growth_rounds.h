/*
 * Where a moment lies: in which round of which phases, for every way of counting rounds that may be judged later.
 *
 * A series is one way of counting the rounds of one phase: its repetitions, windows of operations, items or events, or
 * its children that ran once each. Rounds are counted in raw units; a judged round is raw >> shift, where shift grows
 * so that there are never more than GROWTH_MOST_ROUNDS (64 for windows). An epoch is a stretch in which no series moves
 * on; blocks refer to the epoch of their birth. Changed by growth.c only, on one thread.
 */
#ifndef ANALYSIS_GROWTH_ROUNDS_H
#define ANALYSIS_GROWTH_ROUNDS_H

#include "analysis.h"
#include "growth_evidence.h"

enum series_kind { SERIES_PHASES, SERIES_OPERATIONS, SERIES_ITEMS, SERIES_EVENTS, SERIES_SIBLINGS, SERIES_KINDS };

struct round_work {                    /* of the phase in one judged round */
    uint64_t items, operations, fresh; /* fresh: see struct rounds */
    uint64_t ns;                       /* that it lasted */
    uint64_t live_blocks;              /* of the process, when it ended */
    uint32_t in_flight;                /* most operations at once */
    bool skip;
};

struct series {
    enum series_kind kind;
    uint32_t phase;
    unsigned shift;
    bool dropped; /* a better series has enough rounds; its records are void */
    bool active;
    uint64_t placed;         /* the last placing in which it counted */
    uint64_t at;             /* raw round of what is born now, if active */
    uint64_t ended;          /* complete raw rounds */
    uint64_t since;          /* events of the process when it became active, */
    uint64_t since_then;     /* fresh ones, */
    uint64_t since_ns;       /* and its time */
    struct round_work *work; /* by judged round */
    size_t work_count;
};

struct place {
    uint32_t series;
    uint64_t raw;
};

struct link { /* in a ring, so that what live blocks still hold can be freed at the end */
    struct link *next, *previous;
};

struct epoch {
    struct link link;    /* first */
    uint32_t references; /* live blocks and layers, and the current epoch's own */
    uint32_t count;
    struct place places[];
};

struct phase_state {
    char *name;
    uint32_t parent;  /* index, UINT32_MAX at the top */
    uint32_t gap;     /* phase `between NAME`, UINT32_MAX while there is none */
    uint32_t of;      /* for a gap: NAME's index; else UINT32_MAX */
    uint32_t ordinal; /* among its parent's children */
    uint32_t children, repeated_children;
    uint64_t begun, ended;
    uint64_t item_calls;
    uint32_t series[SERIES_KINDS]; /* UINT32_MAX: none */
};

struct instance {
    uint32_t phase, thread;
    uint64_t raw;
};

#define NO_INDEX UINT32_MAX
#define RUN_PHASE 0u /* the phase of what lies outside all others */

struct rounds {
    struct phase_state *phases;
    size_t phase_count;
    uint32_t *names; /* hash table of phase indices + 1 */
    size_t name_room;
    struct series *series;
    size_t series_count;
    struct instance *instances; /* active ones, oldest first */
    size_t instance_count;
    uint32_t *active; /* series that count now */
    size_t active_count;
    uint64_t placing;    /* counts how often they were chosen */
    uint32_t last_ended; /* phase whose gap may be on */
    uint32_t in_flight;
    uint64_t start_up;            /* events outside all phases before the first one began */
    uint64_t events, next_window; /* of the process; when some series may reach its next window */
    uint64_t ns;                  /* the last moment that was told, */
    uint64_t live_blocks;         /* and the process's blocks then */
    uint64_t fresh;               /* of those events, all but releases of what is older than the last edge */
    uint32_t work_ends;           /* rounds and operations that ended before exit */
    bool exiting;
    bool approximate; /* an edge is known to a line of output only */
    struct link epochs;
    struct epoch *epoch; /* the current one; NULL until something is born in it */
};

struct rounds *rounds_new(void);
void rounds_release(struct rounds *rounds);
void rounds_control(struct rounds *rounds, const struct control *control, const struct moment *now);
/* Whether another event completes a window: then rounds_window() comes with it. */
static inline bool rounds_next_fills_window(const struct rounds *rounds) {
    return rounds->events + 1 >= rounds->next_window;
}
void rounds_window(struct rounds *rounds);
struct epoch *rounds_new_epoch(struct rounds *rounds);
static inline struct epoch *rounds_epoch(struct rounds *rounds) {
    return rounds->epoch ? rounds->epoch : rounds_new_epoch(rounds);
}
void epoch_free(struct epoch *epoch);
static inline void epoch_release(struct epoch *epoch) {
    if (epoch && --epoch->references == 0) epoch_free(epoch);
}
/*
 * How many events of the windows of `run` are the program's start: those before its first phase, where it marks work
 * that repeats. A single phase that begins once may as well be a late part of work that is not marked.
 */
uint64_t rounds_start_up(const struct rounds *rounds);
/* Closes what is open; phases that are still active keep their last round incomplete. */
void rounds_end(struct rounds *rounds, const struct moment *now);

static inline void link_into(struct link *ring, struct link *link) {
    link->next = ring->next;
    link->previous = ring;
    ring->next->previous = link;
    ring->next = link;
}

static inline void link_out(struct link *link) {
    link->previous->next = link->next;
    link->next->previous = link->previous;
}

/* The raw round that a block dies in: the current one, or between rounds the next. */
static inline uint64_t series_now(const struct series *series) { return series->active ? series->at : series->ended; }

/* Complete rounds as judged. */
static inline size_t series_complete(const struct series *series) { return (size_t)(series->ended >> series->shift); }
/* Whether its rounds are windows, all of the same work. */
static inline bool series_has_windows(const struct series *series) {
    return series->kind != SERIES_PHASES && series->kind != SERIES_SIBLINGS;
}

/*
 * What may turn out to be after the end. A death now may lie after the last round of the series, if `between`, and
 * after the last work of the process; the tags tell this stretch from later ones: the death did lie there if the tag is
 * still the same at the end. Where edges are known to a line of output only, the last round counts as over from its
 * begin on: its end may have been noticed when the program was tearing down.
 */
struct series_stretch {
    uint32_t rounds_tag, work_tag;
    bool between;
};
struct series_stretch series_stretch(const struct rounds *rounds, const struct series *series);

#endif
