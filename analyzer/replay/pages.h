/*
 * How many pages hold at least one live byte: what a heap must cost, however it is laid out.
 *
 * A count of blocks per page, kept only for pages in which a block begins or ends; the pages between belong to one block
 * and are added as a number. A block of any size costs two counts.
 */
#ifndef REPLAY_PAGES_H
#define REPLAY_PAGES_H

#include <stddef.h>
#include <stdint.h>

#define PAGES_SHIFT 12u
#define PAGES_PER_REGION 512u
#define PAGES_CACHE 256u

struct page_region {
    uint64_t number; /* address divided by the region's size */
    uint16_t blocks[PAGES_PER_REGION];
};

struct pages {
    struct page_region **table; /* open addressing, power of two */
    size_t capacity, used;
    struct page_region *cache[PAGES_CACHE]; /* by the low bits of the number */
    uint64_t pinned;                        /* pages */
};

/* 0 or -ENOMEM. */
int pages_begin(struct pages *pages);
void pages_end(struct pages *pages);

/* A block of `size` bytes is there, or is gone. 0 or -ENOMEM. */
int pages_pin(struct pages *pages, uint64_t address, uint64_t size);
void pages_unpin(struct pages *pages, uint64_t address, uint64_t size);

#endif
