/*
 * Stamps of phase edges and marks: rings that are encoded later keep the order of events around them. Each goes to a
 * ring of ours, for drains in this process, and to the file's header page, for the writer beside the target
 * (FORMAT.md). All functions: signals blocked.
 */
#ifndef PRELOAD_EDGES_H
#define PRELOAD_EDGES_H

#include <stdbool.h>
#include <stdint.h>

/* A fresh trace: forgets those of a parent. 0 or -ENOMEM. */
int edges_start(void);

/* Holds a lock from edge_begin to edge_end, in which the edge's stamp is taken. */
void edge_begin(void);
void edge_end(uint64_t stamp);
bool edge_is_mine(void); /* this thread is between the two */

/*
 * The stamps from `first` on, ascending, DRAIN_EDGES at most. How many; edges that are begun are waited for. As
 * drain_host.edges.
 */
long edges_since(void *unused, uint64_t first, uint64_t *out);

/* A stamp before which no event gets one that begins from now on. */
uint64_t edges_fresh_stamp(void);

#endif
