/*
 * Shares the resident pages of a look out. See residency.h.
 *
 * Twice over the live blocks: first how much of each page is covered, then each block's share of it. What glibc could give
 * back follows its malloc_trim: whole pages of free chunks but for the chunk's own notes at its front, in the heap's mapping
 * and in those of the threads' arenas, of which the last free chunk is not trimmed (glibc 2.36, malloc.c: mtrim, systrim).
 */
#include "residency.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "page_shares.h"

enum {
    GUARD_MOST = 1 << 20, /* below a thread's stack lies an inaccessible mapping, no larger than this */
    ARENA = 64 << 20,     /* a thread's arena of glibc begins at a multiple of this */
    CHUNK_HEAD = 16,      /* before a block */
    CHUNK_NOTES = 48,     /* at the front of a free chunk (struct malloc_chunk) */
    CHUNK_LEAST = 32,
    CREDIT_BEGIN = 50000000, /* pieces that may be visited without an event */
    CREDIT_EVENT = 4,
    LEAST_GROWTH = 1 << 20,
    COURSE_STEP = 8
};

struct area {                         /* of one mapping, during a look */
    uint64_t resident, held, blocked; /* pages; blocked: free, but with notes of the allocator that malloc_trim keeps */
    uint64_t top;                     /* where its highest heap block ends; 0: none */
    bool heap;
};

struct run { /* resident, with its mapping */
    uint64_t start, end;
    uint32_t map;
};

struct residency_work {
    uint64_t events, credit;
    struct residency_share *slots; /* by stack, open addressing; while the analysis runs */
    size_t capacity, used;
    uint64_t *now; /* of each slot, at this look */
    uint64_t peak_rss;
    bool any;
    uint64_t *heaps; /* starts of mappings that once were heaps */
    size_t heap_count;
    /* during a look */
    const struct look *look;
    struct residency_look *out;
    struct area *areas;
    struct run *runs;
    size_t run_count, run_last;
    struct page_shares pages;
    bool failed;
};

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t most(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t page_of(uint64_t address) { return address / PAGE_BYTES; }

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

static void release_shares(struct residency_share *shares, size_t count) {
    for (size_t i = 0; i < count; i++) free(shares[i].course);
    free(shares);
}

static void work_release(struct residency_work *work) {
    if (!work) return;
    if (work->slots) release_shares(work->slots, work->capacity);
    free(work->now);
    free(work->heaps);
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
    release_shares(residency->shares, residency->share_count);
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

/* ---- shares by stack ---- */

static size_t slot_in(const struct residency_share *slots, size_t capacity, uint32_t stack) {
    size_t at = stack * 0x9e3779b1u & (capacity - 1);
    while (slots[at].stack && slots[at].stack != stack + 1) at = (at + 1) & (capacity - 1);
    return at;
}

static bool grow_slots(struct residency_work *work) {
    size_t capacity = work->capacity ? 2 * work->capacity : 1024;
    struct residency_share *slots = calloc(capacity, sizeof *slots);
    uint64_t *now = calloc(capacity, sizeof *now);
    if (!slots || !now) {
        free(slots);
        free(now);
        return false;
    }
    for (size_t i = 0; i < work->capacity; i++) {
        if (!work->slots[i].stack) continue;
        size_t at = slot_in(slots, capacity, work->slots[i].stack - 1);
        slots[at] = work->slots[i];
        now[at] = work->now[i];
    }
    free(work->slots);
    free(work->now);
    work->slots = slots;
    work->now = now;
    work->capacity = capacity;
    return true;
}

/* The slot keeps stack + 1 until the end. SIZE_MAX: out of memory. */
static size_t slot_of(struct residency_work *work, uint32_t stack) {
    if (work->used >= work->capacity / 2 && !grow_slots(work)) {
        work->failed = true;
        return SIZE_MAX;
    }
    size_t at = slot_in(work->slots, work->capacity, stack);
    if (!work->slots[at].stack) {
        work->slots[at].stack = stack + 1;
        work->used++;
    }
    return at;
}

/* ---- where a page lies ---- */

static bool make_areas(struct residency_work *work) {
    const struct look *look = work->look;
    size_t count = 0;
    for (size_t i = 0; i < look->map_count; i++) count += look->maps[i].run_count;
    work->areas = calloc(look->map_count + 1, sizeof *work->areas);
    work->runs = calloc(count + 1, sizeof *work->runs);
    work->run_count = work->run_last = 0;
    if (!work->areas || !work->runs) return false;
    for (size_t i = 0; i < look->map_count; i++)
        for (size_t j = 0; j < look->maps[i].run_count; j++) {
            struct resident_run run = look->maps[i].runs[j];
            work->runs[work->run_count++] = (struct run){page_of(run.start), page_of(run.end), (uint32_t)i};
            work->areas[i].resident += page_of(run.end) - page_of(run.start);
        }
    return true;
}

/* The first run that ends above this page; blocks come in the order of allocation, so often the one of the last time. */
static size_t run_above(struct residency_work *work, uint64_t page) {
    size_t low = 0, high = work->run_count, last = work->run_last;
    if (last < high && work->runs[last].end > page) {
        if (work->runs[last].start <= page) return last;
        high = last;
    } else if (last < high) {
        low = last + 1;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (work->runs[middle].end <= page) low = middle + 1;
        else high = middle;
    }
    if (low < work->run_count) work->run_last = low;
    return low;
}

/* NULL: not resident. */
static const struct run *run_of(struct residency_work *work, uint64_t page) {
    size_t at = run_above(work, page);
    return at < work->run_count && work->runs[at].start <= page ? &work->runs[at] : NULL;
}

/* Resident pages in [first, end); those of each mapping are added to its held ones where that is wanted. */
static uint64_t count_resident(struct residency_work *work, uint64_t first, uint64_t end, bool hold) {
    uint64_t count = 0;
    if (first >= end) return 0;
    for (size_t at = run_above(work, first); at < work->run_count && work->runs[at].start < end; at++) {
        uint64_t pages = least(work->runs[at].end, end) - most(work->runs[at].start, first);
        if (hold) work->areas[work->runs[at].map].held += pages;
        count += pages;
    }
    return count;
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
    const struct run *run = run_of(work, number);
    if (!run) {
        work->out->untouched += bytes;
        return;
    }
    struct shared_page *page = page_shares_add(&work->pages, number, run->map);
    if (!page) {
        work->failed = true;
        return;
    }
    work->areas[run->map].held += !page->blocks;
    page->blocks++;
    page->bytes += bytes;
    page->continues |= continues;
}

static void cover_piece(struct residency_work *work, const struct look_piece *piece) {
    struct extent extent = extent_of(piece);
    cover(work, extent.first, extent.first_bytes, extent.last_bytes != 0);
    if (!extent.last_bytes) return;
    cover(work, extent.last, extent.last_bytes, false);
    uint64_t between = extent.last - extent.first - 1;
    uint64_t resident = count_resident(work, extent.first + 1, extent.last, true);
    work->out->untouched += (between - resident) * PAGE_BYTES;
}

/* The mapping that holds a heap block's page is a heap. */
static void note_heap(struct residency_work *work, const struct look_piece *piece) {
    const struct run *run = piece->block->mapped ? NULL : run_of(work, page_of(piece->address));
    if (!run || work->look->maps[run->map].name[0] == '/') return;
    struct area *area = &work->areas[run->map];
    area->heap = true;
    area->top = most(area->top, piece->address + piece->size);
}

/* ---- second pass: the shares ---- */

static void give(struct residency_work *work, size_t slot, uint64_t number, uint32_t bytes) {
    struct shared_page *page = page_shares_find(&work->pages, number);
    if (!page || !page->bytes) return;
    work->now[slot] += page_shares_give(page, bytes);
    if (page->blocks > 1) return;
    work->slots[slot].alone += PAGE_BYTES;
    work->slots[slot].wasted += PAGE_BYTES - least(bytes, PAGE_BYTES);
}

static void give_piece(struct residency_work *work, const struct look_piece *piece) {
    struct extent extent = extent_of(piece);
    size_t slot = slot_of(work, piece->block->stack);
    if (slot == SIZE_MAX) return;
    give(work, slot, extent.first, extent.first_bytes);
    if (!extent.last_bytes) return;
    give(work, slot, extent.last, extent.last_bytes);
    uint64_t between = count_resident(work, extent.first + 1, extent.last, false) * PAGE_BYTES;
    work->now[slot] += between;
    work->slots[slot].alone += between;
}

static void each_piece(struct residency_work *work, void (*visit)(struct residency_work *, const struct look_piece *)) {
    struct look_piece piece;
    for (size_t cursor = 0; work->look->next(work->look->context, &cursor, &piece);) visit(work, &piece);
}

/* ---- what malloc_trim would leave ---- */

static void block_page(struct residency_work *work, uint64_t number) {
    const struct run *run = run_of(work, number);
    if (!run || !work->areas[run->map].heap) return;
    size_t before = work->pages.used;
    if (!page_shares_add(&work->pages, number, run->map)) work->failed = true;
    work->areas[run->map].blocked += work->pages.used - before;
}

/* A chunk's head lies before its block; the notes of a free chunk behind it must stay too. */
static void block_notes(struct residency_work *work, const struct look_piece *piece) {
    if (piece->block->mapped || piece->address < CHUNK_HEAD) return;
    uint64_t chunk = most((piece->size + 8 + 15) & ~(uint64_t)15, CHUNK_LEAST), head = piece->address - CHUNK_HEAD;
    block_page(work, page_of(head));
    block_page(work, page_of(head + chunk + CHUNK_NOTES - 1));
}

/* The allocator's own figures at the front of the heap and of an arena. */
static void block_fronts(struct residency_work *work) {
    for (size_t i = 0; i < work->look->map_count; i++)
        if (work->areas[i].heap) block_page(work, page_of(work->look->maps[i].start));
}

/* Free pages of this heap that malloc_trim gives back. */
static uint64_t trimmable(struct residency_work *work, size_t map) {
    const struct area *area = &work->areas[map];
    const struct look_map *at = &work->look->maps[map];
    uint64_t kept = area->held + area->blocked;
    if (area->resident <= kept) return 0;
    if (strcmp(at->name, "[heap]") == 0) return area->resident - kept;
    uint64_t above = page_of(area->top + CHUNK_NOTES - 1) + 1;
    uint64_t top = area->top ? count_resident(work, above, page_of(at->end), false) : area->resident - kept;
    return area->resident - kept - least(top, area->resident - kept);
}

/* ---- names for the rest ---- */

static bool is_inaccessible(const struct look_map *map) {
    return !(map->flags & (TRACE_MAP_READ | TRACE_MAP_WRITE | TRACE_MAP_EXECUTE));
}

static bool is_anonymous(const struct look_map *map) { return !map->name[0] || map->name[0] == '['; }

static const struct look_map *before(const struct look *look, size_t map) {
    return map && look->maps[map - 1].end == look->maps[map].start ? &look->maps[map - 1] : NULL;
}

static bool is_arena(const struct look *look, size_t map) {
    const struct look_map *at = &look->maps[map];
    const struct look_map *rest = map + 1 < look->map_count ? &look->maps[map + 1] : NULL;
    return !at->name[0] && at->start % ARENA == 0 && rest && rest->start == at->end && is_inaccessible(rest) &&
           rest->end % ARENA == 0;
}

/* A stack may begin where an arena would (kernels align large mappings), but does not end so. */
static bool is_stack(const struct look *look, size_t map) {
    const struct look_map *at = &look->maps[map], *guard = before(look, map);
    if (strcmp(at->name, "[stack]") == 0) return true;
    bool arena = is_arena(look, map) || (at->start % ARENA == 0 && at->end % ARENA == 0);
    return !at->name[0] && at->flags & TRACE_MAP_WRITE && !arena && guard && is_inaccessible(guard) &&
           !guard->name[0] && guard->end - guard->start <= GUARD_MOST;
}

static bool was_heap(const struct residency_work *work, uint64_t start) {
    for (size_t i = 0; i < work->heap_count; i++)
        if (work->heaps[i] == start) return true;
    return false;
}

/* The file whose uninitialised data stand right behind its mapping, or whose mapping this is; NULL: none. */
static const char *file_of(const struct look *look, size_t map) {
    const struct look_map *at = &look->maps[map], *file = before(look, map);
    if (!is_anonymous(at)) return at->name;
    return !at->name[0] && file && !is_anonymous(file) && !(file->flags & TRACE_MAP_OWN) ? file->name : NULL;
}

static enum residency_part part_of(const struct residency_work *work, size_t map) {
    const struct look *look = work->look;
    const struct look_map *at = &look->maps[map];
    if (at->flags & TRACE_MAP_OWN) return RESIDENCY_RECORDER;
    if (at->flags & TRACE_MAP_EXECUTE && at->name[0]) return RESIDENCY_CODE;
    if (!is_anonymous(at)) return RESIDENCY_FILES;
    if (is_stack(look, map)) return RESIDENCY_STACKS;
    if (work->areas[map].heap) return RESIDENCY_FREE;
    return file_of(look, map) ? RESIDENCY_FILES : RESIDENCY_OTHER;
}

/* Mappings of the allocator that no live block shows to be such. */
static void find_heaps(struct residency_work *work) {
    const struct look *look = work->look;
    for (size_t i = 0; i < look->map_count; i++) {
        const struct look_map *at = &look->maps[i];
        if (at->flags & TRACE_MAP_OWN || (at->name[0] && strcmp(at->name, "[heap]") != 0)) continue;
        work->areas[i].heap |= at->name[0] || is_arena(look, i) || was_heap(work, at->start) ||
                               (work->areas[i].resident && look->is_allocators(look->context, at->start));
    }
}

static void keep_heaps(struct residency_work *work) {
    for (size_t i = 0; i < work->look->map_count; i++) {
        uint64_t start = work->look->maps[i].start;
        if (!work->areas[i].heap || was_heap(work, start)) continue;
        uint64_t *grown = realloc(work->heaps, (work->heap_count + 1) * sizeof *grown);
        if (!grown) return;
        work->heaps = grown;
        grown[work->heap_count++] = start;
    }
}

static void name_rest(struct residency_work *work) {
    struct residency_look *out = work->out;
    for (size_t i = 0; i < work->look->map_count; i++) {
        const struct area *area = &work->areas[i];
        uint64_t held = least(area->held, area->resident);
        enum residency_part part = part_of(work, i);
        out->parts[RESIDENCY_SITES] += held * PAGE_BYTES;
        out->parts[part] += (area->resident - held) * PAGE_BYTES;
        if (part == RESIDENCY_FREE) out->trim += trimmable(work, i) * PAGE_BYTES;
    }
}

/* ---- files, and blocks in the way ---- */

static struct residency_file *file_row(struct residency *residency, const char *name) {
    for (size_t i = residency->file_count; i-- > 0;)
        if (strcmp(residency->files[i].name, name) == 0) return &residency->files[i];
    struct residency_file *grown = realloc(residency->files, (residency->file_count + 1) * sizeof *grown);
    if (!grown) return NULL;
    residency->files = grown;
    struct residency_file row = {.name = strdup(name)};
    if (!row.name) return NULL;
    grown[residency->file_count] = row;
    return &grown[residency->file_count++];
}

static void name_files(struct residency *residency) {
    struct residency_work *work = residency->work;
    release_files(residency);
    for (size_t i = 0; i < work->look->map_count; i++) {
        const struct area *area = &work->areas[i];
        enum residency_part part = part_of(work, i);
        if ((part != RESIDENCY_CODE && part != RESIDENCY_FILES) || area->resident <= area->held) continue;
        const char *name = file_of(work->look, i);
        struct residency_file *row = file_row(residency, name ? name : work->look->maps[i].name);
        uint64_t bytes = (area->resident - area->held) * PAGE_BYTES;
        if (row && part == RESIDENCY_CODE) row->code += bytes;
        else if (row) row->data += bytes;
    }
}

struct gap {        /* between two pages with live blocks */
    uint64_t above; /* page */
    uint64_t free;
    uint32_t map;
};

static void keep_gap(struct gap gaps[RESIDENCY_PINS], size_t *count, struct gap gap) {
    size_t at = *count;
    for (; at > 0 && gaps[at - 1].free < gap.free; at--)
        if (at < RESIDENCY_PINS) gaps[at] = gaps[at - 1];
    if (at == RESIDENCY_PINS) return;
    gaps[at] = gap;
    if (*count < RESIDENCY_PINS) ++*count;
}

/* The widest free stretches of heaps that have a live block above them. */
static size_t find_gaps(struct residency_work *work, struct gap gaps[RESIDENCY_PINS]) {
    const struct shared_page *lower = NULL;
    size_t count = 0;
    for (size_t i = 0; i < work->pages.used; i++) {
        const struct shared_page *page = &work->pages.rows[i];
        if (!page->blocks) continue;
        const struct area *area = &work->areas[page->map];
        bool same = lower && lower->map == page->map;
        uint64_t from = same ? lower->number : page_of(work->look->maps[page->map].start);
        if (area->heap && !(same && lower->continues)) {
            uint64_t pages = count_resident(work, from, page->number - 1, false);
            if (pages) keep_gap(gaps, &count, (struct gap){page->number - 1, pages, page->map});
        }
        lower = page;
    }
    return count;
}

/* The lowest block that begins on the page above the gap, and how many stand higher. */
static void note_pin(const struct residency_work *work, struct residency_pin *pin, const struct gap *gap,
                     const struct look_piece *piece) {
    const struct look_map *map = &work->look->maps[gap->map];
    if (piece->block->mapped || piece->address >= map->end || page_of(piece->address) < gap->above) return;
    pin->blocks_above++; /* itself included, until the end */
    if (pin->address && pin->address <= piece->address) return;
    pin->address = piece->address;
    pin->size = piece->size;
    pin->birth_ns = piece->block->birth_ns;
    pin->stack = piece->block->stack;
}

static uint64_t sum_of_gaps(const struct gap *gaps, size_t count) {
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += gaps[i].free * PAGE_BYTES;
    return sum;
}

/* Those of this look stay if more memory lies free below them than at any before. */
static void find_pins(struct residency *residency, const struct moment *now) {
    struct residency_work *work = residency->work;
    struct gap gaps[RESIDENCY_PINS];
    struct look_piece piece;
    if (work->out->parts[RESIDENCY_FREE] < most(residency->pinned, 1)) return;
    page_shares_sort(&work->pages);
    const size_t count = find_gaps(work, gaps);
    const uint64_t sum = sum_of_gaps(gaps, count);
    if (!sum || sum < residency->pinned) return;
    residency->pinned = sum;
    residency->pins_ns = now->ns;
    residency->pin_count = count;
    memset(residency->pins, 0, sizeof residency->pins);
    for (size_t cursor = 0; work->look->next(work->look->context, &cursor, &piece);)
        for (size_t i = 0; i < residency->pin_count; i++) note_pin(work, &residency->pins[i], &gaps[i], &piece);
    for (size_t i = 0; i < residency->pin_count; i++) {
        residency->pins[i].free_below = gaps[i].free * PAGE_BYTES;
        residency->pins[i].blocks_above -= residency->pins[i].blocks_above > 0;
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

/* The later of two entries that fall into one slice stays. */
static void double_course(struct residency_share *share) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < share->course_count; i++) {
        struct residency_at at = {share->course[i].slice / 2, share->course[i].bytes};
        if (kept && share->course[kept - 1].slice == at.slice) kept--;
        share->course[kept++] = at;
    }
    share->course_count = kept;
}

/* Courses have at most AGE_SLICES entries; room is made in steps. Returns false when out of memory. */
static bool note_course(struct residency_share *share, uint32_t slice) {
    struct residency_at *last = share->course_count ? &share->course[share->course_count - 1] : NULL;
    if (last ? last->bytes == share->last : !share->last) return true;
    if (last && last->slice == slice) {
        last->bytes = share->last;
        return true;
    }
    if (!share->course || share->course_count % COURSE_STEP == 0) {
        struct residency_at *grown = realloc(share->course, (share->course_count + COURSE_STEP) * sizeof *grown);
        if (!grown) return false;
        share->course = grown;
    }
    share->course[share->course_count++] = (struct residency_at){slice, share->last};
    return true;
}

static void move_clock(struct residency *residency, uint64_t ns) {
    struct age_clock *clock = &residency->clock;
    while (age_slice(clock, ns) >= AGE_SLICES) {
        for (size_t i = 0; i < residency->work->capacity; i++) double_course(&residency->work->slots[i]);
        residency->first_slice /= 2;
        age_clock_double(clock);
    }
    clock->slice = age_slice(clock, ns);
    if (!residency->work->any) residency->first_slice = clock->slice;
}

static void take_shares(struct residency *residency, bool is_peak) {
    struct residency_work *work = residency->work;
    for (size_t i = 0; i < work->capacity; i++) {
        work->slots[i].last = work->now[i];
        if (work->slots[i].stack && !note_course(&work->slots[i], residency->clock.slice)) work->failed = true;
        if (is_peak) work->slots[i].peak = work->now[i];
    }
}

static void begin_shares(struct residency_work *work) {
    for (size_t i = 0; i < work->capacity; i++) {
        work->now[i] = 0;
        work->slots[i].alone = work->slots[i].wasted = 0;
    }
}

static uint64_t covered(const struct residency_work *work, const struct moment *now) {
    return now->live_bytes - least(work->out->untouched, now->live_bytes);
}

static void share_out(struct residency *residency, const struct moment *now) {
    struct residency_work *work = residency->work;
    struct residency_look *out = work->out;
    move_clock(residency, now->ns);
    begin_shares(work);
    each_piece(work, cover_piece);
    each_piece(work, note_heap);
    find_heaps(work);
    each_piece(work, give_piece);
    each_piece(work, block_notes);
    block_fronts(work);
    name_rest(work);
    out->slack = out->parts[RESIDENCY_SITES] - least(covered(work, now), out->parts[RESIDENCY_SITES]);
    uint64_t rss = residency_sum(out) - out->parts[RESIDENCY_RECORDER];
    bool is_peak = !work->any || rss > work->peak_rss;
    if (is_peak) {
        work->peak_rss = rss;
        residency->peak = (size_t)(out - residency->looks);
    }
    work->any = true;
    take_shares(residency, is_peak);
    keep_heaps(work);
    name_files(residency);
    find_pins(residency, now);
}

static void end_look(struct residency_work *work) {
    page_shares_clear(&work->pages);
    free(work->areas);
    free(work->runs);
    work->areas = NULL;
    work->runs = NULL;
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
    work->look = look;
    work->out = new_look(residency);
    work->out->ns = now->ns;
    work->out->edge = sample->edge;
    if (make_areas(work)) share_out(residency, now);
    else work->failed = true;
    work->out->rss = nearest(residency_sum(work->out), sample);
    end_look(work);
}

static int by_stack(const void *a, const void *b) {
    uint32_t left = ((const struct residency_share *)a)->stack, right = ((const struct residency_share *)b)->stack;
    return (left > right) - (left < right);
}

static int residency_end(void *self, const struct moment *now) {
    struct residency *residency = self;
    struct residency_work *work = residency->work;
    size_t count = 0;
    move_clock(residency, now->ns);
    if (work->failed) return -ENOMEM;
    for (size_t i = 0; i < work->capacity; i++) {
        if (!work->slots[i].stack) continue;
        work->slots[count] = work->slots[i];
        work->slots[count++].stack--;
    }
    if (count) qsort(work->slots, count, sizeof *work->slots, by_stack);
    residency->shares = work->slots;
    residency->share_count = count;
    work->slots = NULL;
    return 0;
}

const struct residency_share *residency_of(const struct residency *residency, uint32_t stack) {
    const struct residency_share key = {.stack = stack};
    if (!residency->share_count) return NULL;
    return bsearch(&key, residency->shares, residency->share_count, sizeof key, by_stack);
}

const struct analysis residency_analysis = {
    .name = "residency",
    .begin = residency_begin,
    .look = residency_look,
    .end = residency_end,
};
