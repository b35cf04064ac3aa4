/*
 * The mappings of a look with what is found out about each, and where the resident pages lie in them. A page is known
 * by its number: its address less all of PAGE_BYTES.
 *
 * Refers to the look, for as long as that lasts. Searches remember where they ended, so even they are for one thread.
 */
#ifndef ANALYSIS_LOOK_AREAS_H
#define ANALYSIS_LOOK_AREAS_H

#include "analysis.h"
#include "page_shares.h"

struct area {                         /* of one mapping */
    uint64_t resident, held, blocked; /* pages; blocked: free, but with notes of the allocator that malloc_trim keeps */
    uint64_t top;                     /* where its highest heap block ends; 0: none */
    bool heap;
};

struct area_run { /* of resident pages, with its mapping */
    uint64_t start, end;
    uint32_t map;
};

struct look_areas {
    const struct look *look;
    struct area *list; /* in the order of look->maps */
    struct area_run *runs;
    size_t run_count, run_last;
};

static inline uint64_t page_of(uint64_t address) { return address / PAGE_BYTES; }

/* False: out of memory; look_areas_end() is due all the same. */
bool look_areas_begin(struct look_areas *areas, const struct look *look);
void look_areas_end(struct look_areas *areas);

/* The run that holds the page; NULL: it is not resident. */
const struct area_run *look_areas_run(struct look_areas *areas, uint64_t page);
/* Resident pages in [first, end). */
uint64_t look_areas_resident(struct look_areas *areas, uint64_t first, uint64_t end);
/* The same, and each mapping holds its part of them from now on. */
uint64_t look_areas_hold(struct look_areas *areas, uint64_t first, uint64_t end);

#endif
