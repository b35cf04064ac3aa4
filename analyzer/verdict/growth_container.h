/*
 * Containers: vectors and tables that are replaced by larger ones. Pure.
 */
#ifndef VERDICT_GROWTH_CONTAINER_H
#define VERDICT_GROWTH_CONTAINER_H

#include "growth_selection.h"

/* Whether the largest container of the site grows with the work done, as entries that nobody removes make it. */
bool container_follows_work(const struct selection *selection);

/*
 * Of a container that does: whether the blocks of the process, of which it got more with each growth, come ever more
 * seldom, as in a cache that fills or is full. Whether it will grow again is not known then.
 */
bool container_contents_slow(const struct selection *selection);

#endif
