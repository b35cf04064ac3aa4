/*
 * Hands the events of chosen blocks on to an analysis of sites. See selection.h.
 */
#include "selection.h"

#include <stdlib.h>

struct selection {
    struct block_choice choice;
    struct sites *sites;
    uint64_t live_bytes; /* of the chosen blocks, for their own peak */
};

static void *selection_begin(const struct replay_facts *facts) {
    static const struct block_choice all = {0, UINT64_MAX, 0, UINT64_MAX, 0, UINT64_MAX, NULL, 0};
    struct selection *selection = calloc(1, sizeof *selection);
    if (!selection) return NULL;
    selection->choice = facts->choice ? *facts->choice : all;
    selection->sites = sites_analysis.begin(facts);
    if (selection->sites) return selection;
    free(selection);
    return NULL;
}

void selection_release(struct selection *selection) {
    if (selection) sites_release(selection->sites);
    free(selection);
}

const struct sites *selection_sites(const struct selection *selection) { return selection->sites; }

static bool of_thread(const struct block_choice *choice, uint32_t thread) {
    size_t low = 0, high = choice->thread_count;
    if (!choice->threads) return true;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (choice->threads[middle] < thread) low = middle + 1;
        else high = middle;
    }
    return low < choice->thread_count && choice->threads[low] == thread;
}

static bool is_chosen(const struct block_choice *choice, const struct block *block, uint64_t size) {
    return size >= choice->min_size && size <= choice->max_size && block->birth_ns >= choice->from_ns &&
           block->birth_ns <= choice->to_ns && of_thread(choice, block->thread);
}

static bool counts_at_death(const struct block_choice *choice) { return choice->max_life_ns != UINT64_MAX; }

static void tell(struct selection *selection, struct block_event event, const struct block *block,
                 const struct moment *now) {
    selection->live_bytes += event.kind == BLOCK_DIED ? -event.size : event.size - event.old_size;
    event.ns = now->ns;
    event.thread = now->thread;
    event.birth_ns = block->birth_ns;
    event.birth_event = block->birth_event;
    event.mapped = block->mapped;
    event.live_bytes = selection->live_bytes;
    const struct block_levels levels = {.bytes_max = event.live_bytes, .bytes_min = event.live_bytes};
    sites_analysis.blocks(selection->sites, &event, 1, &levels);
}

static void enter(struct selection *selection, struct block *block, const struct moment *now) {
    tell(selection, (struct block_event){.kind = BLOCK_BORN, .size = block->size, .stack = block->stack}, block, now);
}

static void leave(struct selection *selection, struct block *block, const struct moment *now) {
    tell(selection, (struct block_event){.kind = BLOCK_DIED, .size = block->size, .stack = block->stack}, block, now);
}

static void selection_born(void *self, struct block *block, const struct moment *now) {
    struct selection *selection = self;
    if (counts_at_death(&selection->choice) || !is_chosen(&selection->choice, block, block->size)) return;
    enter(selection, block, now);
}

static void selection_resized(void *self, struct block *block, uint64_t old_size, uint32_t old_stack,
                              const struct moment *now) {
    struct selection *selection = self;
    if (counts_at_death(&selection->choice)) return;
    bool before = is_chosen(&selection->choice, block, old_size);
    bool after = is_chosen(&selection->choice, block, block->size);
    struct block old = *block;
    old.size = old_size;
    old.stack = old_stack;
    if (before && after) {
        struct block_event event = {.kind = BLOCK_RESIZED,
                                    .size = block->size,
                                    .old_size = old_size,
                                    .stack = block->stack,
                                    .old_stack = old_stack};
        tell(selection, event, block, now);
    } else if (before) {
        leave(selection, &old, now);
    } else if (after) {
        enter(selection, block, now);
    }
}

static void selection_died(void *self, struct block *block, enum death_cause cause, const struct moment *now) {
    struct selection *selection = self;
    const struct block_choice *choice = &selection->choice;
    uint64_t life = now->ns - block->birth_ns;
    (void)cause;
    if (!is_chosen(choice, block, block->size)) return;
    bool lived = life >= choice->min_life_ns && life <= choice->max_life_ns;
    if (counts_at_death(choice)) {
        if (lived) enter(selection, block, now);
        if (lived) leave(selection, block, now);
        return;
    }
    leave(selection, block, now);
    if (!lived) sites_forget(selection->sites, block, life);
}

static int selection_end(void *self, const struct moment *now) {
    struct selection *selection = self;
    return sites_analysis.end(selection->sites, now);
}

const struct analysis selection_analysis = {
    .begin = selection_begin,
    .born = selection_born,
    .resized = selection_resized,
    .died = selection_died,
    .end = selection_end,
};
