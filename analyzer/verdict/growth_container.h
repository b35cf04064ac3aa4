/*
 * Containers: vectors and tables that are replaced by larger ones. Pure.
 */
#ifndef VERDICT_GROWTH_CONTAINER_H
#define VERDICT_GROWTH_CONTAINER_H

#include "growth_selection.h"

/* Whether the largest container of the site grows with the work done, as entries that nobody removes make it. */
bool container_follows_work(const struct selection *selection);

/*
 * Of a container that does: whether the blocks of the process, of which it got more with each growth, have since come
 * at under half that rate. What it holds is then there, and it is not known yet that it will not grow again.
 */
bool container_contents_stopped(const struct selection *selection);

#endif
