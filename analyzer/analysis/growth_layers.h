/*
 * What a block is made of: the layers that it was enlarged by, each with the epoch and the stack of its birth.
 *
 * Most blocks are never enlarged and stay plain: then block->attached is the epoch of its birth, marked by the lowest
 * bit. One that was enlarged, moved to another stack, or took the place of another has a struct of layers there
 * instead, which this part owns. What happens to layers is told to the stacks (growth_stacks.h). Called by growth.c
 * only, on one thread.
 */
#ifndef ANALYSIS_GROWTH_LAYERS_H
#define ANALYSIS_GROWTH_LAYERS_H

#include "growth_stacks.h"

struct growth_layers {
    struct growth_stacks *stacks; /* not owned */
    struct rounds *rounds;        /* those of the stacks */
    struct link blocks;           /* layers of live blocks that are not plain */
};

void growth_layers_begin(struct growth_layers *all, struct growth_stacks *stacks);
/* Blocks that live must not be used any more. */
void growth_layers_release(struct growth_layers *all);

/* For blocks with something attached. */
static inline bool is_plain(const struct block *block) { return ((uintptr_t)block->attached & 1) != 0; }
static inline struct epoch *plain_epoch(const struct block *block) {
    return (struct epoch *)(void *)((char *)block->attached - 1);
}
/* Epoch of its youngest layer. */
const struct epoch *growth_layers_top_epoch(const struct block *block);
static inline bool growth_layers_is_young(const struct growth_layers *all, const struct block *block) {
    return (is_plain(block) ? plain_epoch(block) : growth_layers_top_epoch(block)) == all->rounds->epoch;
}

/* A block is born, and plain. `thread`, here and below: the serial of the one that does it. */
static inline void growth_layers_bear(struct growth_layers *all, struct block *block, uint32_t thread) {
    struct layer layer = {rounds_epoch(all->rounds), block->size, block->stack};
    layer.epoch->references++;
    block->attached = (char *)layer.epoch + 1;
    growth_stacks_bear(all->stacks, &layer, thread);
}

/* The block has another size or stack than before: what is more is born now, what is less the youngest lose. */
void growth_layers_resize(struct growth_layers *all, struct block *block, uint64_t old_size, uint32_t old_stack,
                          uint32_t thread);

/*
 * The heir, larger and plain, keeps the block's layers; what it is larger by was born with it. Nothing stays attached
 * to the block.
 */
void growth_layers_inherit(struct growth_layers *all, struct block *block, struct block *heir);

/* The block dies. Nothing stays attached to it. */
void growth_layers_end_old(struct growth_layers *all, struct block *block); /* not a plain one of this epoch */
static inline void growth_layers_end(struct growth_layers *all, struct block *block) {
    if (is_plain(block) && plain_epoch(block) == all->rounds->epoch) { /* most blocks */
        growth_stacks_end_young(all->stacks, block->stack, block->size);
        epoch_release(plain_epoch(block));
    } else {
        growth_layers_end_old(all, block);
    }
    block->attached = NULL;
}

#endif
