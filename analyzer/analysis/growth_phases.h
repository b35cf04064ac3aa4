/*
 * The phases as they are judged, each by the best way of counting its rounds, and what the stacks did in them. Chosen
 * when the process is over; then growth_phase() and growth_record() of growth.h tell about them.
 */
#ifndef ANALYSIS_GROWTH_PHASES_H
#define ANALYSIS_GROWTH_PHASES_H

#include "growth_stacks.h"
#include "growth_work.h"

struct chosen_phase {
    uint32_t series;
    size_t round_count; /* complete ones as judged */
    uint64_t rounds;    /* before pairing */
    struct usual_round usual;
    uint64_t *survivors; /* by round: blocks of all stacks born in it that live at the end of the phase */
};

struct growth_phases {
    const struct rounds *rounds;
    struct chosen_phase *list;
    size_t count;
    struct record **records; /* of the chosen series; those of the stacks */
    size_t *phase_of;        /* of each record: index in the list */
    size_t record_count, record_room;
};

/* Nothing is born or dies any more: rounds_end() was called. The rounds and the stacks must outlive the phases. */
void growth_phases_choose(struct growth_phases *phases, const struct rounds *rounds,
                          const struct growth_stacks *stacks);
void growth_phases_release(struct growth_phases *phases);

static inline const struct series *growth_phases_series(const struct growth_phases *phases, size_t phase) {
    return &phases->rounds->series[phases->list[phase].series];
}

/* The stretches that turned out to be the last ones of a series. */
struct record_tags growth_phases_tags(const struct rounds *rounds, const struct series *series);

#endif
