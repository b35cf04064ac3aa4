/*
 * Interned paths: each is its last phase and the path before it. See phase_paths.h.
 */
#include "phase_paths.h"

#include <stdbool.h>
#include <stdlib.h>

static uint32_t slot_of(const struct phase_paths *paths, uint32_t outer, size_t phase) {
    uint64_t hash = (uint64_t)phase * 0x9e3779b97f4a7c15u ^ (uint64_t)outer * 0xc2b2ae3d27d4eb4fu;
    uint32_t at = (uint32_t)(hash >> 32) & (paths->slot_count - 1);
    for (; paths->slots[at]; at = (at + 1) & (paths->slot_count - 1)) {
        const struct phase_path *path = &paths->list[paths->slots[at] - 1];
        if (path->outer == outer && path->phase == phase) break;
    }
    return at;
}

static bool grow(struct phase_paths *paths) {
    uint32_t capacity = paths->capacity ? 2 * paths->capacity : 16;
    struct phase_path *list = realloc(paths->list, capacity * sizeof *list);
    uint32_t *slots = list ? calloc(2 * (size_t)capacity, sizeof *slots) : NULL;
    if (list) paths->list = list;
    if (!slots) return false;
    free(paths->slots);
    paths->slots = slots;
    paths->capacity = capacity;
    paths->slot_count = 2 * capacity;
    for (uint32_t i = 0; i < paths->count; i++) slots[slot_of(paths, list[i].outer, list[i].phase)] = i + 1;
    return true;
}

uint32_t phase_paths_into(struct phase_paths *paths, uint32_t outer, size_t phase) {
    for (uint32_t at = outer; at != PHASE_NO_PATH; at = paths->list[at].outer)
        if (paths->list[at].phase == phase) return outer;
    if (paths->count == paths->capacity && !grow(paths)) return PHASE_NO_PATH;
    uint32_t *slot = &paths->slots[slot_of(paths, outer, phase)];
    if (*slot) return *slot - 1;
    paths->list[paths->count] = (struct phase_path){phase, outer};
    *slot = ++paths->count;
    return *slot - 1;
}

void phase_paths_release(struct phase_paths *paths) {
    free(paths->list);
    free(paths->slots);
}
