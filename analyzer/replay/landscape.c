/*
 * Mappings and resident pages of a replayed process. See landscape.h.
 *
 * A range is replaced by cutting it out of what is known and putting the new in its place, for mappings and for the
 * runs of each alike. Addresses and lengths come from the file: ranges end where the address space does.
 */
#include "landscape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../analysis/extremes.h"

#define ADDRESSES ((uint64_t)1 << 48)

struct runs { /* those of a map while they change */
    struct resident_run *at;
    size_t count, capacity;
};

static void release(struct look_map *map) {
    free(map->runs);
    free(map->name);
}

void landscape_end(struct landscape *landscape) {
    for (size_t i = 0; i < landscape->count; i++) release(&landscape->maps[i]);
    free(landscape->maps);
    *landscape = (struct landscape){0};
}

/* [start, start + length) within the address space. */
static struct resident_run bounded(uint64_t start, uint64_t length) {
    if (start > ADDRESSES) start = ADDRESSES;
    return (struct resident_run){start, length < ADDRESSES - start ? start + length : ADDRESSES};
}

/* ---- mappings ---- */

/* The first map that ends above `address`. */
static size_t first_above(const struct landscape *landscape, uint64_t address) {
    size_t low = 0, high = landscape->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (landscape->maps[middle].end <= address) low = middle + 1;
        else high = middle;
    }
    return low;
}

static int open_gap(struct landscape *landscape, size_t at) {
    if (landscape->count == landscape->capacity) {
        size_t capacity = landscape->capacity ? 2 * landscape->capacity : 64;
        struct look_map *grown = realloc(landscape->maps, capacity * sizeof *grown);
        if (!grown) return -ENOMEM;
        landscape->maps = grown;
        landscape->capacity = capacity;
    }
    memmove(&landscape->maps[at + 1], &landscape->maps[at], (landscape->count - at) * sizeof *landscape->maps);
    landscape->count++;
    return 0;
}

/* The part of a map's runs in [start, end), as a copy. */
static int copy_runs(struct look_map *to, const struct look_map *from) {
    struct resident_run *runs = malloc((from->run_count + 1) * sizeof *runs);
    size_t count = 0;
    if (!runs) return -ENOMEM;
    for (size_t i = 0; i < from->run_count; i++) {
        struct resident_run run = from->runs[i];
        if (run.start < to->start) run.start = to->start;
        if (run.end > to->end) run.end = to->end;
        if (run.start < run.end) runs[count++] = run;
    }
    to->runs = runs;
    to->run_count = count;
    return 0;
}

static int insert_part(struct landscape *landscape, size_t at, const struct look_map *whole, uint64_t start,
                       uint64_t end) {
    struct look_map part = {.start = start, .end = end, .flags = whole->flags, .name = strdup(whole->name)};
    int error = part.name ? copy_runs(&part, whole) : -ENOMEM;
    if (!error) error = open_gap(landscape, at);
    if (error) release(&part);
    else landscape->maps[at] = part;
    return error;
}

/* Takes out what lies in [start, end). */
static int cut(struct landscape *landscape, uint64_t start, uint64_t end) {
    size_t at = first_above(landscape, start);
    int error = 0;
    while (!error && at < landscape->count && landscape->maps[at].start < end) {
        struct look_map old = landscape->maps[at];
        memmove(&landscape->maps[at], &landscape->maps[at + 1], (--landscape->count - at) * sizeof *landscape->maps);
        if (old.start < start) error = insert_part(landscape, at++, &old, old.start, start);
        if (!error && old.end > end) error = insert_part(landscape, at++, &old, end, old.end);
        release(&old);
    }
    return error;
}

static int place(struct landscape *landscape, struct resident_run range, uint32_t flags, const char *name,
                 size_t length) {
    int error = cut(landscape, range.start, range.end);
    if (error || flags & TRACE_MAP_GONE) return error;
    size_t at = first_above(landscape, range.start);
    struct look_map map = {.start = range.start, .end = range.end, .flags = flags, .name = strndup(name, length)};
    if (!map.name) return -ENOMEM;
    error = open_gap(landscape, at);
    if (error) release(&map);
    else landscape->maps[at] = map;
    return error;
}

static int read_mappings(struct landscape *landscape, struct wire_reader body) {
    wire_get_varint(&body); /* stamp */
    uint64_t count = wire_get_varint(&body), end = 0;
    int error = 0;
    for (; count && !error; count--) {
        uint64_t start = end + wire_get_varint(&body), length = wire_get_varint(&body);
        uint32_t flags = (uint32_t)wire_get_varint(&body);
        size_t name_length;
        const char *name = wire_get_string(&body, &name_length);
        struct resident_run range = bounded(start, length);
        if (body.failed) return 0;
        if (range.start < range.end) error = place(landscape, range, flags, name, name_length);
        end = start + length;
    }
    return error;
}

/* ---- residency ---- */

static int add_run(struct runs *runs, uint64_t start, uint64_t end) {
    if (start >= end) return 0;
    if (runs->count && runs->at[runs->count - 1].end == start) {
        runs->at[runs->count - 1].end = end;
        return 0;
    }
    if (runs->count == runs->capacity) {
        size_t capacity = runs->capacity ? 2 * runs->capacity : 4;
        struct resident_run *grown = realloc(runs->at, capacity * sizeof *grown);
        if (!grown) return -ENOMEM;
        runs->at = grown;
        runs->capacity = capacity;
    }
    runs->at[runs->count++] = (struct resident_run){start, end};
    return 0;
}

/* Old runs of the map below and above the new ones, which are the record's within [first, end). */
static int merge(struct look_map *map, struct wire_reader lengths, uint64_t page, uint64_t first, uint64_t end) {
    struct runs runs = {0};
    int error = 0;
    for (size_t i = 0; i < map->run_count && !error; i++)
        error = add_run(&runs, map->runs[i].start, least(map->runs[i].end, first));
    uint64_t at = first;
    for (bool present = false; wire_left(&lengths) && !error; present = !present) {
        uint64_t length = wire_get_varint(&lengths);
        struct resident_run run = bounded(at, length > ADDRESSES / page ? ADDRESSES : length * page);
        if (lengths.failed) break;
        if (present) error = add_run(&runs, most(run.start, map->start), least(run.end, map->end));
        at = run.end;
    }
    for (size_t i = 0; i < map->run_count && !error; i++)
        error = add_run(&runs, most(map->runs[i].start, end), map->runs[i].end);
    if (error) {
        free(runs.at);
        return error;
    }
    free(map->runs);
    map->runs = runs.at;
    map->run_count = runs.count;
    return 0;
}

/* Where the runs end. */
static uint64_t end_of(struct wire_reader lengths, uint64_t page, uint64_t first) {
    uint64_t at = first;
    while (wire_left(&lengths) && !lengths.failed) {
        uint64_t length = wire_get_varint(&lengths);
        at = bounded(at, length > ADDRESSES / page ? ADDRESSES : length * page).end;
    }
    return at;
}

static int read_residency(struct landscape *landscape, struct wire_reader body) {
    wire_get_varint(&body); /* stamp */
    uint64_t first = wire_get_varint(&body), page = wire_get_varint(&body);
    if (body.failed || !page || page > ADDRESSES || first > ADDRESSES) return 0;
    uint64_t end = end_of(body, page, first);
    int error = 0;
    for (size_t i = first_above(landscape, first); i < landscape->count && landscape->maps[i].start < end && !error;
         i++)
        error = merge(&landscape->maps[i], body, page, first, end);
    return error;
}

int landscape_read(struct landscape *landscape, const struct record *record) {
    if (record->kind == TRACE_RECORD_MAPPING) return read_mappings(landscape, record->body);
    if (record->kind == TRACE_RECORD_RESIDENCY) return read_residency(landscape, record->body);
    return 0;
}
