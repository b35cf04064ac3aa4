/*
 * A hash table of strings with linear probing. See phase_names.h. The hash is FNV-1a.
 */
#include "phase_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t slot_of(const struct phase_names *names, const char *name) {
    uint64_t hash = 14695981039346656037u;
    for (const char *c = name; *c; c++) hash = (hash ^ (uint8_t)*c) * 1099511628211u;
    size_t at = (size_t)hash & (names->capacity - 1);
    while (names->slots[at].name && strcmp(names->slots[at].name, name)) at = (at + 1) & (names->capacity - 1);
    return at;
}

size_t phase_names_find(const struct phase_names *names, const char *name) {
    if (!names->capacity) return SIZE_MAX;
    const struct phase_name *slot = &names->slots[slot_of(names, name)];
    return slot->name ? slot->number : SIZE_MAX;
}

static int grow(struct phase_names *names) {
    struct phase_names grown = {.capacity = names->capacity ? 2 * names->capacity : 64, .used = names->used};
    grown.slots = calloc(grown.capacity, sizeof *grown.slots);
    if (!grown.slots) return -ENOMEM;
    for (size_t i = 0; i < names->capacity; i++)
        if (names->slots[i].name) grown.slots[slot_of(&grown, names->slots[i].name)] = names->slots[i];
    free(names->slots);
    *names = grown;
    return 0;
}

int phase_names_add(struct phase_names *names, const char *name, size_t number) {
    if (names->used >= names->capacity / 2 && grow(names)) return -ENOMEM;
    names->slots[slot_of(names, name)] = (struct phase_name){name, number};
    names->used++;
    return 0;
}

void phase_names_release(struct phase_names *names) {
    free(names->slots);
    *names = (struct phase_names){0};
}
