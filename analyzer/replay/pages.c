/*
 * Counts pinned pages. See pages.h.
 */
#include "pages.h"

#include <stdlib.h>

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

uint16_t *pages_find(struct pages *pages, uint64_t page) {
    uint64_t number = page / PAGES_PER_REGION;
    struct page_region *region = find_or_add(pages, number);
    if (!region) return NULL;
    pages->cache[number % PAGES_CACHE] = region;
    return &region->blocks[page % PAGES_PER_REGION];
}
