/*
 * Ends by birth, sparse. See growth_ends.h.
 *
 * Time only goes on, so items of one end stand together at the back and the pair that is looked for is among them.
 */
#include "growth_ends.h"

#include <stdlib.h>

#include "../must.h"

static struct growth_ends *with_room(struct growth_ends *ends) {
    if (ends && ends->count < ends->room) return ends;
    uint32_t room = ends ? ends->room * 2 : 4;
    struct growth_ends *grown = must(realloc(ends, sizeof *grown + room * sizeof *grown->items));
    if (!ends) *grown = (struct growth_ends){.shift = 0};
    grown->room = room;
    return grown;
}

/* NULL: no such pair at the back. */
static struct growth_end *find(struct growth_ends *ends, const struct growth_end *like) {
    for (size_t i = ends->count; i-- > 0 && ends->items[i].end == like->end;) {
        struct growth_end *item = &ends->items[i];
        if (item->birth == like->birth && item->late == like->late) return item;
    }
    return NULL;
}

/* There is room. */
static void put(struct growth_ends *ends, const struct growth_end *end) {
    struct growth_end *same = find(ends, end);
    if (!same) ends->items[ends->count++] = *end;
    else same->blocks = end->blocks > UINT32_MAX - same->blocks ? UINT32_MAX : same->blocks + end->blocks;
}

/* What ended in the cell of its birth is of no interest; the list never grows by it. */
static void pair_cells(struct growth_ends *ends) {
    uint32_t count = ends->count;
    ends->count = 0;
    ends->shift++;
    for (uint32_t i = 0; i < count; i++) {
        struct growth_end end = ends->items[i];
        end.birth >>= 1;
        end.end >>= 1;
        if (end.birth != end.end) put(ends, &end);
    }
}

/* The stretch before was not the last one. */
static void settle(struct growth_ends *ends, uint32_t tag) {
    uint32_t count = ends->count;
    ends->count = 0;
    ends->tag = tag;
    for (uint32_t i = 0; i < count; i++) {
        struct growth_end end = ends->items[i];
        end.late = false;
        put(ends, &end);
    }
}

void growth_ends_add(struct growth_ends **out, const struct growth_end_time *time) {
    struct growth_ends *ends = *out = with_room(*out);
    while (time->end >> ends->shift >= GROWTH_ENDS_ROUNDS) pair_cells(ends);
    if (time->late && time->tag != ends->tag) settle(ends, time->tag);
    struct growth_end end = {(uint8_t)(time->birth >> ends->shift), (uint8_t)(time->end >> ends->shift), time->late, 1};
    if (end.birth != end.end) put(ends, &end);
}

void growth_ends_sum(const struct growth_ends *ends, unsigned shift, uint32_t tag, uint64_t *cells, size_t side) {
    for (uint32_t i = 0; ends && i < ends->count; i++) {
        const struct growth_end *item = &ends->items[i];
        size_t birth = item->birth >> (shift - ends->shift), end = item->end >> (shift - ends->shift);
        if ((item->late && ends->tag == tag) || birth == end || end >= side) continue;
        cells[end * side + birth] += item->blocks;
    }
}
