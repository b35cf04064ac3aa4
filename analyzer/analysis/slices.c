/*
 * Sparse counts by slice. See slices.h.
 */
#include "slices.h"

#include <stdlib.h>

#include "../list.h"
#include "../must.h"

struct slice_counts *slices_add(struct slice_list *list, uint32_t slice) {
    struct slice_counts *counts = must(LIST_ADD(list->items, list->count));
    *counts = (struct slice_counts){.slice = slice};
    return counts;
}

static void add_to(struct slice_counts *sum, const struct slice_counts *counts) {
    sum->temporary += counts->temporary;
    sum->allocations += counts->allocations;
    sum->bytes += counts->bytes;
    sum->blocks += counts->blocks;
}

void slices_double(struct slice_list *list) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        struct slice_counts counts = list->items[i];
        counts.slice /= 2;
        if (kept && list->items[kept - 1].slice == counts.slice) add_to(&list->items[kept - 1], &counts);
        else list->items[kept++] = counts;
    }
    list->count = kept;
}

void slices_release(struct slice_list *list) {
    free(list->items);
    *list = (struct slice_list){0};
}
