/* The layers of blocks that were enlarged. See growth_layers.h. */
#include "growth_layers.h"

#include <stdlib.h>

#include "../must.h"

#define MOST_LAYERS 256u

struct layers {
    struct link link; /* first */
    uint32_t count, room;
    struct layer items[];
};

void growth_layers_begin(struct growth_layers *all, struct growth_stacks *stacks) {
    *all = (struct growth_layers){stacks, stacks->rounds, {&all->blocks, &all->blocks}};
}

void growth_layers_release(struct growth_layers *all) {
    for (struct link *link = all->blocks.next, *next; link != &all->blocks; link = next) {
        next = link->next;
        free(link);
    }
}

static struct epoch *hold_epoch(struct growth_layers *all) {
    struct epoch *epoch = rounds_epoch(all->rounds);
    epoch->references++;
    return epoch;
}

static struct layers *new_layers(struct growth_layers *all, uint32_t room) {
    struct layers *layers = must(malloc(sizeof *layers + room * sizeof *layers->items));
    *layers = (struct layers){.room = room};
    link_into(&all->blocks, &layers->link);
    return layers;
}

/* The block's layers; a plain block of `size` bytes at `stack` becomes a layered one. */
static struct layers *layers_of(struct growth_layers *all, struct block *block, uint64_t size, uint32_t stack) {
    if (!is_plain(block)) return block->attached;
    struct layers *layers = new_layers(all, 2);
    layers->items[layers->count++] = (struct layer){plain_epoch(block), size, stack};
    block->attached = layers;
    return layers;
}

static struct layers *with_room(struct growth_layers *all, struct layers *layers, uint32_t more) {
    if (layers->count + more <= layers->room) return layers;
    uint32_t room = (layers->count + more) * 3 / 2;
    link_out(&layers->link);
    layers = must(realloc(layers, sizeof *layers + room * sizeof *layers->items));
    link_into(&all->blocks, &layers->link);
    layers->room = room;
    return layers;
}

static void end_layer(struct growth_layers *all, struct layer *layer, enum stack_change how) {
    growth_stacks_change(all->stacks, layer, how, layer->bytes);
    epoch_release(layer->epoch);
}

/* Too many layers: every second one is taken as born with the next younger one. */
static void thin_layers(struct growth_layers *all, struct layers *layers) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i + 1 < layers->count; i += 2) {
        struct layer *old = &layers->items[i], *young = &layers->items[i + 1];
        end_layer(all, old, STACK_TAKE_OUT);
        growth_stacks_change(all->stacks, young, STACK_RESIZE, old->bytes);
        young->bytes += old->bytes;
        layers->items[kept++] = *young;
    }
    if (layers->count % 2) layers->items[kept++] = layers->items[layers->count - 1];
    layers->count = kept;
}

static void add_layer(struct growth_layers *all, struct block *block, uint64_t bytes, uint32_t thread) {
    struct layers *layers = with_room(all, block->attached, 1);
    block->attached = layers;
    struct layer *top = &layers->items[layers->count - 1];
    if (top->epoch == rounds_epoch(all->rounds) && top->stack == block->stack) {
        growth_stacks_change(all->stacks, top, STACK_RESIZE, bytes);
        top->bytes += bytes;
        return;
    }
    layers->items[layers->count] = (struct layer){hold_epoch(all), bytes, block->stack};
    growth_stacks_bear(all->stacks, &layers->items[layers->count++], thread);
    if (layers->count > MOST_LAYERS) thin_layers(all, layers);
}

static void shrink(struct growth_layers *all, struct layers *layers, uint64_t bytes) {
    while (layers->count > 1 && layers->items[layers->count - 1].bytes <= bytes) {
        struct layer *top = &layers->items[--layers->count];
        bytes -= top->bytes;
        end_layer(all, top, STACK_DEATH);
    }
    struct layer *top = &layers->items[layers->count - 1];
    growth_stacks_change(all->stacks, top, STACK_RESIZE, -bytes);
    top->bytes -= bytes;
}

/* A block whose only layer was born in this very epoch belongs to the stack that enlarged it last. */
static void move_to_stack(struct growth_layers *all, struct layers *layers, uint32_t stack, uint32_t thread) {
    struct layer *only = &layers->items[0];
    if (only->stack == stack) return;
    growth_stacks_change(all->stacks, only, STACK_TAKE_OUT, only->bytes);
    only->stack = stack;
    growth_stacks_bear(all->stacks, only, thread);
}

void growth_layers_resize(struct growth_layers *all, struct block *block, uint64_t old_size, uint32_t old_stack,
                          uint32_t thread) {
    struct layers *layers = layers_of(all, block, old_size, old_stack);
    if (layers->count == 1 && layers->items[0].epoch == rounds_epoch(all->rounds))
        move_to_stack(all, layers, block->stack, thread);
    if (block->size > old_size) {
        add_layer(all, block, block->size - old_size, thread);
        growth_stacks_step(all->stacks, block->stack, old_size, block->size);
    } else if (block->size < old_size) {
        shrink(all, layers, old_size - block->size);
    }
}

void growth_layers_inherit(struct growth_layers *all, struct block *block, struct block *heir) {
    struct layers *old = layers_of(all, block, block->size, block->stack);
    struct layers *layers = with_room(all, old, 1);
    struct layer top = {plain_epoch(heir), heir->size, heir->stack};
    growth_stacks_change(all->stacks, &top, STACK_RESIZE, -block->size);
    top.bytes -= block->size;
    layers->items[layers->count++] = top;
    heir->attached = layers;
    block->attached = NULL;
    growth_stacks_step(all->stacks, heir->stack, block->size, heir->size);
    if (layers->count > MOST_LAYERS) thin_layers(all, layers);
}

const struct epoch *growth_layers_top_epoch(const struct block *block) {
    const struct layers *layers = block->attached;
    return layers->items[layers->count - 1].epoch;
}

static void end_layers(struct growth_layers *all, struct layers *layers) {
    for (uint32_t i = 0; i < layers->count; i++) end_layer(all, &layers->items[i], STACK_DEATH);
    link_out(&layers->link);
    free(layers);
}

void growth_layers_end_old(struct growth_layers *all, struct block *block) {
    if (is_plain(block)) {
        struct layer layer = {plain_epoch(block), block->size, block->stack};
        end_layer(all, &layer, STACK_DEATH);
    } else {
        end_layers(all, block->attached);
    }
}
