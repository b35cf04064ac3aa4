/*
 * Sites again, but over chosen blocks only: of one thread, of some sizes, born in a span of time, of some lifetimes.
 * For display; no verdict is made from it.
 *
 * A block that is never freed counts as living for ever. Where lifetimes have an upper end, blocks are therefore
 * counted at their death, and what is live meanwhile is not known.
 */
#ifndef ANALYSIS_SELECTION_H
#define ANALYSIS_SELECTION_H

#include "sites.h"

/* begin() returns a struct selection; the choice is that of the replay's facts. */
extern const struct analysis selection_analysis;
struct selection;
void selection_release(struct selection *selection);

const struct sites *selection_sites(const struct selection *selection);

#endif
