/*
 * Interned sets of phases. See phase_sets.h. A new set is built behind the members of the others, and stays there
 * unless it is known already.
 */
#include "phase_sets.h"

#include <stdlib.h>
#include <string.h>

#define NONE SIZE_MAX

/* Room for `more` elements; the list, moved, or NULL. */
static void *with_room(void *list, size_t count, size_t more, size_t *capacity, size_t size) {
    if (count + more <= *capacity) return list;
    size_t wanted = *capacity ? *capacity : 16;
    while (wanted < count + more) wanted *= 2;
    void *grown = realloc(list, wanted * size);
    if (grown) *capacity = wanted;
    return grown;
}

static bool same(const struct phase_sets *sets, const struct phase_set *a, const struct phase_set *b) {
    if (a->hash != b->hash || a->count != b->count) return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (sets->members[a->first + i].phase != sets->members[b->first + i].phase) return false;
    return true;
}

static uint32_t *slot_of(const struct phase_sets *sets, const struct phase_set *set) {
    size_t at = set->hash & (sets->slot_count - 1);
    while (sets->slots[at] && !same(sets, &sets->list[sets->slots[at] - 1], set))
        at = (at + 1) & (sets->slot_count - 1);
    return &sets->slots[at];
}

static bool grow_slots(struct phase_sets *sets) {
    size_t count = sets->slot_count ? 2 * sets->slot_count : 64;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots) return false;
    free(sets->slots);
    sets->slots = slots;
    sets->slot_count = count;
    for (size_t i = 0; i < sets->count; i++) *slot_of(sets, &sets->list[i]) = (uint32_t)i + 1;
    return true;
}

static bool grow_heads(struct phase_sets *sets, size_t phase) {
    size_t before = sets->head_capacity;
    size_t *grown =
        with_room(sets->heads, before, phase >= before ? phase - before + 1 : 0, &sets->head_capacity, sizeof *grown);
    if (!grown) return false;
    sets->heads = grown;
    for (size_t i = before; i < sets->head_capacity; i++) grown[i] = NONE;
    return true;
}

static bool make_room(struct phase_sets *sets, size_t members) {
    size_t room = sets->capacity;
    struct phase_set *list = with_room(sets->list, sets->count, 1, &room, sizeof *list);
    if (list) sets->list = list;
    uint64_t *live = list ? with_room(sets->live, sets->count, 1, &sets->capacity, sizeof *live) : NULL;
    if (live) sets->live = live;
    struct phase_member *grown =
        live ? with_room(sets->members, sets->member_count, members, &sets->member_capacity, sizeof *grown) : NULL;
    if (grown) sets->members = grown;
    return grown && (sets->count < sets->slot_count / 2 || grow_slots(sets));
}

/* The members of the set are behind those of all others. */
static uint32_t intern(struct phase_sets *sets, struct phase_set *set) {
    uint32_t *slot = slot_of(sets, set);
    if (*slot) return *slot - 1;
    for (uint32_t i = 0; i < set->count; i++) {
        struct phase_member *member = &sets->members[set->first + i];
        member->set = (uint32_t)sets->count;
        member->next = sets->heads[member->phase];
        sets->heads[member->phase] = set->first + i;
    }
    sets->member_count += set->count;
    sets->live[sets->count] = 0;
    sets->list[sets->count] = *set;
    *slot = (uint32_t)++sets->count;
    return *slot - 1;
}

static void append(struct phase_sets *sets, struct phase_set *set, uint32_t phase) {
    sets->members[set->first + set->count++] = (struct phase_member){.phase = phase, .next = NONE};
    set->hash = (set->hash ^ phase) * 16777619u; /* FNV-1a, by phases */
}

bool phase_sets_begin(struct phase_sets *sets) {
    struct phase_set run = {.hash = 2166136261u};
    *sets = (struct phase_sets){.live = NULL};
    return make_room(sets, 1) && grow_heads(sets, 0) && intern(sets, &run) == 0;
}

bool phase_sets_change(struct phase_sets *sets, uint32_t *set, uint32_t phase, bool open) {
    if (!make_room(sets, sets->list[*set].count + 1) || !grow_heads(sets, phase)) return false;
    const struct phase_set old = sets->list[*set];
    struct phase_set changed = {.first = sets->member_count, .hash = 2166136261u};
    uint32_t at = 0;
    for (; at < old.count && sets->members[old.first + at].phase < phase; at++)
        append(sets, &changed, sets->members[old.first + at].phase);
    if (open) append(sets, &changed, phase);
    for (; at < old.count; at++)
        if (sets->members[old.first + at].phase != phase) append(sets, &changed, sets->members[old.first + at].phase);
    *set = intern(sets, &changed);
    return true;
}

uint64_t phase_sets_live(const struct phase_sets *sets, size_t phase) {
    uint64_t bytes = 0;
    if (phase == 0)
        for (size_t i = 0; i < sets->count; i++) bytes += sets->live[i];
    size_t member = phase && phase < sets->head_capacity ? sets->heads[phase] : NONE;
    for (; member != NONE; member = sets->members[member].next) bytes += sets->live[sets->members[member].set];
    return bytes;
}

void phase_sets_release(struct phase_sets *sets) {
    free(sets->live);
    free(sets->list);
    free(sets->members);
    free(sets->heads);
    free(sets->slots);
}
