/*
 * Counts pinned pages. See pages.h.
 */
#include "pages.h"

#include <errno.h>
#include <stdlib.h>

#define REGION_SHIFT (PAGES_SHIFT + 9u)
#define FIRST_CAPACITY 256u

int pages_begin(struct pages *pages) {
    *pages = (struct pages){.capacity = FIRST_CAPACITY};
    pages->table = calloc(pages->capacity, sizeof *pages->table);
    return pages->table ? 0 : -ENOMEM;
}

void pages_end(struct pages *pages) {
    for (size_t i = 0; i < pages->capacity; i++) free(pages->table[i]);
    free(pages->table);
    *pages = (struct pages){0};
}

static size_t slot_of(struct page_region *const *table, size_t capacity, uint64_t number) {
    size_t at = (size_t)((number * 0x9e3779b97f4a7c15u) >> 32) & (capacity - 1);
    while (table[at] && table[at]->number != number) at = (at + 1) & (capacity - 1);
    return at;
}

static int grow(struct pages *pages) {
    size_t capacity = 2 * pages->capacity;
    struct page_region **table = calloc(capacity, sizeof *table);
    if (!table) return -ENOMEM;
    for (size_t i = 0; i < pages->capacity; i++)
        if (pages->table[i]) table[slot_of(table, capacity, pages->table[i]->number)] = pages->table[i];
    free(pages->table);
    pages->table = table;
    pages->capacity = capacity;
    return 0;
}

static struct page_region *find_or_add(struct pages *pages, uint64_t number) {
    if (pages->used >= pages->capacity / 2 && grow(pages)) return NULL;
    size_t at = slot_of(pages->table, pages->capacity, number);
    if (!pages->table[at]) {
        pages->table[at] = calloc(1, sizeof **pages->table);
        if (!pages->table[at]) return NULL;
        pages->table[at]->number = number;
        pages->used++;
    }
    return pages->table[at];
}

static uint16_t *count_of(struct pages *pages, uint64_t page) {
    uint64_t number = page / PAGES_PER_REGION;
    struct page_region *region = pages->cache[number % PAGES_CACHE];
    if (!region || region->number != number) {
        region = find_or_add(pages, number);
        if (!region) return NULL;
        pages->cache[number % PAGES_CACHE] = region;
    }
    return &region->blocks[page % PAGES_PER_REGION];
}

static int pin_page(struct pages *pages, uint64_t page) {
    uint16_t *count = count_of(pages, page);
    if (!count) return -ENOMEM;
    if (!*count) pages->pinned++;
    if (*count < UINT16_MAX) ++*count;
    return 0;
}

static void unpin_page(struct pages *pages, uint64_t page) {
    uint16_t *count = count_of(pages, page);
    if (count && *count && !--*count) pages->pinned--;
}

static uint64_t last_page(uint64_t address, uint64_t size) {
    uint64_t last = address + size - 1;
    return (last < address ? UINT64_MAX : last) >> PAGES_SHIFT;
}

int pages_pin(struct pages *pages, uint64_t address, uint64_t size) {
    if (!size) return 0;
    uint64_t first = address >> PAGES_SHIFT, last = last_page(address, size);
    if (pin_page(pages, first)) return -ENOMEM;
    if (last == first) return 0;
    pages->pinned += last - first - 1;
    return pin_page(pages, last);
}

void pages_unpin(struct pages *pages, uint64_t address, uint64_t size) {
    if (!size) return;
    uint64_t first = address >> PAGES_SHIFT, last = last_page(address, size);
    unpin_page(pages, first);
    if (last == first) return;
    pages->pinned -= last - first - 1;
    unpin_page(pages, last);
}
