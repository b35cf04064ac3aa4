/*
 * Heap events of the replayed process, and how analyses hear of them. See model.h.
 *
 * The path of an allocation and a free is the analyzer's hottest: no lookup for a pair within one chunk, one for
 * others.
 */
#include "model.h"

#include <errno.h>

int model_begin(struct model *model, const struct tables *tables) {
    *model = (struct model){.tables = tables};
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

static inline void move_to(struct model *model, uint64_t stamp, uint64_t ns) {
    model->now.stamp = stamp;
    if (ns > model->now.ns) model->now.ns = ns;
}

static inline void move_on(struct model *model, uint64_t stamp) {
    move_to(model, stamp, clock_ns(&model->clock, stamp));
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

static inline struct block *new_block(struct model *model, const struct packed_event *event, uint32_t *index) {
    struct block *block = heap_new(&model->heap, index);
    if (!block) return fail_memory(model);
    *block = (struct block){
        .address = packed_address(event),
        .size = event->size,
        .birth_ns = model->now.ns,
        .birth_event = model->now.event,
        .stack = model_block_stack(model, event),
        .thread = model->now.thread,
        .birth_edge = model->now.edge,
    };
    return block;
}

struct block *model_new_block(struct model *model, const struct packed_event *event, uint32_t *index) {
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
static inline bool is_pair(const struct model *model, const struct packed_event *event) {
    uint32_t at = (uint32_t)(event - model->chunk->events);
    if (event->partner >= model->chunk->count - at) return false;
    return !model->at_mark || !decoded_is_marked(model->chunk, at + event->partner);
}

static void enter_map(struct model *model, uint32_t index) {
    uint32_t old;
    if (heap_insert(&model->heap, index, &old)) model->error = -ENOMEM;
    if (!old) return;
    model->counts.impossible++;
    end_block(model, old, DEATH_REPLACED);
}

/* Makes a block findable: by the partner that ends it in this chunk, or by its address. */
static inline void enter(struct model *model, uint32_t index, const struct packed_event *event) {
    bool pair = event->partner && is_pair(model, event);
    if (event->partner) model->chunk_blocks[event - model->chunk->events] = pair ? index : 0;
    if (!pair) enter_map(model, index);
}

static inline uint32_t leave(struct model *model, const struct packed_event *event) {
    uint32_t at = (uint32_t)(event - model->chunk->events);
    uint32_t index = event->partner && event->partner <= at ? model->chunk_blocks[at - event->partner] : 0;
    return index ? index : heap_remove(&model->heap, packed_address(event));
}

static inline void begin_block(struct model *model, const struct packed_event *event) {
    uint32_t index;
    struct mapping *around = mappings_at(&model->mappings, packed_address(event));
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

static inline void apply_alloc(struct model *model, const struct packed_event *event) {
    if (packed_flags(event) & TRACE_EVENT_FAILED) {
        model_tell_failed(model, event->size, model_stack(model, event));
        return;
    }
    model->counts.allocations++;
    model->counts.allocated_bytes += event->size;
    begin_block(model, event);
}

static inline void apply_free(struct model *model, const struct packed_event *event) {
    uint32_t index = leave(model, event);
    model->counts.frees++;
    if (index) end_block(model, index, DEATH_FREED);
    else model->counts.unknown_frees++;
}

/*
 * A signal handler may leave a realloc by siglongjmp: its block is never heard of again, and whether it was moved,
 * freed or kept is unknown. It is taken as gone when that many are open, which no nesting of handlers explains.
 */
static void forget_oldest_move(struct model *model, struct model_thread *thread) {
    if (thread->moves[0]) end_block(model, thread->moves[0], DEATH_FREED);
    memmove(thread->moves, thread->moves + 1, (MODEL_MOVES - 1) * sizeof *thread->moves);
    thread->move_count--;
}

static void apply_realloc_out(struct model *model, struct model_thread *thread, const struct packed_event *event) {
    uint32_t index = leave(model, event);
    if (thread->move_count == MODEL_MOVES) forget_oldest_move(model, thread);
    thread->moves[thread->move_count++] = index;
}

static void move_block(struct model *model, uint32_t index, const struct packed_event *event) {
    struct block *block = heap_block(&model->heap, index);
    uint64_t old_size = block->size;
    uint32_t old_stack = block->stack;
    pages_unpin(&model->pages, block->address, old_size);
    block->address = packed_address(event);
    block->size = event->size;
    block->stack = model_block_stack(model, event);
    enter(model, index, event);
    pin(model, block);
    model->now.live_bytes += block->size - old_size;
    levels(model);
    model_tell_resized(model, block, old_size, old_stack);
}

static void apply_realloc_in(struct model *model, struct model_thread *thread, const struct packed_event *event) {
    bool open = thread->move_count > 0;
    uint32_t index = open ? thread->moves[--thread->move_count] : 0;
    model->counts.allocations++;
    model->counts.allocated_bytes += event->size;
    if (open) {
        model->counts.frees++;
        if (!index) model->counts.unknown_frees++;
    } else {
        model->counts.impossible++;
    }
    if (index) move_block(model, index, event);
    else begin_block(model, event);
}

/* The old block is a block again; nothing was counted for it. */
static void apply_realloc_fail(struct model *model, struct model_thread *thread, const struct packed_event *event) {
    uint32_t index = thread->move_count ? thread->moves[--thread->move_count] : 0;
    if (index) enter_map(model, index);
    model_tell_failed(model, event->size, model_stack(model, event));
}

static inline __attribute__((always_inline)) void apply_memory(struct model *model, struct model_thread *thread,
                                                               const struct packed_event *event) {
    switch ((enum trace_event_kind)packed_kind(event)) {
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

static inline bool settles(const struct packed_event *event) {
    return packed_kind(event) != TRACE_EVENT_UNMAP_FAIL && packed_kind(event) != TRACE_EVENT_REMAP_FAIL &&
           packed_kind(event) != TRACE_EVENT_REMAP_IN;
}

void model_chunk(struct model *model, const struct decoded *chunk, uint32_t *blocks) {
    model->chunk = chunk;
    model->chunk_blocks = blocks;
}

static inline __attribute__((always_inline)) void apply(struct model *model, struct model_thread *thread,
                                                        const struct packed_event *event) {
    if (thread->cut.count && settles(event)) model_settle(model, thread);
    if (packed_kind(event) < TRACE_EVENT_PHASE_BEGIN) apply_memory(model, thread, event);
    else model_control(model, event);
    model->now.event++;
}

/* What ends blocks looks them up in memory that is no longer, or not yet, in a cache: told some events ahead. */
#define FAR 16u
#define NEAR 8u

static inline bool ends_block(const struct packed_event *event) {
    return packed_kind(event) == TRACE_EVENT_FREE || packed_kind(event) == TRACE_EVENT_REALLOC_OUT;
}

HEAP_HINT void look_ahead(const struct model *model, const struct packed_event *event) {
    const struct packed_event *far = event + FAR, *near = event + NEAR;
    if (model->chunk->events + model->chunk->count - event <= (ptrdiff_t)FAR) return;
    if (!far->partner) heap_prefetch(&model->heap, packed_address(far));
    if (!ends_block(near)) return;
    if (!near->partner) {
        heap_prefetch_block(&model->heap, packed_address(near));
    } else if (near->partner > NEAR && near->partner <= near - model->chunk->events) { /* its birth is behind us */
        uint32_t birth = (uint32_t)(near - model->chunk->events) - near->partner;
        __builtin_prefetch(heap_block(&model->heap, model->chunk_blocks[birth]));
    }
}

/* So many live blocks and their map lie in the second-level cache anyway. */
#define SMALL_HEAP 8192u

/* Most events lie between two marks, with nothing due among them: neither the limit nor the clock is asked for each. */
static bool runs_through(struct model *model, const struct decoded_cursor *at, uint64_t limit) {
    uint64_t last = at->stamp + at->step * (at->until - at->at - 1);
    if (at->until - at->at < 2 || at->step >> 40 || at->stamp >> 62 || (last << 1 | 1) > limit) return false;
    return clock_spans(&model->clock, at->stamp, last);
}

static void run_through(struct model *model, struct model_thread *thread, struct decoded_cursor *at) {
    const struct packed_event *event = &model->chunk->events[at->at], *end = &model->chunk->events[at->until];
    bool small = model->now.live_blocks < SMALL_HEAP;
    uint64_t stamp = at->stamp, step = at->step;
    for (; event < end; event++, stamp += step) {
        if (!small) look_ahead(model, event);
        move_to(model, stamp, clock_ns_inside(&model->clock, stamp));
        apply(model, thread, event);
        model->at_mark = false;
    }
    at->at = at->until - 1;
}

static void run_one(struct model *model, struct model_thread *thread, const struct decoded_cursor *at) {
    move_on(model, at->stamp);
    apply(model, thread, &model->chunk->events[at->at]);
}

void model_run(struct model *model, struct model_thread *thread, struct decoded_cursor *cursor, uint64_t limit) {
    const struct decoded *chunk = model->chunk;
    struct decoded_cursor at = *cursor;
    model->now.thread = thread->serial;
    do {
        model->at_mark = chunk->marks[at.mark].index == at.at;
        if (runs_through(model, &at, limit)) run_through(model, thread, &at);
        else run_one(model, thread, &at);
        decoded_next(chunk, &at);
    } while (at.at < chunk->count && model_key(at.stamp, packed_kind(&chunk->events[at.at])) <= limit);
    thread->last_event = model->now.event - 1;
    model->counts.events += at.at - cursor->at;
    *cursor = at;
}
