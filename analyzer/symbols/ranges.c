/*
 * Sorted address ranges with binary search. Overlap is rare (a damaged file, a JIT that moved code), so a search looks
 * back a fixed number of ranges instead of keeping a tree.
 */
#include "ranges.h"

#include <errno.h>
#include <stdlib.h>

#include "../list.h"

enum { LOOK_BACK = 16 };

int ranges_add(struct ranges *ranges, uint64_t low, uint64_t high, size_t value) {
    if (low >= high) return 0;
    struct range *added = LIST_ADD(ranges->items, ranges->count);
    if (!added) return -ENOMEM;
    *added = (struct range){low, high, value};
    ranges->sealed = false;
    return 0;
}

/* By begin, then in the order of adding: values grow with it. */
static int compare(const void *a, const void *b) {
    const struct range *x = a, *y = b;
    if (x->low != y->low) return x->low < y->low ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

static void seal(struct ranges *ranges) {
    if (ranges->count) qsort(ranges->items, ranges->count, sizeof *ranges->items, compare);
    ranges->sealed = true;
}

/* How many ranges begin at or before the address. */
static size_t begun(const struct ranges *ranges, uint64_t address) {
    size_t from = 0, to = ranges->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (ranges->items[middle].low <= address) from = middle + 1;
        else to = middle;
    }
    return from;
}

size_t ranges_find(struct ranges *ranges, uint64_t address) {
    if (!ranges->sealed) seal(ranges);
    size_t at = begun(ranges, address);
    size_t stop = at > LOOK_BACK ? at - LOOK_BACK : 0;
    while (at-- > stop)
        if (address < ranges->items[at].high) return ranges->items[at].value;
    return RANGES_NONE;
}

void ranges_release(struct ranges *ranges) {
    free(ranges->items);
    *ranges = (struct ranges){0};
}
