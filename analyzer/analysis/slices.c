/*
 * Sparse counts by slice. See slices.h.
 */
#include "slices.h"

#include <stdlib.h>

#include "../must.h"

struct slice_counts *slices_add(struct slice_list *list, uint32_t slice) {
    if (list->count == list->room) {
        list->room = list->room ? 2 * list->room : 2;
        list->items = must(realloc(list->items, list->room * sizeof *list->items));
    }
    list->items[list->count] = (struct slice_counts){.slice = slice};
    return &list->items[list->count++];
}

void slices_double(struct slice_list *list) {
    uint32_t count = list->count;
    list->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct slice_counts from = list->items[i], *into = slices_at(list, from.slice / 2);
        into->temporary += from.temporary;
        into->allocations += from.allocations;
        into->bytes += from.bytes;
        into->blocks += from.blocks;
    }
}

void slices_release(struct slice_list *list) {
    free(list->items);
    *list = (struct slice_list){0};
}
