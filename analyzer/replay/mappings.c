/*
 * Disjoint ranges in a sorted array: there are few of them beside blocks, and lookups are what matters. See mappings.h.
 */
#include "mappings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Index of the first range that ends after `address`. */
static size_t first_after(const struct mappings *m, uint64_t address) {
    size_t low = 0, high = m->list.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->list.ranges[middle].end > address) high = middle;
        else low = middle + 1;
    }
    return low;
}

static int insert_at(struct range_list *list, size_t at, struct map_range range) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        struct map_range *grown = realloc(list->ranges, capacity * sizeof *grown);
        if (!grown) return -ENOMEM;
        list->ranges = grown;
        list->capacity = capacity;
    }
    memmove(list->ranges + at + 1, list->ranges + at, (list->count - at) * sizeof *list->ranges);
    list->ranges[at] = range;
    list->count++;
    return 0;
}

static void remove_at(struct range_list *list, size_t at) {
    list->count--;
    memmove(list->ranges + at, list->ranges + at + 1, (list->count - at) * sizeof *list->ranges);
}

void mappings_end(struct mappings *m) {
    for (size_t i = 0; i < m->list.count; i++)
        if (!--m->list.ranges[i].mapping->pieces) free(m->list.ranges[i].mapping);
    free(m->list.ranges);
    *m = (struct mappings){0};
}

int mappings_add(struct mappings *m, struct map_range range) {
    m->quiet_size = 0;
    return insert_at(&m->list, first_after(m, range.start), range);
}

/* Splits the range at index `at` so that a range begins at `address`, which lies inside it. */
static int split(struct mappings *m, size_t at, uint64_t address) {
    struct map_range upper = m->list.ranges[at];
    upper.start = address;
    if (insert_at(&m->list, at + 1, upper)) return -ENOMEM;
    m->list.ranges[at].end = address;
    upper.mapping->pieces++;
    return 0;
}

int mappings_cut(struct mappings *m, uint64_t start, uint64_t end, struct range_list *out) {
    m->quiet_size = 0;
    size_t at = first_after(m, start);
    while (at < m->list.count && m->list.ranges[at].start < end) {
        struct map_range *range = &m->list.ranges[at];
        if (range->start < start) {
            if (split(m, at, start)) return -ENOMEM;
            at++;
            continue;
        }
        if (range->end > end && split(m, at, end)) return -ENOMEM;
        if (insert_at(out, out->count, m->list.ranges[at])) return -ENOMEM;
        remove_at(&m->list, at);
    }
    return 0;
}

const struct map_range *mappings_find(const struct mappings *m, uint64_t address) {
    size_t at = first_after(m, address);
    bool inside = at < m->list.count && m->list.ranges[at].start <= address;
    return inside ? &m->list.ranges[at] : NULL;
}

struct mapping *mappings_search(struct mappings *m, uint64_t address) {
    size_t at = first_after(m, address);
    uint64_t start = at ? m->list.ranges[at - 1].end : 0;
    uint64_t end = at < m->list.count ? m->list.ranges[at].start : UINT64_MAX;
    if (end <= address) {
        const struct map_range *range = &m->list.ranges[at];
        if (!range->mapping->internal) return range->mapping;
        start = range->start;
        end = range->end;
    }
    m->quiet_start = start;
    m->quiet_size = end - start;
    return NULL;
}
