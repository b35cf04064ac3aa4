/*
 * The collector: turns births, releases and resizings into records per stack and series. Its parts: growth_layers.h
 * says what a block is made of, growth_heirs.h which block takes the place of another, growth_rounds.h where a moment
 * lies, growth_stacks.h and growth_record.h what each stack did. Called by the replay for every event.
 */
#include "growth.h"

#include <stdlib.h>

#include "growth_parts.h"

static void *growth_begin(const struct replay_facts *facts) {
    struct growth *growth = calloc(1, sizeof *growth);
    if (!growth) return NULL;
    growth->rounds = rounds_new();
    if (!growth->rounds) {
        free(growth);
        return NULL;
    }
    growth->cut = facts->cut;
    growth_stacks_begin(&growth->stacks, growth->rounds);
    growth_layers_begin(&growth->layers, &growth->stacks);
    growth_heirs_begin(&growth->heirs, facts);
    return growth;
}

static inline void count_event(struct growth *growth, const struct moment *now) {
    if (rounds_next_fills_window(growth->rounds)) {
        growth_stacks_settle(&growth->stacks, now->live_blocks);
        growth->rounds->events++;
        rounds_window(growth->rounds);
    } else {
        growth->rounds->events++;
    }
}

static void growth_born(void *self, struct block *block, const struct moment *now) {
    struct growth *growth = self;
    count_event(growth, now);
    growth->rounds->fresh++;
    if (block->internal) return;
    growth_layers_bear(&growth->layers, block, now->thread);
    growth_heirs_born(&growth->heirs, block, now->thread);
}

static void growth_resized(void *self, struct block *block, uint64_t old_size, uint32_t old_stack,
                           const struct moment *now) {
    struct growth *growth = self;
    count_event(growth, now);
    growth->rounds->fresh++;
    if (!block->attached) return;
    if (block->stack != old_stack) growth_heirs_moved(&growth->heirs, block, old_stack);
    growth_layers_resize(&growth->layers, block, old_size, old_stack, now->thread);
}

static void growth_died(void *self, struct block *block, enum death_cause cause, const struct moment *now) {
    struct growth *growth = self;
    count_event(growth, now);
    if (!block->attached) return;
    growth->rounds->fresh += growth_layers_is_young(&growth->layers, block);
    struct block *heir = growth_heirs_take(&growth->heirs, block, cause, now->thread);
    if (heir) growth_layers_inherit(&growth->layers, block, heir);
    else growth_layers_end(&growth->layers, block);
}

static void growth_control(void *self, const struct control *control, const struct moment *now) {
    struct growth *growth = self;
    growth_heirs_edge(&growth->heirs, now->thread);
    growth_stacks_settle(&growth->stacks, now->live_blocks);
    rounds_control(growth->rounds, control, now);
}

static int growth_end(void *self, const struct moment *now) {
    struct growth *growth = self;
    growth_stacks_settle(&growth->stacks, now->live_blocks);
    rounds_end(growth->rounds, now);
    growth_phases_choose(&growth->phases, growth->rounds, &growth->stacks);
    return 0;
}

const struct analysis growth_analysis = {
    .begin = growth_begin,
    .born = growth_born,
    .resized = growth_resized,
    .died = growth_died,
    .control = growth_control,
    .end = growth_end,
};

void growth_release(struct growth *growth) {
    if (!growth) return;
    growth_phases_release(&growth->phases);
    growth_layers_release(&growth->layers);
    growth_stacks_release(&growth->stacks);
    growth_heirs_release(&growth->heirs);
    rounds_release(growth->rounds);
    free(growth);
}
