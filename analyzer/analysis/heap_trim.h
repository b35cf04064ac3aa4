/*
 * How many of the free pages of heaps glibc's malloc_trim(0) would give back: whole pages of free chunks but for the
 * chunk's own notes at its front, in the heap's mapping and in those of the threads' arenas, of which the last free
 * chunk is not trimmed (glibc 2.36, malloc.c: mtrim, systrim).
 */
#ifndef ANALYSIS_HEAP_TRIM_H
#define ANALYSIS_HEAP_TRIM_H

#include "look_areas.h"

/*
 * Pages that stay for the allocator's notes around a block, and for those at the front of each heap: they become rows
 * of `pages` and are `blocked` in their area. Heaps must be known. False: out of memory.
 */
bool heap_trim_keep_around(struct look_areas *areas, struct page_shares *pages, const struct look_piece *piece);
bool heap_trim_keep_fronts(struct look_areas *areas, struct page_shares *pages);

/* Free pages of this heap that malloc_trim gives back, once all that stay are known. */
uint64_t heap_trim_pages(struct look_areas *areas, size_t map);

#endif
