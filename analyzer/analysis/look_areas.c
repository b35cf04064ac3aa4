/*
 * The mappings of a look. See look_areas.h.
 */
#include "look_areas.h"

#include <stdlib.h>

#include "extremes.h"

static void add_runs(struct look_areas *areas, size_t map) {
    const struct look_map *at = &areas->look->maps[map];
    for (size_t i = 0; i < at->run_count; i++) {
        const struct area_run run = {page_of(at->runs[i].start), page_of(at->runs[i].end), (uint32_t)map};
        areas->runs[areas->run_count++] = run;
        areas->list[map].resident += run.end - run.start;
    }
}

bool look_areas_begin(struct look_areas *areas, const struct look *look) {
    size_t count = 0;
    for (size_t i = 0; i < look->map_count; i++) count += look->maps[i].run_count;
    *areas = (struct look_areas){.look = look,
                                 .list = calloc(look->map_count + 1, sizeof *areas->list),
                                 .runs = calloc(count + 1, sizeof *areas->runs)};
    if (!areas->list || !areas->runs) return false;
    for (size_t i = 0; i < look->map_count; i++) add_runs(areas, i);
    return true;
}

void look_areas_end(struct look_areas *areas) {
    free(areas->list);
    free(areas->runs);
    *areas = (struct look_areas){0};
}

/*
 * The first run that ends above this page; blocks come in the order of allocation, so often the one of the last time.
 */
static size_t run_above(struct look_areas *areas, uint64_t page) {
    size_t low = 0, high = areas->run_count, last = areas->run_last;
    if (last < high && areas->runs[last].end > page) {
        if (areas->runs[last].start <= page) return last;
        high = last;
    } else if (last < high) {
        low = last + 1;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (areas->runs[middle].end <= page) low = middle + 1;
        else high = middle;
    }
    if (low < areas->run_count) areas->run_last = low;
    return low;
}

const struct area_run *look_areas_run(struct look_areas *areas, uint64_t page) {
    size_t at = run_above(areas, page);
    return at < areas->run_count && areas->runs[at].start <= page ? &areas->runs[at] : NULL;
}

static uint64_t count(struct look_areas *areas, uint64_t first, uint64_t end, bool hold) {
    uint64_t sum = 0;
    if (first >= end) return 0;
    for (size_t at = run_above(areas, first); at < areas->run_count && areas->runs[at].start < end; at++) {
        uint64_t pages = least(areas->runs[at].end, end) - most(areas->runs[at].start, first);
        if (hold) areas->list[areas->runs[at].map].held += pages;
        sum += pages;
    }
    return sum;
}

uint64_t look_areas_resident(struct look_areas *areas, uint64_t first, uint64_t end) {
    return count(areas, first, end, false);
}

uint64_t look_areas_hold(struct look_areas *areas, uint64_t first, uint64_t end) {
    return count(areas, first, end, true);
}
