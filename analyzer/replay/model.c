/*
 * Heap events of the replayed process, and how analyses hear of them. See model.h.
 *
 * The path of an allocation and a free is the analyzer's hottest: no lookup for a pair within one chunk, one for others.
 */
#include "model.h"

#include <errno.h>

int model_begin(struct model *model, const struct tables *tables) {
    *model = (struct model){.tables = tables, .exit_ns = UINT64_MAX};
    model->sample = (struct memory_sample){.pss = UINT64_MAX, .anonymous = UINT64_MAX, .fds = -1};
    clock_begin(&model->clock, tables);
    int error = heap_begin(&model->heap);
    if (!error) error = pages_begin(&model->pages);
    return error ? error : teller_begin(&model->teller);
}

#define ADD_HOOK(list, count, callback)                                                                                \
    if (analysis->callback) model->list[model->count++] = (struct model_hook) {                                        \
            self, analysis                                                                                             \
        }

void model_add(struct model *model, const struct analysis *analysis, void *self) {
    if (analysis->blocks) {
        teller_add(&model->teller, analysis, self);
        return;
    }
    ADD_HOOK(born, born_count, born);
    ADD_HOOK(resized, resized_count, resized);
    ADD_HOOK(died, died_count, died);
    ADD_HOOK(failed, failed_count, failed);
    ADD_HOOK(control, control_count, control);
    ADD_HOOK(sampled, sample_count, sample);
    ADD_HOOK(looked, look_count, look);
}

void model_end(struct model *model) {
    teller_end(&model->teller);
    heap_end(&model->heap);
    pages_end(&model->pages);
    mappings_end(&model->mappings);
    landscape_end(&model->landscape);
    operations_end(&model->operations);
}

static inline struct block_event *note(struct model *model, const struct block *block, enum block_event_kind kind) {
    struct block_event *event = teller_event(&model->teller);
    event->ns = model->now.ns;
    event->size = block->size;
    event->birth_ns = block->birth_ns;
    event->birth_event = block->birth_event;
    event->live_bytes = model->now.live_bytes;
    event->live_blocks = model->now.live_blocks;
    event->pinned_bytes = model->now.pinned_bytes;
    event->stack = block->stack;
    event->thread = model->now.thread;
    event->birth_edge = block->birth_edge;
    event->kind = (uint8_t)kind;
    event->mapped = block->mapped;
    return event;
}

static inline void tell_born(struct model *model, struct block *block) {
    note(model, block, BLOCK_BORN);
    for (unsigned i = 0; i < model->born_count; i++)
        model->born[i].analysis->born(model->born[i].self, block, &model->now);
}

void model_tell_born(struct model *model, struct block *block) { tell_born(model, block); }

void model_tell_resized(struct model *model, struct block *block, uint64_t old_size, uint32_t old_stack) {
    struct block_event *event = note(model, block, BLOCK_RESIZED);
    event->old_size = old_size;
    event->old_stack = old_stack;
    for (unsigned i = 0; i < model->resized_count; i++)
        model->resized[i].analysis->resized(model->resized[i].self, block, old_size, old_stack, &model->now);
}

static inline void tell_died(struct model *model, struct block *block, enum death_cause cause) {
    note(model, block, BLOCK_DIED);
    for (unsigned i = 0; i < model->died_count; i++)
        model->died[i].analysis->died(model->died[i].self, block, cause, &model->now);
}

void model_tell_died(struct model *model, struct block *block, enum death_cause cause) {
    tell_died(model, block, cause);
}

void model_tell_failed(struct model *model, uint64_t size, uint32_t stack) {
    model->counts.failed++;
    struct teller_message *message = teller_message(&model->teller, &model->now);
    message->kind = TELLER_FAILED;
    message->failed.size = size;
    message->failed.stack = stack;
    for (unsigned i = 0; i < model->failed_count; i++)
        model->failed[i].analysis->failed(model->failed[i].self, size, stack, &model->now);
}

static inline void move_on(struct model *model, uint64_t stamp) {
    uint64_t ns = clock_ns(&model->clock, stamp);
    model->now.stamp = stamp;
    if (ns > model->now.ns) model->now.ns = ns;
}

void model_moment(struct model *model, uint64_t stamp, uint32_t thread) {
    move_on(model, stamp);
    model->now.thread = thread;
}

static inline void levels(struct model *model) {
    model->now.pinned_bytes = (model->pages.pinned + model->mapped_pages) << PAGES_SHIFT;
}

void model_levels(struct model *model) { levels(model); }

static inline void pin(struct model *model, const struct block *block) {
    if (pages_pin(&model->pages, block->address, block->size)) model->error = -ENOMEM;
}

static struct block *fail_memory(struct model *model) {
    model->error = -ENOMEM;
    return NULL;
}

static inline struct block *new_block(struct model *model, const struct trace_event *event, uint32_t *index) {
    struct block *block = heap_new(&model->heap, index);
    if (!block) return fail_memory(model);
    *block = (struct block){
        .address = event->address,
        .size = event->size,
        .birth_ns = model->now.ns,
        .birth_event = model->now.event,
        .stack = event->flags & TRACE_EVENT_NO_STACK ? 0 : event->stack,
        .thread = model->now.thread,
        .birth_edge = model->now.edge,
    };
    return block;
}

struct block *model_new_block(struct model *model, const struct trace_event *event, uint32_t *index) {
    return new_block(model, event, index);
}

static inline void end_block(struct model *model, uint32_t index, enum death_cause cause) {
    struct block *block = heap_block(&model->heap, index);
    pages_unpin(&model->pages, block->address, block->size);
    model->now.live_bytes -= block->size;
    model->now.live_blocks--;
    levels(model);
    tell_died(model, block, cause);
    heap_put_back(&model->heap, index, block);
}

/*
 * Whether the order within the chunk pairs this birth with its end. Stored stamps at both ends are better knowledge:
 * another thread may have freed the block and made one at the same address in between.
 */
static inline bool is_pair(const struct model *model, const struct trace_event *event) {
    if (!event->partner || event->partner >= (size_t)(model->chunk_end - event)) return false;
    return event->flags & TRACE_EVENT_INTERPOLATED || event[event->partner].flags & TRACE_EVENT_INTERPOLATED;
}

/* Makes a block findable: by the partner that ends it in this chunk, or by its address. */
static inline void enter(struct model *model, uint32_t index, struct trace_event *event) {
    if (is_pair(model, event)) {
        event->stack = index;
        event->flags |= MODEL_PAIRED;
        return;
    }
    uint32_t old;
    if (heap_insert(&model->heap, index, &old)) model->error = -ENOMEM;
    if (!old) return;
    model->counts.impossible++;
    end_block(model, old, DEATH_REPLACED);
}

static inline uint32_t leave(struct model *model, struct trace_event *event) {
    if (event->partner && event->partner <= (size_t)(event - model->chunk_begin)) {
        struct trace_event *birth = event - event->partner;
        if (birth->flags & MODEL_PAIRED) {
            birth->flags &= (uint8_t)~MODEL_PAIRED;
            return birth->stack;
        }
    }
    return heap_remove(&model->heap, event->address);
}

static inline void begin_block(struct model *model, struct trace_event *event) {
    uint32_t index;
    struct mapping *around = mappings_at(&model->mappings, event->address);
    if (around) model_found_block_in(model, around);
    struct block *block = new_block(model, event, &index);
    if (!block) return;
    enter(model, index, event);
    pin(model, block);
    model->now.live_bytes += block->size;
    model->now.live_blocks++;
    levels(model);
    tell_born(model, block);
}

static inline void apply_alloc(struct model *model, struct trace_event *event) {
    if (event->flags & TRACE_EVENT_FAILED) {
        model_tell_failed(model, event->size, event->stack);
        return;
    }
    model->counts.allocations++;
    model->counts.allocated_bytes += event->size;
    begin_block(model, event);
}

static inline void apply_free(struct model *model, struct trace_event *event) {
    uint32_t index = leave(model, event);
    model->counts.frees++;
    if (index) end_block(model, index, DEATH_FREED);
    else model->counts.unknown_frees++;
}

/*
 * A signal handler may leave a realloc by siglongjmp: its block is never heard of again, and whether it was moved, freed or kept
 * is unknown. It is taken as gone when that many are open, which no nesting of handlers explains.
 */
static void forget_oldest_move(struct model *model, struct model_thread *thread) {
    if (thread->moves[0]) end_block(model, thread->moves[0], DEATH_FREED);
    memmove(thread->moves, thread->moves + 1, (MODEL_MOVES - 1) * sizeof *thread->moves);
    thread->move_count--;
}

static void apply_realloc_out(struct model *model, struct model_thread *thread, struct trace_event *event) {
    uint32_t index = leave(model, event);
    if (thread->move_count == MODEL_MOVES) forget_oldest_move(model, thread);
    thread->moves[thread->move_count++] = index;
}

static void move_block(struct model *model, uint32_t index, struct trace_event *event) {
    struct block *block = heap_block(&model->heap, index);
    uint64_t old_size = block->size;
    uint32_t old_stack = block->stack;
    pages_unpin(&model->pages, block->address, old_size);
    block->address = event->address;
    block->size = event->size;
    block->stack = event->flags & TRACE_EVENT_NO_STACK ? 0 : event->stack;
    enter(model, index, event);
    pin(model, block);
    model->now.live_bytes += block->size - old_size;
    levels(model);
    model_tell_resized(model, block, old_size, old_stack);
}

static void apply_realloc_in(struct model *model, struct model_thread *thread, struct trace_event *event) {
    bool open = thread->move_count > 0;
    uint32_t index = open ? thread->moves[--thread->move_count] : 0;
    model->counts.allocations++;
    model->counts.allocated_bytes += event->size;
    if (open) {
        model->counts.reallocs++;
        model->counts.frees++;
        if (!index) model->counts.unknown_frees++;
    } else {
        model->counts.impossible++;
    }
    if (index) move_block(model, index, event);
    else begin_block(model, event);
}

/* The old block is a block again; nothing was counted for it. */
static void apply_realloc_fail(struct model *model, struct model_thread *thread, struct trace_event *event) {
    uint32_t index = thread->move_count ? thread->moves[--thread->move_count] : 0;
    if (index) {
        event->partner = 0;
        enter(model, index, event);
    }
    model_tell_failed(model, event->size, event->stack);
}

static inline void apply_memory(struct model *model, struct model_thread *thread, struct trace_event *event) {
    switch ((enum trace_event_kind)event->kind) {
    case TRACE_EVENT_ALLOC: apply_alloc(model, event); break;
    case TRACE_EVENT_FREE: apply_free(model, event); break;
    case TRACE_EVENT_REALLOC_OUT: apply_realloc_out(model, thread, event); break;
    case TRACE_EVENT_REALLOC_IN: apply_realloc_in(model, thread, event); break;
    case TRACE_EVENT_REALLOC_FAIL: apply_realloc_fail(model, thread, event); break;
    case TRACE_EVENT_MAP: model_map(model, thread, event); break;
    case TRACE_EVENT_UNMAP:
    case TRACE_EVENT_REMAP_OUT: model_unmap(model, thread, event); break;
    case TRACE_EVENT_UNMAP_FAIL:
    case TRACE_EVENT_REMAP_FAIL: model_unmap_failed(model, thread, event); break;
    case TRACE_EVENT_REMAP_IN: model_remap(model, thread, event); break;
    case TRACE_EVENT_BREAK: model_break(model, thread, event); break;
    default: break; /* ADVISE changes no block */
    }
}

static inline bool settles(const struct trace_event *event) {
    return event->kind != TRACE_EVENT_UNMAP_FAIL && event->kind != TRACE_EVENT_REMAP_FAIL &&
           event->kind != TRACE_EVENT_REMAP_IN;
}

void model_chunk(struct model *model, const struct trace_event *begin, const struct trace_event *end) {
    model->chunk_begin = begin;
    model->chunk_end = end;
}

static inline void apply(struct model *model, struct model_thread *thread, struct trace_event *event) {
    move_on(model, event->stamp);
    if (thread->cut.count && settles(event)) model_settle(model, thread);
    if (event->kind < TRACE_EVENT_PHASE_BEGIN) apply_memory(model, thread, event);
    else model_control(model, event);
    model->now.event++;
}

/* What ends blocks looks them up in memory that is no longer, or not yet, in a cache: told some events ahead. */
#define FAR 16
#define NEAR 8

static inline bool ends_block(const struct trace_event *event) {
    return event->kind == TRACE_EVENT_FREE || event->kind == TRACE_EVENT_REALLOC_OUT;
}

HEAP_HINT void look_far_ahead(const struct model *model, const struct trace_event *event) {
    if (!event->partner) heap_prefetch(&model->heap, event->address);
    else if (ends_block(event)) __builtin_prefetch(event - event->partner);
}

HEAP_HINT void look_near_ahead(const struct model *model, const struct trace_event *event) {
    if (!ends_block(event)) return;
    if (!event->partner) {
        heap_prefetch_block(&model->heap, event->address);
    } else if (event->partner <= (size_t)(event - model->chunk_begin)) {
        const struct trace_event *birth = event - event->partner;
        if (birth->flags & MODEL_PAIRED) __builtin_prefetch(heap_block(&model->heap, birth->stack));
    }
}

HEAP_HINT void look_ahead(const struct model *model, const struct trace_event *event) {
    if (model->chunk_end - event <= FAR) return;
    look_far_ahead(model, event + FAR);
    look_near_ahead(model, event + NEAR);
}

static inline bool goes_on(const struct model *model, const struct trace_event *event, uint64_t limit) {
    return event < model->chunk_end && model_key(event->stamp, event->kind) <= limit;
}

/* So many live blocks and their map lie in the second-level cache anyway. */
#define SMALL_HEAP 8192u

struct trace_event *model_run(struct model *model, struct model_thread *thread, struct trace_event *event,
                              uint64_t limit) {
    const struct trace_event *first = event;
    bool small = model->now.live_blocks < SMALL_HEAP;
    model->now.thread = thread->serial;
    do {
        if (!small) look_ahead(model, event);
        apply(model, thread, event++);
    } while (goes_on(model, event, limit));
    thread->last_event = model->now.event - 1;
    model->counts.events += (uint64_t)(event - first);
    return event;
}
