/*
 * The replayed process: what is live, and what each event means for it. Events come in order, one at a time, from
 * replay.c; analyses are told what happened to blocks, not what was called.
 *
 * Rules: FORMAT.md "Events". A realloc keeps its block. A mapping that ends is reported at its thread's next event,
 * because only then it is known that the call did not fail. Mappings that the allocator made are not reported at all.
 */
#ifndef REPLAY_MODEL_H
#define REPLAY_MODEL_H

#include "../analysis/analysis.h"
#include "../input/decode.h"
#include "../input/tables.h"
#include "clock.h"
#include "heap.h"
#include "landscape.h"
#include "mappings.h"
#include "operations.h"
#include "pages.h"
#include "teller.h"

#define MODEL_ANALYSES 12
#define MODEL_MOVES 4u /* reallocs of one thread inside each other: signal handlers */

struct model_thread {
    uint32_t serial;
    unsigned move_count;
    uint32_t moves[MODEL_MOVES]; /* blocks between realloc-out and realloc-in; 0: of unknown birth */
    struct range_list cut;       /* taken out of the mappings by the last unmap, to be reported */
    bool cut_by_remap;
    uint64_t last_event;
};

struct model_counts {
    uint64_t events;
    uint64_t allocations; /* calls that handed out a heap block */
    uint64_t frees;       /* calls that took one back, of unknown birth too */
    uint64_t failed;
    uint64_t allocated_bytes;
    uint64_t mappings, unmappings;
    uint64_t unknown_frees; /* of blocks born unseen */
    uint64_t impossible;
    uint64_t mapped_bytes; /* live now, of the mappings that count */
};

struct model_hook {
    void *self;
    const struct analysis *analysis;
};

struct model {
    struct heap heap;
    struct pages pages;
    struct mappings mappings;
    uint64_t mapped_pages;
    struct landscape landscape;
    struct operations operations;
    struct replay_clock clock;
    const struct tables *tables;
    const struct decoded *chunk;
    uint32_t *chunk_blocks; /* by event: the number of a block that its partner will end; 0: it is in the map */
    bool at_mark;           /* the stamp of the event at work is stored */
    uint32_t stacks;        /* ids from here on can't have been given out */
    struct moment now;
    struct model_counts counts;
    struct memory_sample sample; /* the last one */
    bool sampled_once;
    int error;            /* the first -ENOMEM */
    uint32_t exec_thread; /* that tried an exec last, 0: none or it failed */
    uint64_t exec_event;
    struct teller teller; /* for the analyses that take many events at once */
    unsigned born_count, resized_count, died_count, failed_count, control_count, sample_count, look_count;
    struct model_hook born[MODEL_ANALYSES], resized[MODEL_ANALYSES], died[MODEL_ANALYSES];
    struct model_hook failed[MODEL_ANALYSES], control[MODEL_ANALYSES], sampled[MODEL_ANALYSES], looked[MODEL_ANALYSES];
};

/* 0 or -ENOMEM. `tables` must outlive the model. */
int model_begin(struct model *model, const struct tables *tables);
void model_add(struct model *model, const struct analysis *analysis, void *self);
void model_end(struct model *model);
void model_thread_end(struct model_thread *thread);

/*
 * The decoded events among which the next ones lie: partners are looked for there. `blocks`: the model's, one for each.
 */
void model_chunk(struct model *model, const struct decoded *chunk, uint32_t *blocks);
/* Order of events: by stamp; what ends a block goes before what begins one where stamps are equal. */
static inline uint64_t model_key(uint64_t stamp, uint8_t kind) {
    const uint32_t ending =
        1u << TRACE_EVENT_FREE | 1u << TRACE_EVENT_REALLOC_OUT | 1u << TRACE_EVENT_UNMAP | 1u << TRACE_EVENT_REMAP_OUT;
    bool ends = kind < 32 && ending >> kind & 1;
    return stamp << 1 | !ends;
}
/* Events of a thread, from the cursor on while their keys are at most `limit`, within the chunk; one in any case. */
void model_run(struct model *model, struct model_thread *thread, struct decoded_cursor *cursor, uint64_t limit);
/* Reports what the thread's last unmap ended. Also done by its next event. */
void model_settle(struct model *model, struct model_thread *thread);

void model_request(struct model *model, const struct request_record *request, uint64_t stamp);
void model_memory(struct model *model, const struct memory_record *record);
void model_rollup(struct model *model, const struct rollup_record *record);

/* For the other files of the model. */
static inline uint32_t model_stack(const struct model *model, const struct packed_event *event) {
    return event->stack < model->stacks ? event->stack : 0;
}
static inline uint32_t model_block_stack(const struct model *model, const struct packed_event *event) {
    return packed_flags(event) & TRACE_EVENT_NO_STACK ? 0 : model_stack(model, event);
}
void model_moment(struct model *model, uint64_t stamp, uint32_t thread);
void model_levels(struct model *model);
void model_tell_born(struct model *model, struct block *block);
void model_tell_resized(struct model *model, struct block *block, uint64_t old_size, uint32_t old_stack);
void model_tell_died(struct model *model, struct block *block, enum death_cause cause);
void model_tell_failed(struct model *model, uint64_t size, uint32_t stack);
struct block *model_new_block(struct model *model, const struct packed_event *event, uint32_t *index);
void model_map(struct model *model, struct model_thread *thread, const struct packed_event *event);
void model_unmap(struct model *model, struct model_thread *thread, const struct packed_event *event);
void model_unmap_failed(struct model *model, struct model_thread *thread, const struct packed_event *event);
void model_remap(struct model *model, struct model_thread *thread, const struct packed_event *event);
void model_break(struct model *model, struct model_thread *thread, const struct packed_event *event);
void model_found_block_in(struct model *model, struct mapping *mapping);
void model_control(struct model *model, const struct packed_event *event);

#endif
