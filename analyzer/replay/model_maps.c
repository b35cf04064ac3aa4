/*
 * Mappings of the replayed process: mmap over old ones, partial munmap, mremap, brk. See model.h.
 *
 * A mapping that counts is one block. It shrinks with what is unmapped from it and ends with its last range. What an
 * unmap takes out waits in its thread until the thread's next event says whether the call failed.
 */
#include <errno.h>
#include <stdlib.h>

#include "model.h"

static uint64_t pages_of(uint64_t bytes) { return (bytes + ((1u << PAGES_SHIFT) - 1)) >> PAGES_SHIFT; }

static void change_level(struct model *model, uint64_t add, uint64_t remove) {
    model->now.live_bytes += add - remove;
    model->counts.mapped_bytes += add - remove;
    model->mapped_pages += pages_of(add) - pages_of(remove);
    model_levels(model);
}

static uint64_t range_end(uint64_t start, uint64_t length) {
    return start + length < start ? UINT64_MAX : start + length;
}

/* Takes `bytes` from a mapping that counts; ends it with its last piece. */
static void shrink(struct model *model, struct mapping *mapping, uint64_t bytes) {
    struct block *block = heap_block(&model->heap, mapping->block);
    uint64_t old_size = block->size;
    uint64_t gone = mapping->internal ? 0 : bytes < old_size ? bytes : old_size;
    change_level(model, 0, gone);
    if (mapping->pieces) {
        block->size -= gone;
        if (gone) model_tell_resized(model, block, old_size, block->stack);
        return;
    }
    if (gone < old_size) change_level(model, 0, old_size - gone);
    model->counts.unmappings++;
    model->now.live_blocks--;
    model_tell_died(model, block, DEATH_UNMAPPED);
    heap_drop(&model->heap, mapping->block);
}

static void drop_piece(struct model *model, const struct map_range *range) {
    struct mapping *mapping = range->mapping;
    mapping->pieces--;
    if (mapping->block) shrink(model, mapping, range->end - range->start);
    if (!mapping->pieces) free(mapping);
}

static void drop_pieces(struct model *model, struct range_list *list) {
    for (size_t i = 0; i < list->count; i++) drop_piece(model, &list->ranges[i]);
    list->count = 0;
}

void model_settle(struct model *model, struct model_thread *thread) { drop_pieces(model, &thread->cut); }

void model_thread_end(struct model_thread *thread) {
    for (size_t i = 0; i < thread->cut.count; i++)
        if (!--thread->cut.ranges[i].mapping->pieces) free(thread->cut.ranges[i].mapping);
    free(thread->cut.ranges);
    thread->cut = (struct range_list){0};
}

/* What is mapped in this range is replaced: it ends now. */
static void clear_range(struct model *model, uint64_t start, uint64_t end) {
    struct range_list list = {0};
    if (mappings_cut(&model->mappings, start, end, &list)) model->error = -ENOMEM;
    drop_pieces(model, &list);
    free(list.ranges);
}

static void place(struct model *model, struct mapping *mapping, uint64_t start, uint64_t end) {
    mapping->pieces++;
    if (!mappings_add(&model->mappings, (struct map_range){start, end, mapping})) return;
    mapping->pieces--;
    model->error = -ENOMEM;
}

static void map_new(struct model *model, const struct packed_event *event) {
    struct mapping *mapping = calloc(1, sizeof *mapping);
    if (!mapping) {
        model->error = -ENOMEM;
        return;
    }
    mapping->internal = packed_flags(event) & (TRACE_EVENT_INTERNAL | TRACE_EVENT_RESERVED);
    struct block *block = mapping->internal ? NULL : model_new_block(model, event, &mapping->block);
    mapping->internal = !block;
    mapping->reserved = !(packed_flags(event) & TRACE_EVENT_INTERNAL) && packed_flags(event) & TRACE_EVENT_RESERVED;
    place(model, mapping, packed_address(event), range_end(packed_address(event), event->size));
    if (!block) return;
    block->mapped = true;
    model->counts.mappings++;
    model->now.live_blocks++;
    change_level(model, block->size, 0);
    model_tell_born(model, block);
}

void model_map(struct model *model, struct model_thread *thread, const struct packed_event *event) {
    (void)thread;
    if (packed_flags(event) & TRACE_EVENT_FAILED) {
        model_tell_failed(model, event->size, model_stack(model, event));
        return;
    }
    if (!event->size) return;
    clear_range(model, packed_address(event), range_end(packed_address(event), event->size));
    map_new(model, event);
}

void model_unmap(struct model *model, struct model_thread *thread, const struct packed_event *event) {
    uint64_t end = range_end(packed_address(event), event->size);
    thread->cut_by_remap = packed_kind(event) == TRACE_EVENT_REMAP_OUT;
    if (event->size && mappings_cut(&model->mappings, packed_address(event), end, &thread->cut)) model->error = -ENOMEM;
}

void model_unmap_failed(struct model *model, struct model_thread *thread, const struct packed_event *event) {
    (void)event;
    for (size_t i = 0; i < thread->cut.count; i++) {
        clear_range(model, thread->cut.ranges[i].start, thread->cut.ranges[i].end);
        if (mappings_add(&model->mappings, thread->cut.ranges[i])) model->error = -ENOMEM;
    }
    thread->cut.count = 0;
}

/* The mapping that a mremap moves as a whole, or NULL where it moves a part of one, several, or an unknown one. */
static struct mapping *carried_whole(struct model_thread *thread) {
    if (!thread->cut.count || !thread->cut_by_remap) return NULL;
    struct mapping *mapping = thread->cut.ranges[0].mapping;
    return thread->cut.count == mapping->pieces && thread->cut.ranges[thread->cut.count - 1].mapping == mapping
               ? mapping
               : NULL;
}

static void resize_mapping(struct model *model, struct mapping *mapping, const struct packed_event *event) {
    struct block *block = heap_block(&model->heap, mapping->block);
    uint64_t old_size = block->size;
    uint32_t old_stack = block->stack;
    block->address = packed_address(event);
    if (mapping->internal) return;
    block->size = event->size;
    block->stack = model_block_stack(model, event);
    change_level(model, block->size, old_size);
    model_tell_resized(model, block, old_size, old_stack);
}

void model_remap(struct model *model, struct model_thread *thread, const struct packed_event *event) {
    struct mapping *whole = carried_whole(thread);
    uint64_t end = range_end(packed_address(event), event->size);
    if (!whole) model_settle(model, thread);
    clear_range(model, packed_address(event), end);
    if (!whole) {
        map_new(model, event);
        return;
    }
    thread->cut.count = 0;
    whole->pieces = 0;
    place(model, whole, packed_address(event), end);
    if (whole->block) resize_mapping(model, whole, event);
}

void model_break(struct model *model, struct model_thread *thread, const struct packed_event *event) {
    struct packed_event range = *event;
    int64_t moved = (int64_t)event->size;
    if (packed_flags(event) & TRACE_EVENT_FAILED) {
        model_tell_failed(model, event->size, model_stack(model, event));
    } else if (moved > 0) {
        range.word = packed_word(packed_kind(event), packed_flags(event), packed_address(event) - event->size);
        model_map(model, thread, &range);
    } else if (moved < 0) {
        clear_range(model, packed_address(event), range_end(packed_address(event), (uint64_t) - (moved + 1) + 1));
    }
}

/* A heap lives in this mapping: from now on its blocks are what counts. */
void model_found_block_in(struct model *model, struct mapping *mapping) {
    struct block *block = heap_block(&model->heap, mapping->block);
    uint64_t old_size = block->size;
    mapping->internal = true;
    model->mappings.quiet_size = 0;
    block->internal = true;
    block->size = 0;
    change_level(model, 0, old_size);
    model_tell_resized(model, block, old_size, block->stack);
}
