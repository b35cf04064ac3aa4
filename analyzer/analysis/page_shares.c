/*
 * Pages with live blocks. See page_shares.h.
 */
#include "page_shares.h"

#include <stdlib.h>
#include <string.h>

static size_t home(const struct page_shares *shares, uint64_t number) {
    return (size_t)((number * 0x9e3779b97f4a7c15u) >> 32) & (shares->capacity - 1);
}

static struct shared_page *slot_of(const struct page_shares *shares, uint64_t number) {
    size_t at = home(shares, number);
    while (shares->rows[at].number && shares->rows[at].number != number + 1) at = (at + 1) & (shares->capacity - 1);
    return &shares->rows[at];
}

struct shared_page *page_shares_find(const struct page_shares *shares, uint64_t number) {
    if (!shares->capacity) return NULL;
    struct shared_page *row = slot_of(shares, number);
    return row->number ? row : NULL;
}

static bool grow(struct page_shares *shares) {
    struct page_shares old = *shares;
    size_t capacity = old.capacity ? 2 * old.capacity : 1024;
    struct shared_page *rows = calloc(capacity, sizeof *rows);
    if (!rows) return false;
    *shares = (struct page_shares){rows, capacity, old.used};
    for (size_t i = 0; i < old.capacity; i++)
        if (old.rows[i].number) *slot_of(shares, old.rows[i].number - 1) = old.rows[i];
    free(old.rows);
    return true;
}

struct shared_page *page_shares_add(struct page_shares *shares, uint64_t number, uint32_t map) {
    if (shares->used >= shares->capacity / 2 && !grow(shares)) return NULL;
    struct shared_page *row = slot_of(shares, number);
    if (!row->number) {
        *row = (struct shared_page){.number = number + 1, .map = map};
        shares->used++;
    }
    return row;
}

void page_shares_cover(struct shared_page *page, uint32_t bytes, bool continues) {
    page->blocks++;
    page->bytes = bytes < UINT32_MAX - page->bytes ? page->bytes + bytes : UINT32_MAX;
    page->continues |= continues;
}

/* Rounded down at both ends of the block's stretch, so that the shares leave nothing over. */
uint64_t page_shares_give(struct shared_page *page, uint32_t bytes) {
    uint64_t before = (uint64_t)PAGE_BYTES * page->given / page->bytes;
    uint32_t left = page->bytes - page->given;
    page->given += bytes < left ? bytes : left;
    return (uint64_t)PAGE_BYTES * page->given / page->bytes - before;
}

static int ascending(const void *a, const void *b) {
    uint64_t left = ((const struct shared_page *)a)->number, right = ((const struct shared_page *)b)->number;
    return (left > right) - (left < right);
}

void page_shares_sort(struct page_shares *shares) {
    size_t count = 0;
    for (size_t i = 0; i < shares->capacity; i++)
        if (shares->rows[i].number) shares->rows[count++] = shares->rows[i];
    if (count) qsort(shares->rows, count, sizeof *shares->rows, ascending);
}

void page_shares_clear(struct page_shares *shares) {
    free(shares->rows);
    *shares = (struct page_shares){0};
}
