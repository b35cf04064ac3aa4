/*
 * The pages in which live blocks begin or end, with how much of each is covered, by page number; and the areas they lie
 * in. Pages between belong to one block and need no row.
 */
#ifndef ANALYSIS_PAGE_SHARES_H
#define ANALYSIS_PAGE_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096u

struct shared_page {
    uint64_t number; /* of the page + 1; 0: free row */
    uint32_t bytes;  /* covered by live blocks, each at least 1; at its largest where those of a forged trace overlap */
    uint32_t given;  /* of these, bytes that have got their share */
    uint32_t blocks; /* 0: kept only by the allocator's notes beside a block */
    uint32_t map;    /* index of the mapping */
    bool continues;  /* a block goes on into the next page */
};

struct page_shares {
    struct shared_page *rows; /* open addressing; capacity is a power of two */
    size_t capacity, used;
};

/* The row of a page, NULL where it has none. */
struct shared_page *page_shares_find(const struct page_shares *shares, uint64_t number);
/* The same, made where there is none (then blocks and bytes are 0). NULL: out of memory. Rows move. */
struct shared_page *page_shares_add(struct page_shares *shares, uint64_t number, uint32_t map);

/* A block covers `bytes` of the page, and goes on into the next one if it `continues`. */
void page_shares_cover(struct shared_page *page, uint32_t bytes, bool continues);

/* What a block that covers `bytes` of the page gets of it; all shares of a page add up to PAGE_BYTES. */
uint64_t page_shares_give(struct shared_page *page, uint32_t bytes);

/* Packs the used rows, ascending by page, into the front; only reading rows[0..used) and clear are allowed then. */
void page_shares_sort(struct page_shares *shares);
void page_shares_clear(struct page_shares *shares);

#endif
