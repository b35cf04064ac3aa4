/*
 * What is mapped in the replayed process and which pages are resident, as its looks tell (FORMAT.md "Looks"): changes,
 * record by record, to a state that is true whenever a look ends.
 *
 * Memory follows the mappings and the runs of resident pages at one moment.
 */
#ifndef REPLAY_LANDSCAPE_H
#define REPLAY_LANDSCAPE_H

#include "../analysis/analysis.h"
#include "../input/records.h"

struct landscape {
    struct look_map *maps; /* ascending, disjoint; runs and names are owned */
    size_t count, capacity;
};

/* Takes a mapping or residency record in; others change nothing, an invalid one as far as it goes. 0 or -ENOMEM. */
int landscape_read(struct landscape *landscape, const struct record *record);
void landscape_end(struct landscape *landscape);

#endif
