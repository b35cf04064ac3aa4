/* Which block takes the place of one that dies. See growth_heirs.h. */
#include "growth_heirs.h"

#include <stdlib.h>
#include <string.h>

#include "../list.h"
#include "../must.h"
#include "growth_container.h"
#include "growth_layers.h"

void growth_heirs_begin(struct growth_heirs *heirs, const struct replay_facts *facts) {
    *heirs = (struct growth_heirs){.innermost = facts->innermost, .frames = facts->stacks};
}

void growth_heirs_release(struct growth_heirs *heirs) {
    for (uint32_t i = 0; i < heirs->numbers.count; i++) free(heirs->threads[i]);
    free(heirs->threads);
    thread_numbers_release(&heirs->numbers);
}

static struct thread_heirs *add_thread(struct growth_heirs *heirs, uint32_t serial) {
    struct thread_heirs *added = must(calloc(1, sizeof *added));
    if (!list_make_room(&heirs->threads, heirs->numbers.count, sizeof *heirs->threads)) abort();
    return heirs->threads[thread_numbers_add(&heirs->numbers, serial)] = added;
}

struct thread_heirs *growth_heirs_find_thread(struct growth_heirs *heirs, uint32_t thread) {
    uint32_t number = thread_numbers_find(&heirs->numbers, thread);
    heirs->latest = number == THREAD_NO_NUMBER ? add_thread(heirs, thread) : heirs->threads[number];
    heirs->latest_thread = thread;
    return heirs->latest;
}

void growth_heirs_edge(struct growth_heirs *heirs, uint32_t thread) {
    struct thread_heirs *state = growth_heirs_thread(heirs, thread);
    state->edges++;
    state->newest = NULL;
}

/* Here and below without branches where blocks die in no order that could be foreseen. */
static inline void forget_in_slot(struct heir_slot *slot, const struct block *block) {
    slot->block = slot->block == block ? NULL : slot->block;
    slot->before = slot->before == block ? NULL : slot->before;
}

static inline void forget_in_thread(struct thread_heirs *thread, const struct block *block, uint32_t stack) {
    forget_in_slot(heir_slot(thread, stack), block);
    thread->newest = thread->newest == block ? NULL : thread->newest;
}

void growth_heirs_moved(struct growth_heirs *heirs, const struct block *block, uint32_t old_stack) {
    forget_in_thread(growth_heirs_thread(heirs, block->thread), block, old_stack);
}

/*
 * A container grows by a factor, or is the only one of its stack; a full cache whose values get larger frees the oldest
 * of many for a slightly larger one. One whose values differ frees it as often for a smaller one, which containers do
 * only when they end: once for several growths. The latest but one is seldom the oldest; where another goes, a few more
 * must have been seen to grow.
 */
enum { SEEN_TO_GROW = 4 };
static inline bool grow(const struct heir_slot *slot, uint32_t seen) { return slot->larger > 2 * slot->smaller + seen; }

static inline bool succeeds(const struct heir_slot *slot, const struct block *block) {
    uint64_t least = slot->before == block ? block->size + 1 : block->size + block->size / GROWTH_FACTOR_PART;
    return slot->block->size >= least;
}

static inline struct block *heir_at_stack(const struct thread_heirs *state, struct heir_slot *slot,
                                          const struct block *block) {
    uint64_t latest = (slot->block ? slot->block : block)->size;
    if (latest <= block->size) { /* nearly always, the block itself too */
        slot->smaller += slot->stack == block->stack && latest < block->size;
        return NULL;
    }
    if (slot->stack != block->stack || !succeeds(slot, block)) return NULL;
    if (slot->edges != state->edges || !is_plain(slot->block)) return NULL;
    slot->larger++;
    return grow(slot, slot->before == block ? 0 : SEEN_TO_GROW) ? slot->block : NULL;
}

static bool at_same_place(const struct growth_heirs *heirs, const struct block *a, const struct block *b) {
    if (!heirs->innermost) return false;
    uint64_t place = heirs->innermost(heirs->frames, a->stack);
    return place != 0 && place == heirs->innermost(heirs->frames, b->stack);
}

/* A container to which several callers add grows on several stacks, always by the same instruction. */
static inline struct block *heir_at_place(const struct growth_heirs *heirs, const struct thread_heirs *state,
                                          const struct heir_slot *slot, const struct block *block) {
    struct block *heir = state->newest;
    if ((heir ? heir : block)->attached == block->attached) return NULL; /* born in the same epoch; the block itself */
    if (heir->stack == block->stack || !is_plain(heir)) return NULL;
    if (heir->size < block->size + block->size / GROWTH_FACTOR_PART || heir->size == block->size) return NULL;
    if (slot->stack == block->stack && slot->smaller > 0 && !grow(slot, 0)) return NULL;
    return at_same_place(heirs, heir, block) ? heir : NULL;
}

struct block *growth_heirs_take(struct growth_heirs *heirs, const struct block *block, enum death_cause cause,
                                uint32_t thread) {
    struct thread_heirs *state = growth_heirs_thread(heirs, thread);
    struct heir_slot *slot = heir_slot(state, block->stack);
    struct block *heir = cause == DEATH_FREED ? heir_at_stack(state, slot, block) : NULL;
    if (!heir && cause == DEATH_FREED) heir = heir_at_place(heirs, state, slot, block);
    if (block->thread == thread) forget_in_thread(state, block, block->stack);
    else growth_heirs_moved(heirs, block, block->stack);
    return heir;
}
