/*
 * What the mappings of a look are. See mapping_kinds.h.
 */
#include "mapping_kinds.h"

#include <stdlib.h>
#include <string.h>

#include "../list.h"

enum {
    GUARD_MOST = 1 << 20, /* below a thread's stack lies an inaccessible mapping, no larger than this */
    ARENA = 64 << 20      /* a thread's arena of glibc begins at a multiple of this */
};

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

const char *mapping_file(const struct look *look, size_t map) {
    const struct look_map *at = &look->maps[map], *file = before(look, map);
    if (!is_anonymous(at)) return at->name;
    return !at->name[0] && file && !is_anonymous(file) && !(file->flags & TRACE_MAP_OWN) ? file->name : NULL;
}

enum residency_part mapping_part(const struct look_areas *areas, size_t map) {
    const struct look *look = areas->look;
    const struct look_map *at = &look->maps[map];
    if (at->flags & TRACE_MAP_OWN) return RESIDENCY_RECORDER;
    if (at->flags & TRACE_MAP_EXECUTE && at->name[0]) return RESIDENCY_CODE;
    if (!is_anonymous(at)) return RESIDENCY_FILES;
    if (is_stack(look, map)) return RESIDENCY_STACKS;
    if (areas->list[map].heap) return RESIDENCY_FREE;
    return mapping_file(look, map) ? RESIDENCY_FILES : RESIDENCY_OTHER;
}

static int by_address(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static bool is_known(const struct known_heaps *known, uint64_t start) {
    return known->count && bsearch(&start, known->starts, known->count, sizeof start, by_address);
}

void mapping_kinds_find_heaps(struct look_areas *areas, const struct known_heaps *known) {
    const struct look *look = areas->look;
    for (size_t i = 0; i < look->map_count; i++) {
        const struct look_map *at = &look->maps[i];
        struct area *area = &areas->list[i];
        if (at->flags & TRACE_MAP_OWN || (at->name[0] && strcmp(at->name, "[heap]") != 0)) continue;
        area->heap |= at->name[0] || is_arena(look, i) || is_known(known, at->start) ||
                      (area->resident && look->is_allocators(look->context, at->start));
    }
}

void known_heaps_add(struct known_heaps *known, const struct look_areas *areas) {
    size_t count = known->count;
    for (size_t i = 0; i < areas->look->map_count; i++) {
        uint64_t start = areas->look->maps[i].start;
        if (!areas->list[i].heap || is_known(known, start)) continue;
        uint64_t *added = LIST_ADD(known->starts, count);
        if (!added) break;
        *added = start;
    }
    if (known->starts && count > known->count) qsort(known->starts, count, sizeof *known->starts, by_address);
    known->count = count;
}

void known_heaps_release(struct known_heaps *known) { free(known->starts); }
