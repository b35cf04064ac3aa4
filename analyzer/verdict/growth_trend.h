/*
 * Whether a growth goes on as it began: slows, has stopped, follows the peaks of work, comes in stretches. Pure.
 */
#ifndef VERDICT_GROWTH_TREND_H
#define VERDICT_GROWTH_TREND_H

#include "growth_selection.h"

bool trend_slows(const struct selection *selection);
/* From the very first round on that counts. */
bool trend_slows_on_the_whole(const struct selection *selection);
/*
 * The same for rounds of which only some added: slots that fill one by one are told from an error path by their
 * beginning, too.
 */
bool trend_slows_from_the_start(const struct selection *selection);
/* Whether those that added come at one pace, whole rounds or not: as of a pool that is used up by as much in each. */
bool trend_keeps_pace(const struct selection *selection);
/* With all rounds taken for equal work, where allocations are the only work known. */
bool trend_slows_by_rounds(const struct selection *selection);
bool trend_has_stopped(const struct selection *selection);
/* A pool that grows to the highest load. */
bool trend_follows_peak(const struct selection *selection);
/* An error path adds now and then; a pool that grows to the most ever in use, in few stretches. */
bool trend_in_stretches(const struct selection *selection);
/*
 * Whether the evidence rounds from index `from` on add steadily what the rounds before, but the site's first, would not
 * have let expect.
 */
bool trend_settles(const struct selection *all, uint32_t from);

#endif
