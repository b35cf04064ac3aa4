/*
 * Everyone of a run who hears of its phases: the recorded processes that live now, each with a mailbox.
 */
#ifndef LAUNCH_AUDIENCE_H
#define LAUNCH_AUDIENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "place.h"

struct audience;

struct audience *audience_new(const struct place *place); /* `place` must stay; NULL: out of memory */
void audience_free(struct audience *audience);            /* may be NULL */

/* Before a stamp is taken for audience_post. */
void audience_announce(struct audience *audience);

/*
 * Posts the begin or the end of a phase at `stamp` (mailbox_now()), marked approximate. An end goes only to those who
 * heard the begin of that level (0 to 7). What comes faster than a recorder takes it waits here.
 */
void audience_post(struct audience *audience, unsigned level, bool begins, const char *name, uint64_t stamp);

/* How many recorded processes of the run live now: after the program's end, those that it left behind. */
size_t audience_living(const struct place *place);

/* When the program has ended: what still waits goes into the traces of the processes that have gone. */
void audience_finish(struct audience *audience);

#endif
