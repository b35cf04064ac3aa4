/*
 * What malloc_trim would give back. See heap_trim.h.
 */
#include "heap_trim.h"

#include <string.h>

#include "extremes.h"

enum {
    CHUNK_HEAD = 16,  /* before a block */
    CHUNK_NOTES = 48, /* at the front of a free chunk (struct malloc_chunk) */
    CHUNK_LEAST = 32
};

static bool keep(struct look_areas *areas, struct page_shares *pages, uint64_t number) {
    const struct area_run *run = look_areas_run(areas, number);
    if (!run || !areas->list[run->map].heap) return true;
    size_t before = pages->used;
    if (!page_shares_add(pages, number, run->map)) return false;
    areas->list[run->map].blocked += pages->used - before;
    return true;
}

/* A chunk's head lies before its block; the notes of a free chunk behind it must stay too. */
bool heap_trim_keep_around(struct look_areas *areas, struct page_shares *pages, const struct look_piece *piece) {
    if (piece->block->mapped || piece->address < CHUNK_HEAD) return true;
    uint64_t chunk = most((piece->size + 8 + 15) & ~(uint64_t)15, CHUNK_LEAST), head = piece->address - CHUNK_HEAD;
    return keep(areas, pages, page_of(head)) && keep(areas, pages, page_of(head + chunk + CHUNK_NOTES - 1));
}

bool heap_trim_keep_fronts(struct look_areas *areas, struct page_shares *pages) {
    for (size_t i = 0; i < areas->look->map_count; i++)
        if (areas->list[i].heap && !keep(areas, pages, page_of(areas->look->maps[i].start))) return false;
    return true;
}

uint64_t heap_trim_pages(struct look_areas *areas, size_t map) {
    const struct area *area = &areas->list[map];
    const struct look_map *at = &areas->look->maps[map];
    uint64_t kept = area->held + area->blocked;
    if (area->resident <= kept) return 0;
    uint64_t free_pages = area->resident - kept;
    if (strcmp(at->name, "[heap]") == 0) return free_pages;
    uint64_t above = page_of(area->top + CHUNK_NOTES - 1) + 1;
    uint64_t top = area->top ? look_areas_resident(areas, above, page_of(at->end)) : free_pages;
    return free_pages - least(top, free_pages);
}
