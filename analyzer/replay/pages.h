/*
 * How many pages hold at least one live byte: what a heap must cost, however it is laid out.
 *
 * A count of blocks per page, kept only for pages in which a block begins or ends; the pages between belong to one
 * block and are added as a number. A block of any size costs two counts.
 */
#ifndef REPLAY_PAGES_H
#define REPLAY_PAGES_H

#include <errno.h>
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

/* The count of a page that the cache does not know; NULL: out of memory. */
uint16_t *pages_find(struct pages *pages, uint64_t page);

static inline uint16_t *pages_count(struct pages *pages, uint64_t page) {
    uint64_t number = page / PAGES_PER_REGION;
    struct page_region *region = pages->cache[number % PAGES_CACHE];
    return region && region->number == number ? &region->blocks[page % PAGES_PER_REGION] : pages_find(pages, page);
}

static inline int pages_pin_one(struct pages *pages, uint64_t page) {
    uint16_t *count = pages_count(pages, page);
    if (!count) return -ENOMEM;
    pages->pinned += !*count;
    *count = (uint16_t)(*count + (*count < UINT16_MAX));
    return 0;
}

static inline void pages_unpin_one(struct pages *pages, uint64_t page) {
    uint16_t *count = pages_count(pages, page);
    if (!count || !*count) return;
    pages->pinned -= !--*count;
}

static inline uint64_t pages_last(uint64_t address, uint64_t size) {
    uint64_t last = address + size - 1;
    return (last < address ? UINT64_MAX : last) >> PAGES_SHIFT;
}

/* A block of `size` bytes is there, or is gone. 0 or -ENOMEM. */
static inline int pages_pin(struct pages *pages, uint64_t address, uint64_t size) {
    uint64_t first = address >> PAGES_SHIFT, last = pages_last(address, size);
    if (!size) return 0;
    if (pages_pin_one(pages, first)) return -ENOMEM;
    if (last == first) return 0;
    pages->pinned += last - first - 1;
    return pages_pin_one(pages, last);
}

static inline void pages_unpin(struct pages *pages, uint64_t address, uint64_t size) {
    uint64_t first = address >> PAGES_SHIFT, last = pages_last(address, size);
    if (!size) return;
    pages_unpin_one(pages, first);
    if (last == first) return;
    pages->pinned -= last - first - 1;
    pages_unpin_one(pages, last);
}

#endif
