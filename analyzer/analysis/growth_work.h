/*
 * The work done in the rounds of a series: what measures it, and which rounds' work may stand in a neighbour. Pure.
 */
#ifndef ANALYSIS_GROWTH_WORK_H
#define ANALYSIS_GROWTH_WORK_H

#include "growth_evidence.h"
#include "growth_rounds.h"

/*
 * By half of what its rounds usually last, and the time of writing a line at least; by one and a half of what they
 * usually allocate.
 */
struct usual_round {
    uint64_t least_ns;    /* rounds that lasted less have their edges late, or together with others' */
    uint64_t work_of_two; /* from so many allocations on, a round has some that belong to its neighbour */
    size_t told;          /* rounds that lasted long enough to be told from each other */
};
struct usual_round growth_work_usual(const struct series *series);

/*
 * Sets work, skip and merged of `count` rounds. `survivors`: by round, blocks of all stacks born in it that live at the
 * end of the phase. Returns whether events are the work: all but those that allocated what stays, and would explain
 * itself.
 */
bool growth_work_fill(const struct series *series, const struct usual_round *usual, const uint64_t *survivors,
                      struct growth_round *rounds, size_t count);

#endif
