/*
 * Live blocks that keep free memory from going back. See heap_pins.h.
 */
#include "heap_pins.h"

#include <string.h>

struct gap {        /* between two pages with live blocks */
    uint64_t above; /* page */
    uint64_t free;
    uint32_t map;
};

/* Widest first. */
static void keep_gap(struct gap gaps[RESIDENCY_PINS], size_t *count, struct gap gap) {
    size_t at = *count;
    for (; at > 0 && gaps[at - 1].free < gap.free; at--)
        if (at < RESIDENCY_PINS) gaps[at] = gaps[at - 1];
    if (at == RESIDENCY_PINS) return;
    gaps[at] = gap;
    if (*count < RESIDENCY_PINS) ++*count;
}

/* The widest free stretches of heaps that have a live block above them. */
static size_t find_gaps(struct look_areas *areas, const struct page_shares *pages, struct gap gaps[RESIDENCY_PINS]) {
    const struct shared_page *lower = NULL;
    size_t count = 0;
    for (size_t i = 0; i < pages->used; i++) {
        const struct shared_page *page = &pages->rows[i];
        if (!page->blocks) continue;
        bool same = lower && lower->map == page->map;
        uint64_t from = same ? lower->number : page_of(areas->look->maps[page->map].start);
        if (areas->list[page->map].heap && !(same && lower->continues)) {
            uint64_t width = look_areas_resident(areas, from, page->number - 1);
            if (width) keep_gap(gaps, &count, (struct gap){page->number - 1, width, page->map});
        }
        lower = page;
    }
    return count;
}

/* The lowest block that begins on the page above the gap, and how many stand higher. */
static void note_pin(const struct look *look, struct residency_pin *pin, const struct gap *gap,
                     const struct look_piece *piece) {
    const struct look_map *map = &look->maps[gap->map];
    if (piece->block->mapped || piece->address >= map->end || page_of(piece->address) < gap->above) return;
    pin->blocks_above++; /* itself included, until the end */
    if (pin->address && pin->address <= piece->address) return;
    pin->address = piece->address;
    pin->size = piece->size;
    pin->birth_ns = piece->block->birth_ns;
    pin->stack = piece->block->stack;
}

static void note_pins(const struct look *look, struct residency_pin *pins, const struct gap *gaps, size_t count) {
    struct look_piece piece;
    memset(pins, 0, RESIDENCY_PINS * sizeof *pins);
    for (size_t cursor = 0; look->next(look->context, &cursor, &piece);)
        for (size_t i = 0; i < count; i++) note_pin(look, &pins[i], &gaps[i], &piece);
    for (size_t i = 0; i < count; i++) {
        pins[i].free_below = gaps[i].free * PAGE_BYTES;
        pins[i].blocks_above -= pins[i].blocks_above > 0;
    }
}

size_t heap_pins_find(struct look_areas *areas, struct page_shares *pages, uint64_t least_bytes,
                      struct residency_pin pins[RESIDENCY_PINS], uint64_t *sum) {
    struct gap gaps[RESIDENCY_PINS];
    uint64_t bytes = 0;
    page_shares_sort(pages);
    const size_t count = find_gaps(areas, pages, gaps);
    for (size_t i = 0; i < count; i++) bytes += gaps[i].free * PAGE_BYTES;
    if (!bytes || bytes < least_bytes) return 0;
    note_pins(areas->look, pins, gaps, count);
    *sum = bytes;
    return count;
}
