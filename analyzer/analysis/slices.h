/*
 * What a site did in each slice of the run (ages.h), sparse: allocations, their bytes, how many were temporary, and by
 * how many blocks it grew. So that a part of the run can be told apart from the whole.
 *
 * Called by sites.c, on one thread. Aborts when out of memory. Memory: 32 bytes for each slice in which the site ran.
 */
#ifndef ANALYSIS_SLICES_H
#define ANALYSIS_SLICES_H

#include <stdint.h>

struct slice_counts {
    uint32_t slice, temporary;
    uint64_t allocations, bytes;
    uint64_t blocks; /* born less ended, modulo 2^64 */
};

struct slice_list {
    struct slice_counts *items; /* ascending */
    uint32_t count;
};

struct slice_counts *slices_add(struct slice_list *list, uint32_t slice);
/* The counts of a slice, which is no earlier one than was asked for before. */
static inline struct slice_counts *slices_at(struct slice_list *list, uint32_t slice) {
    if (list->count && list->items[list->count - 1].slice == slice) return &list->items[list->count - 1];
    return slices_add(list, slice);
}
/* Slices of twice the length. */
void slices_double(struct slice_list *list);
void slices_release(struct slice_list *list);

#endif
