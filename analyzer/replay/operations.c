/*
 * A small hash table with linear probing and backward shift. See operations.h.
 */
#include "operations.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_CAPACITY 64u

static size_t home_of(const struct operations *o, uint64_t id) {
    return (size_t)((id * 0x9e3779b97f4a7c15u) >> 32) & (o->capacity - 1);
}

static size_t slot_of(const struct operations *o, uint64_t id) {
    size_t at = home_of(o, id);
    while (o->slots[at].id && o->slots[at].id != id) at = (at + 1) & (o->capacity - 1);
    return at;
}

static int grow(struct operations *o) {
    struct operations grown = {.capacity = o->capacity ? 2 * o->capacity : FIRST_CAPACITY, .used = o->used};
    grown.slots = calloc(grown.capacity, sizeof *grown.slots);
    if (!grown.slots) return -ENOMEM;
    for (size_t i = 0; i < o->capacity; i++)
        if (o->slots[i].id) grown.slots[slot_of(&grown, o->slots[i].id)] = o->slots[i];
    free(o->slots);
    *o = grown;
    return 0;
}

int operations_start(struct operations *o, uint64_t id, uint64_t name) {
    if (!id) return 0;
    if (o->used >= o->capacity / 2 && grow(o)) return -ENOMEM;
    size_t at = slot_of(o, id);
    if (!o->slots[at].id) o->used++;
    o->slots[at] = (struct operation){id, name};
    return 0;
}

static void close_gap(struct operations *o, size_t gap) {
    size_t mask = o->capacity - 1;
    for (size_t at = (gap + 1) & mask; o->slots[at].id; at = (at + 1) & mask) {
        if (((at - home_of(o, o->slots[at].id)) & mask) < ((at - gap) & mask)) continue;
        o->slots[gap] = o->slots[at];
        gap = at;
    }
    o->slots[gap].id = 0;
}

uint64_t operations_finish(struct operations *o, uint64_t id) {
    if (!id || !o->capacity) return 0;
    size_t at = slot_of(o, id);
    if (!o->slots[at].id) return 0;
    uint64_t name = o->slots[at].name;
    o->used--;
    close_gap(o, at);
    return name;
}

void operations_end(struct operations *o) {
    free(o->slots);
    *o = (struct operations){0};
}
