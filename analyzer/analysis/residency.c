/*
 * Shares the resident pages of a look out. See residency.h.
 *
 * Twice over the live blocks: first how much of each page is covered, then each block's share of it. What the mappings
 * are (mapping_kinds.h) names the pages that no live block is on.
 */
#include "residency.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../list.h"
#include "extremes.h"
#include "heap_pins.h"
#include "heap_trim.h"
#include "look_areas.h"
#include "mapping_kinds.h"
#include "page_shares.h"
#include "stack_shares.h"

enum {
    CREDIT_BEGIN = 50000000, /* pieces that may be visited without an event */
    CREDIT_EVENT = 1,
    LEAST_GROWTH = 1 << 20
};

struct residency_work {
    uint64_t events, credit;
    struct stack_shares stacks;
    uint64_t peak_rss;
    bool any;
    struct known_heaps heaps;
    bool failed;
    /* during a look */
    struct residency_look *out;
    struct look_areas areas;
    struct page_shares pages;
};

static void *residency_begin(const struct replay_facts *facts) {
    struct residency *residency = calloc(1, sizeof *residency);
    if (!residency) return NULL;
    residency->work = calloc(1, sizeof *residency->work);
    residency->looks = calloc(RESIDENCY_LOOKS, sizeof *residency->looks);
    if (residency->work && residency->looks) {
        residency->work->credit = CREDIT_BEGIN;
        residency->clock = age_clock_of(facts->duration_ns);
        return residency;
    }
    residency_release(residency);
    return NULL;
}

static void work_release(struct residency_work *work) {
    if (!work) return;
    stack_shares_release(&work->stacks);
    known_heaps_release(&work->heaps);
    free(work);
}

static void release_files(struct residency *residency) {
    for (size_t i = 0; i < residency->file_count; i++) free(residency->files[i].name);
    free(residency->files);
    residency->files = NULL;
    residency->file_count = 0;
}

void residency_release(struct residency *residency) {
    if (!residency) return;
    release_files(residency);
    work_release(residency->work);
    free(residency->looks);
    stack_shares_free(residency->shares, residency->share_count);
    free(residency);
}

uint64_t residency_sum(const struct residency_look *look) {
    uint64_t sum = 0;
    for (size_t i = 0; i < RESIDENCY_PARTS; i++) sum += look->parts[i];
    return sum;
}

double residency_explained(const struct residency *residency) {
    if (!residency->look_count) return NAN;
    const struct residency_look *first = &residency->looks[0], *top = &residency->looks[residency->peak];
    uint64_t before = residency_sum(first) - first->parts[RESIDENCY_RECORDER];
    uint64_t after = residency_sum(top) - top->parts[RESIDENCY_RECORDER];
    uint64_t other = top->parts[RESIDENCY_OTHER] - least(first->parts[RESIDENCY_OTHER], top->parts[RESIDENCY_OTHER]);
    if (after < before + LEAST_GROWTH) return NAN;
    return other > after - before ? 0.0 : 1.0 - (double)other / (double)(after - before);
}

/* ---- first pass: how much of each page is covered ---- */

struct extent {                       /* of a piece; the pages between first and last are its own */
    uint64_t first, last;             /* pages */
    uint32_t first_bytes, last_bytes; /* last_bytes 0: one page */
};

static struct extent extent_of(const struct look_piece *piece) {
    uint64_t end = piece->address + most(piece->size, 1), offset = piece->address % PAGE_BYTES;
    if (end < piece->address) end = UINT64_MAX;
    struct extent extent = {.first = page_of(piece->address), .last = page_of(end - 1)};
    bool one = extent.first == extent.last;
    extent.first_bytes = (uint32_t)(one ? end - piece->address : PAGE_BYTES - offset);
    extent.last_bytes = one ? 0 : (uint32_t)((end - 1) % PAGE_BYTES + 1);
    return extent;
}

static void cover(struct residency_work *work, uint64_t number, uint32_t bytes, bool continues) {
    const struct area_run *run = look_areas_run(&work->areas, number);
    if (!run) {
        work->out->untouched += bytes;
        return;
    }
    struct shared_page *page = page_shares_add(&work->pages, number, run->map);
    if (!page) {
        work->failed = true;
        return;
    }
    work->areas.list[run->map].held += !page->blocks;
    page_shares_cover(page, bytes, continues);
}

static void cover_piece(struct residency_work *work, const struct look_piece *piece) {
    struct extent extent = extent_of(piece);
    cover(work, extent.first, extent.first_bytes, extent.last_bytes != 0);
    if (!extent.last_bytes) return;
    cover(work, extent.last, extent.last_bytes, false);
    uint64_t between = extent.last - extent.first - 1;
    uint64_t resident = look_areas_hold(&work->areas, extent.first + 1, extent.last);
    work->out->untouched += (between - resident) * PAGE_BYTES;
}

/* The mapping that holds a heap block's page is a heap. */
static void note_heap(struct residency_work *work, const struct look_piece *piece) {
    const struct area_run *run = piece->block->mapped ? NULL : look_areas_run(&work->areas, page_of(piece->address));
    if (!run || work->areas.look->maps[run->map].name[0] == '/') return;
    struct area *area = &work->areas.list[run->map];
    area->heap = true;
    area->top = most(area->top, piece->address + piece->size);
}

/* ---- second pass: the shares ---- */

static void give(struct residency_work *work, size_t slot, uint64_t number, uint32_t bytes) {
    struct shared_page *page = page_shares_find(&work->pages, number);
    struct residency_share *share = &work->stacks.slots[slot];
    if (!page || !page->bytes) return;
    work->stacks.now[slot] += page_shares_give(page, bytes);
    if (page->blocks > 1) return;
    share->alone += PAGE_BYTES;
    share->wasted += PAGE_BYTES - least(bytes, PAGE_BYTES);
}

static void give_piece(struct residency_work *work, const struct look_piece *piece) {
    struct extent extent = extent_of(piece);
    size_t slot = stack_shares_slot(&work->stacks, piece->block->stack);
    if (slot == SIZE_MAX) {
        work->failed = true;
        return;
    }
    give(work, slot, extent.first, extent.first_bytes);
    if (!extent.last_bytes) return;
    give(work, slot, extent.last, extent.last_bytes);
    uint64_t between = look_areas_resident(&work->areas, extent.first + 1, extent.last) * PAGE_BYTES;
    work->stacks.now[slot] += between;
    work->stacks.slots[slot].alone += between;
}

static void each_piece(struct residency_work *work, void (*visit)(struct residency_work *, const struct look_piece *)) {
    const struct look *look = work->areas.look;
    struct look_piece piece;
    for (size_t cursor = 0; look->next(look->context, &cursor, &piece);) visit(work, &piece);
}

/* ---- names for the rest ---- */

static void keep_around(struct residency_work *work, const struct look_piece *piece) {
    work->failed |= !heap_trim_keep_around(&work->areas, &work->pages, piece);
}

static void name_rest(struct residency_work *work) {
    struct residency_look *out = work->out;
    for (size_t i = 0; i < work->areas.look->map_count; i++) {
        const struct area *area = &work->areas.list[i];
        uint64_t held = least(area->held, area->resident);
        enum residency_part part = mapping_part(&work->areas, i);
        out->parts[RESIDENCY_SITES] += held * PAGE_BYTES;
        out->parts[part] += (area->resident - held) * PAGE_BYTES;
        if (part == RESIDENCY_FREE) out->trim += heap_trim_pages(&work->areas, i) * PAGE_BYTES;
    }
}

static struct residency_file *file_row(struct residency *residency, const char *name) {
    for (size_t i = residency->file_count; i-- > 0;)
        if (strcmp(residency->files[i].name, name) == 0) return &residency->files[i];
    char *copy = strdup(name);
    struct residency_file *row = copy ? LIST_ADD(residency->files, residency->file_count) : NULL;
    if (row) *row = (struct residency_file){.name = copy};
    else free(copy);
    return row;
}

static void name_files(struct residency *residency) {
    struct residency_work *work = residency->work;
    release_files(residency);
    for (size_t i = 0; i < work->areas.look->map_count; i++) {
        const struct area *area = &work->areas.list[i];
        enum residency_part part = mapping_part(&work->areas, i);
        if ((part != RESIDENCY_CODE && part != RESIDENCY_FILES) || area->resident <= area->held) continue;
        const char *name = mapping_file(work->areas.look, i);
        struct residency_file *row = file_row(residency, name ? name : work->areas.look->maps[i].name);
        uint64_t bytes = (area->resident - area->held) * PAGE_BYTES;
        if (row && part == RESIDENCY_CODE) row->code += bytes;
        else if (row) row->data += bytes;
    }
}

/* ---- a look ---- */

/* Every second one goes when there is no room for another; the one with the highest RSS stays. */
static struct residency_look *new_look(struct residency *residency) {
    if (residency->look_count == RESIDENCY_LOOKS) {
        size_t kept = 0, peak = residency->peak;
        for (size_t i = 0; i < RESIDENCY_LOOKS; i++) {
            if (i % 2 && i != peak) continue;
            if (i == peak) residency->peak = kept;
            residency->looks[kept++] = residency->looks[i];
        }
        residency->look_count = kept;
    }
    residency->looks[residency->look_count] = (struct residency_look){0};
    return &residency->looks[residency->look_count++];
}

static void move_clock(struct residency *residency, uint64_t ns) {
    struct age_clock *clock = &residency->clock;
    while (age_slice(clock, ns) >= AGE_SLICES) {
        stack_shares_double(&residency->work->stacks);
        age_clock_double(clock);
    }
    clock->slice = age_slice(clock, ns);
}

static uint64_t covered(const struct residency_work *work, const struct moment *now) {
    return now->live_bytes - least(work->out->untouched, now->live_bytes);
}

/* Whether it is the look with the highest RSS so far. */
static bool note_peak(struct residency *residency) {
    struct residency_work *work = residency->work;
    uint64_t rss = residency_sum(work->out) - work->out->parts[RESIDENCY_RECORDER];
    bool is_peak = !work->any || rss > work->peak_rss;
    work->any = true;
    if (!is_peak) return false;
    work->peak_rss = rss;
    residency->peak = (size_t)(work->out - residency->looks);
    return true;
}

/* Those of this look stay if more memory lies free below them than at any before. */
static void find_pins(struct residency *residency, const struct moment *now) {
    struct residency_work *work = residency->work;
    if (work->out->parts[RESIDENCY_FREE] < most(residency->pinned, 1)) return;
    size_t count = heap_pins_find(&work->areas, &work->pages, residency->pinned, residency->pins, &residency->pinned);
    if (!count) return;
    residency->pins_ns = now->ns;
    residency->pin_count = count;
}

static void share_out(struct residency *residency, const struct moment *now) {
    struct residency_work *work = residency->work;
    struct residency_look *out = work->out;
    move_clock(residency, now->ns);
    stack_shares_begin(&work->stacks);
    each_piece(work, cover_piece);
    each_piece(work, note_heap);
    mapping_kinds_find_heaps(&work->areas, &work->heaps);
    each_piece(work, give_piece);
    each_piece(work, keep_around);
    work->failed |= !heap_trim_keep_fronts(&work->areas, &work->pages);
    name_rest(work);
    out->slack = out->parts[RESIDENCY_SITES] - least(covered(work, now), out->parts[RESIDENCY_SITES]);
    work->failed |= !stack_shares_take(&work->stacks, residency->clock.slice, note_peak(residency));
    known_heaps_add(&work->heaps, &work->areas);
    name_files(residency);
    find_pins(residency, now);
}

/* Enough events since the last look to pay for a pass over this many pieces. */
static bool can_pay(struct residency_work *work, const struct look *look, const struct moment *now) {
    work->credit += CREDIT_EVENT * (now->event - work->events);
    work->events = now->event;
    if (!look->last && look->pieces > work->credit) return false;
    work->credit -= least(look->pieces, work->credit);
    return true;
}

/* Other threads go on while the recorder looks: RSS passes from one figure to the other. */
static uint64_t nearest(uint64_t sum, const struct memory_sample *sample) {
    uint64_t low = least(sample->rss_before, sample->rss), high = most(sample->rss_before, sample->rss);
    return most(low, least(sum, high));
}

static void residency_look(void *self, const struct look *look, const struct memory_sample *sample,
                           const struct moment *now) {
    struct residency *residency = self;
    struct residency_work *work = residency->work;
    if (!can_pay(work, look, now)) return;
    work->out = new_look(residency);
    work->out->ns = now->ns;
    work->out->edge = sample->edge;
    if (look_areas_begin(&work->areas, look)) share_out(residency, now);
    else work->failed = true;
    work->out->rss = nearest(residency_sum(work->out), sample);
    page_shares_clear(&work->pages);
    look_areas_end(&work->areas);
}

static int residency_end(void *self, const struct moment *now) {
    struct residency *residency = self;
    struct residency_work *work = residency->work;
    move_clock(residency, now->ns);
    if (work->failed) return -ENOMEM;
    residency->share_count = stack_shares_finish(&work->stacks, &residency->shares);
    return 0;
}

const struct residency_share *residency_of(const struct residency *residency, uint32_t stack) {
    return stack_shares_find(residency->shares, residency->share_count, stack);
}

const struct analysis residency_analysis = {
    .begin = residency_begin,
    .look = residency_look,
    .end = residency_end,
};
