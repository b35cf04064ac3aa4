/*
 * Everyone of a run who hears of its phases: the recorded processes that live now, each with a mailbox.
 */
#ifndef LAUNCH_AUDIENCE_H
#define LAUNCH_AUDIENCE_H

#include <stdbool.h>

#include "place.h"

struct audience;

struct audience *audience_new(const struct place *place); /* `place` must stay; NULL: out of memory */
void audience_free(struct audience *audience);            /* may be NULL */

/*
 * Posts the begin or the end of a phase, marked approximate. An end goes only to those who heard the begin of that level
 * (0 to 7). Who can't be reached, because it ends or its mailbox is full, misses it.
 */
void audience_post(struct audience *audience, unsigned level, bool begins, const char *name);

#endif
