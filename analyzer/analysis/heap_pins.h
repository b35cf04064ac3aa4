/*
 * Live blocks that keep free memory from going back: those above the widest free stretches of the heaps.
 */
#ifndef ANALYSIS_HEAP_PINS_H
#define ANALYSIS_HEAP_PINS_H

#include "look_areas.h"
#include "residency.h"

/*
 * Stores the pins of this look, if more memory lies free below them than `least_bytes`, and their number; 0: less.
 * Needs the pages complete, and sorts them (page_shares_sort()). `sum` gets the bytes below all of them.
 */
size_t heap_pins_find(struct look_areas *areas, struct page_shares *pages, uint64_t least_bytes,
                      struct residency_pin pins[RESIDENCY_PINS], uint64_t *sum);

#endif
