/*
 * The collector: turns births, releases and resizings into records per stack and series, and records into evidence.
 *
 * A plain block's `attached` is its birth epoch, marked by the lowest bit; a block that was enlarged, moved to another
 * stack or inherited from one that it replaced has a struct layers instead.
 */
#include "growth.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "growth_container.h"
#include "growth_stacks.h"

#define MOST_LAYERS 256u
#define HEIR_SLOTS 64u       /* per thread: the last block born at each of the latest stacks */
#define LEAST_REPETITIONS 4u /* rounds from which a phase is judged by its repetitions */
#define LEAST_WINDOWS 8u
#define LEAST_ITEM_CALLS 32u /* items reported in fewer lumps make no windows */
#define LEAST_SIBLINGS 5u

struct layers {
    struct link link; /* first */
    uint32_t count, room;
    struct layer items[];
};

struct heir_slot { /* the latest block of a stack, and the one before it, while they live */
    struct block *block, *before;
    uint32_t stack, edges;
    uint32_t larger, smaller; /* times that a block was freed when the latest was much larger, or smaller than it */
};

struct thread_state {
    uint32_t edges;       /* of its operations and phases */
    struct block *newest; /* the last block born, while it lives and no edge has come since */
    struct heir_slot heirs[HEIR_SLOTS];
};

struct chosen { /* a phase as judged */
    uint32_t series;
    size_t round_count;
    uint64_t rounds;
    uint64_t least_ns;    /* rounds that lasted less have their edges late, or together with others' */
    uint64_t work_of_two; /* from so many allocations on, a round has some that belong to its neighbour */
    uint64_t *survivors;  /* by round: blocks of all stacks born in it that live at the end of the phase */
};

struct growth {
    struct rounds *rounds;
    struct growth_stacks stacks;
    struct thread_state **threads;
    size_t thread_room;
    struct thread_state *latest; /* the thread of the last event; NULL: none yet */
    uint32_t latest_thread;
    struct link layered; /* struct layers of live blocks */
    uint64_t (*innermost)(const void *stacks, uint32_t stack);
    const void *frames;
    bool cut;
    struct chosen *chosen; /* after end() */
    size_t chosen_count;
    struct record **found; /* records of the chosen series */
    size_t *found_phase;
    size_t found_count;
};

static void *must(void *memory) {
    if (!memory) abort();
    return memory;
}

/* Blocks and their layers. */

static void *tag_epoch(struct epoch *epoch) { return (char *)epoch + 1; }
static bool is_plain(const struct block *block) { return ((uintptr_t)block->attached & 1) != 0; }
static struct epoch *plain_epoch(const struct block *block) {
    return (struct epoch *)(void *)((char *)block->attached - 1);
}

static struct epoch *hold_epoch(struct growth *growth) {
    struct epoch *epoch = rounds_epoch(growth->rounds);
    epoch->references++;
    return epoch;
}

static struct layers *new_layers(struct growth *growth, uint32_t room) {
    struct layers *layers = must(malloc(sizeof *layers + room * sizeof *layers->items));
    *layers = (struct layers){.room = room};
    link_into(&growth->layered, &layers->link);
    return layers;
}

/* The block's layers; a plain block of `size` bytes at `stack` becomes a layered one. */
static struct layers *layers_of(struct growth *growth, struct block *block, uint64_t size, uint32_t stack) {
    if (!is_plain(block)) return block->attached;
    struct layers *layers = new_layers(growth, 2);
    layers->items[layers->count++] = (struct layer){plain_epoch(block), size, stack};
    block->attached = layers;
    return layers;
}

static struct layers *with_room(struct growth *growth, struct layers *layers, uint32_t more) {
    if (layers->count + more <= layers->room) return layers;
    uint32_t room = (layers->count + more) * 3 / 2;
    link_out(&layers->link);
    layers = must(realloc(layers, sizeof *layers + room * sizeof *layers->items));
    link_into(&growth->layered, &layers->link);
    layers->room = room;
    return layers;
}

static void end_layer(struct growth *growth, struct layer *layer, enum stack_change how) {
    growth_stacks_change(&growth->stacks, layer, how, layer->bytes);
    epoch_release(layer->epoch);
}

/* Too many layers: every second one is taken as born with the next younger one. */
static void thin_layers(struct growth *growth, struct layers *layers) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i + 1 < layers->count; i += 2) {
        struct layer *old = &layers->items[i], *young = &layers->items[i + 1];
        end_layer(growth, old, STACK_TAKE_OUT);
        growth_stacks_change(&growth->stacks, young, STACK_RESIZE, old->bytes);
        young->bytes += old->bytes;
        layers->items[kept++] = *young;
    }
    if (layers->count % 2) layers->items[kept++] = layers->items[layers->count - 1];
    layers->count = kept;
}

static void add_layer(struct growth *growth, struct block *block, uint64_t bytes, uint32_t thread) {
    struct layers *layers = with_room(growth, block->attached, 1);
    block->attached = layers;
    struct layer *top = &layers->items[layers->count - 1];
    if (top->epoch == rounds_epoch(growth->rounds) && top->stack == block->stack) {
        growth_stacks_change(&growth->stacks, top, STACK_RESIZE, bytes);
        top->bytes += bytes;
        return;
    }
    layers->items[layers->count] = (struct layer){hold_epoch(growth), bytes, block->stack};
    growth_stacks_bear(&growth->stacks, &layers->items[layers->count++], thread);
    if (layers->count > MOST_LAYERS) thin_layers(growth, layers);
}

static void shrink(struct growth *growth, struct layers *layers, uint64_t bytes) {
    while (layers->count > 1 && layers->items[layers->count - 1].bytes <= bytes) {
        struct layer *top = &layers->items[--layers->count];
        bytes -= top->bytes;
        end_layer(growth, top, STACK_DEATH);
    }
    struct layer *top = &layers->items[layers->count - 1];
    growth_stacks_change(&growth->stacks, top, STACK_RESIZE, -bytes);
    top->bytes -= bytes;
}

/* A block whose only layer was born in this very epoch belongs to the stack that enlarged it last. */
static void move_to_stack(struct growth *growth, struct layers *layers, uint32_t stack, uint32_t thread) {
    struct layer *only = &layers->items[0];
    if (only->stack == stack) return;
    growth_stacks_change(&growth->stacks, only, STACK_TAKE_OUT, only->bytes);
    only->stack = stack;
    growth_stacks_bear(&growth->stacks, only, thread);
}

/* Heirs: blocks that take the place of a smaller one of the same stack. */

static struct thread_state *add_thread(struct growth *growth, uint32_t thread) {
    if (thread >= growth->thread_room) {
        size_t room = (size_t)thread + thread / 2 + 8;
        growth->threads = must(realloc(growth->threads, room * sizeof *growth->threads));
        memset(growth->threads + growth->thread_room, 0, (room - growth->thread_room) * sizeof *growth->threads);
        growth->thread_room = room;
    }
    return growth->threads[thread] = must(calloc(1, sizeof **growth->threads));
}

static struct thread_state *find_thread(struct growth *growth, uint32_t thread) {
    struct thread_state *state = thread < growth->thread_room ? growth->threads[thread] : NULL;
    growth->latest = state ? state : add_thread(growth, thread);
    growth->latest_thread = thread;
    return growth->latest;
}

static inline struct thread_state *thread_of(struct growth *growth, uint32_t thread) {
    return thread == growth->latest_thread && growth->latest ? growth->latest : find_thread(growth, thread);
}

static inline struct heir_slot *heir_slot(struct thread_state *thread, uint32_t stack) {
    return &thread->heirs[(stack * 2654435761u) >> 26];
}

/* Here and below without branches where blocks die in no order that could be foreseen. */
static inline void forget_in_slot(struct heir_slot *slot, const struct block *block) {
    slot->block = slot->block == block ? NULL : slot->block;
    slot->before = slot->before == block ? NULL : slot->before;
}

static inline void forget_in_thread(struct thread_state *thread, const struct block *block, uint32_t stack) {
    forget_in_slot(heir_slot(thread, stack), block);
    thread->newest = thread->newest == block ? NULL : thread->newest;
}

static void forget_heir(struct growth *growth, const struct block *block, uint32_t stack) {
    forget_in_thread(thread_of(growth, block->thread), block, stack);
}

/*
 * A container grows by a factor, or is the only one of its stack; a full cache whose values get larger frees the oldest of many for a
 * slightly larger one. One whose values differ frees it as often for a smaller one, which containers do only when they end: once for
 * several growths. The latest but one is seldom the oldest; where another goes, a few more must have been seen to grow.
 */
enum { SEEN_TO_GROW = 4 };
static inline bool grow(const struct heir_slot *slot, uint32_t seen) { return slot->larger > 2 * slot->smaller + seen; }

static inline bool succeeds(const struct heir_slot *slot, const struct block *block) {
    uint64_t least = slot->before == block ? block->size + 1 : block->size + block->size / GROWTH_FACTOR_PART;
    return slot->block->size >= least;
}

static inline struct block *heir_at_stack(const struct thread_state *state, struct heir_slot *slot,
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

static bool at_same_place(const struct growth *growth, const struct block *a, const struct block *b) {
    if (!growth->innermost) return false;
    uint64_t place = growth->innermost(growth->frames, a->stack);
    return place != 0 && place == growth->innermost(growth->frames, b->stack);
}

/* A container to which several callers add grows on several stacks, always by the same instruction. */
static inline struct block *heir_at_place(const struct growth *growth, const struct thread_state *state,
                                          const struct heir_slot *slot, const struct block *block) {
    struct block *heir = state->newest;
    if ((heir ? heir : block)->attached == block->attached) return NULL; /* born in the same epoch; the block itself */
    if (heir->stack == block->stack || !is_plain(heir)) return NULL;
    if (heir->size < block->size + block->size / GROWTH_FACTOR_PART || heir->size == block->size) return NULL;
    if (slot->stack == block->stack && slot->smaller > 0 && !grow(slot, 0)) return NULL;
    return at_same_place(growth, heir, block) ? heir : NULL;
}

/* The block's heir, when `thread` frees it; it is itself nobody's heir any more. */
static inline struct block *take_heir(struct growth *growth, const struct block *block, enum death_cause cause,
                                      uint32_t thread) {
    struct thread_state *state = thread_of(growth, thread);
    struct heir_slot *slot = heir_slot(state, block->stack);
    struct block *heir = cause == DEATH_FREED ? heir_at_stack(state, slot, block) : NULL;
    if (!heir && cause == DEATH_FREED) heir = heir_at_place(growth, state, slot, block);
    if (block->thread == thread) forget_in_thread(state, block, block->stack);
    else forget_heir(growth, block, block->stack);
    return heir;
}

/* The heir keeps the older layers; what it is larger by was born with it. */
static void inherit(struct growth *growth, struct block *block, struct block *heir) {
    struct layers *old = layers_of(growth, block, block->size, block->stack);
    struct layers *layers = with_room(growth, old, 1);
    struct layer top = {plain_epoch(heir), heir->size, heir->stack};
    growth_stacks_change(&growth->stacks, &top, STACK_RESIZE, -block->size);
    top.bytes -= block->size;
    layers->items[layers->count++] = top;
    heir->attached = layers;
    block->attached = NULL;
    growth_stacks_step(&growth->stacks, heir->stack, block->size, heir->size);
    if (layers->count > MOST_LAYERS) thin_layers(growth, layers);
}

/* Callbacks of the replay. */

static void *growth_begin(const struct replay_facts *facts) {
    struct growth *growth = calloc(1, sizeof *growth);
    if (!growth) return NULL;
    growth->rounds = rounds_new();
    growth->cut = facts->cut;
    growth->innermost = facts->innermost;
    growth->frames = facts->stacks;
    growth->layered = (struct link){&growth->layered, &growth->layered};
    growth_stacks_begin(&growth->stacks, growth->rounds);
    if (growth->rounds) return growth;
    free(growth);
    return NULL;
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
    struct layer layer = {hold_epoch(growth), block->size, block->stack};
    block->attached = tag_epoch(layer.epoch);
    growth_stacks_bear(&growth->stacks, &layer, now->thread);
    struct thread_state *thread = thread_of(growth, now->thread);
    struct heir_slot *slot = heir_slot(thread, block->stack);
    if (slot->stack != block->stack) *slot = (struct heir_slot){.stack = block->stack};
    slot->before = slot->block;
    slot->block = block;
    slot->edges = thread->edges;
    thread->newest = block;
}

static void growth_resized(void *self, struct block *block, uint64_t old_size, uint32_t old_stack,
                           const struct moment *now) {
    struct growth *growth = self;
    count_event(growth, now);
    growth->rounds->fresh++;
    if (!block->attached) return;
    if (block->stack != old_stack) forget_heir(growth, block, old_stack);
    struct layers *layers = layers_of(growth, block, old_size, old_stack);
    if (layers->count == 1 && layers->items[0].epoch == rounds_epoch(growth->rounds))
        move_to_stack(growth, layers, block->stack, now->thread);
    if (block->size > old_size) {
        add_layer(growth, block, block->size - old_size, now->thread);
        growth_stacks_step(&growth->stacks, block->stack, old_size, block->size);
    } else if (block->size < old_size) {
        shrink(growth, layers, old_size - block->size);
    }
}

static void end_layers(struct growth *growth, struct block *block) {
    struct layers *layers = block->attached;
    for (uint32_t i = 0; i < layers->count; i++) end_layer(growth, &layers->items[i], STACK_DEATH);
    link_out(&layers->link);
    free(layers);
}

static inline void end_plain(struct growth *growth, const struct block *block) {
    struct epoch *epoch = plain_epoch(block);
    if (epoch == growth->rounds->epoch) {
        growth_stacks_end_young(&growth->stacks, block->stack, block->size);
        epoch_release(epoch);
    } else {
        struct layer layer = {epoch, block->size, block->stack};
        end_layer(growth, &layer, STACK_DEATH);
    }
}

static inline bool is_young(const struct growth *growth, const struct block *block) {
    if (is_plain(block)) return plain_epoch(block) == growth->rounds->epoch;
    const struct layers *layers = block->attached;
    return layers->items[layers->count - 1].epoch == growth->rounds->epoch;
}

static void growth_died(void *self, struct block *block, enum death_cause cause, const struct moment *now) {
    struct growth *growth = self;
    count_event(growth, now);
    if (!block->attached) return;
    growth->rounds->fresh += is_young(growth, block);
    struct block *heir = take_heir(growth, block, cause, now->thread);
    if (heir) {
        inherit(growth, block, heir);
        return;
    }
    if (is_plain(block)) end_plain(growth, block);
    else end_layers(growth, block);
    block->attached = NULL;
}

static void growth_control(void *self, const struct control *control, const struct moment *now) {
    struct growth *growth = self;
    struct thread_state *thread = thread_of(growth, now->thread);
    thread->edges++;
    thread->newest = NULL;
    growth_stacks_settle(&growth->stacks, now->live_blocks);
    rounds_control(growth->rounds, control, now);
}

/* Results. */

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

static size_t complete_rounds(const struct series *series) { return (size_t)(series->ended >> series->shift); }

static size_t rounds_if_enough(const struct growth *growth, uint32_t index, enum series_kind kind, size_t least) {
    uint32_t series = growth->rounds->phases[index].series[kind];
    if (series == NO_INDEX || growth->rounds->series[series].dropped) return 0;
    if (kind == SERIES_ITEMS && growth->rounds->phases[index].item_calls < LEAST_ITEM_CALLS) return 0;
    size_t count = complete_rounds(&growth->rounds->series[series]);
    return count >= least ? count : 0;
}

static int by_size(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The middle one of those that are not 0; 0: all are. */
static uint64_t usual(uint64_t *values, size_t count) {
    size_t zeros = 0;
    qsort(values, count, sizeof *values, by_size);
    while (zeros < count && values[zeros] == 0) zeros++;
    return zeros < count ? values[zeros + (count - zeros) / 2] : 0;
}

/* By half of what its rounds usually last, and the time of writing a line at least; by one and a half of what they usually allocate. */
static void find_usual(const struct series *series, struct chosen *chosen) {
    uint64_t lasted[GROWTH_MOST_ROUNDS] = {0}, fresh[GROWTH_MOST_ROUNDS] = {0};
    size_t count = least(complete_rounds(series), least(series->work_count, GROWTH_MOST_ROUNDS));
    for (size_t i = 0; i < count; i++) {
        lasted[i] = series->work[i].ns;
        fresh[i] = series->work[i].fresh;
    }
    uint64_t half = usual(lasted, count) / 2;
    chosen->least_ns = half > GROWTH_LEAST_ROUND_NS ? half : GROWTH_LEAST_ROUND_NS;
    chosen->work_of_two = (usual(fresh, count) * 3 + 1) / 2;
}

static void choose(struct growth *growth, uint32_t series_index) {
    const struct series *series = &growth->rounds->series[series_index];
    growth->chosen[growth->chosen_count++] = (struct chosen){
        .series = series_index,
        .round_count = complete_rounds(series),
        .rounds =
            series->kind == SERIES_PHASES || series->kind == SERIES_SIBLINGS ? series->ended : complete_rounds(series)};
    find_usual(series, &growth->chosen[growth->chosen_count - 1]);
}

/* The best way of counting a phase's rounds that gives enough of them; else its repetitions. */
static void choose_series(struct growth *growth, uint32_t index) {
    static const size_t least[] = {LEAST_REPETITIONS, LEAST_WINDOWS, LEAST_WINDOWS, LEAST_WINDOWS};
    const struct phase_state *phase = &growth->rounds->phases[index];
    for (int kind = SERIES_PHASES; kind < SERIES_SIBLINGS; kind++) {
        if (!rounds_if_enough(growth, index, (enum series_kind)kind, least[kind])) continue;
        choose(growth, phase->series[kind]);
        return;
    }
    if (phase->series[SERIES_PHASES] != NO_INDEX && phase->of == NO_INDEX) choose(growth, phase->series[SERIES_PHASES]);
}

/* Children that ran once each, as the tests of a suite do, are together the rounds of their parent. */
static void choose_siblings(struct growth *growth, uint32_t index) {
    const struct phase_state *phase = &growth->rounds->phases[index];
    if (phase->children < LEAST_SIBLINGS || phase->repeated_children * 5 > phase->children) return;
    if (rounds_if_enough(growth, index, SERIES_SIBLINGS, LEAST_SIBLINGS))
        choose(growth, phase->series[SERIES_SIBLINGS]);
}

static void find_records(struct growth *growth) {
    size_t *phase_of = must(malloc((growth->rounds->series_count + 1) * sizeof *phase_of)), room = 0;
    for (size_t i = 0; i < growth->rounds->series_count; i++) phase_of[i] = SIZE_MAX;
    for (size_t i = 0; i < growth->chosen_count; i++) phase_of[growth->chosen[i].series] = i;
    for (size_t i = 0; i < growth->stacks.room; i++) {
        for (struct record *record = growth->stacks.list[i].records; record; record = record->next) {
            if (phase_of[record->series] == SIZE_MAX) continue;
            if (growth->found_count == room) {
                room = room ? room * 2 : 64;
                growth->found = must(realloc(growth->found, room * sizeof *growth->found));
                growth->found_phase = must(realloc(growth->found_phase, room * sizeof *growth->found_phase));
            }
            const struct series *series = &growth->rounds->series[record->series];
            record_pass(record, series->shift, series->ended);
            growth->found_phase[growth->found_count] = phase_of[record->series];
            growth->found[growth->found_count++] = record;
        }
    }
    free(phase_of);
}

/* Released after the last round of the series, and of those after the last work of the process. */
static uint64_t late(const struct tagged_amount *amount, uint32_t tag, bool bytes) {
    if (amount->tag != tag) return 0;
    return bytes ? amount->amount.bytes : amount->amount.blocks;
}

struct late_tags {
    uint32_t rounds, work;
};

static struct late_tags final_tags(const struct growth *growth, const struct series *series) {
    struct late_tags tags = {0, series_work_tag(growth->rounds, series)};
    series_is_between(growth->rounds, series, &tags.rounds);
    return tags;
}

static void add_round(struct growth_round *to, const struct record_round *from, struct late_tags tags) {
    for (int bytes = 0; bytes < 2; bytes++) {
        uint64_t live = bytes ? from->live.bytes : from->live.blocks;
        uint64_t after = late(&from->after_rounds, tags.rounds, bytes);
        uint64_t teardown = least(after, late(&from->after_work, tags.work, bytes));
        uint64_t at_exit = least(teardown, bytes ? from->at_exit.bytes : from->at_exit.blocks);
        *(bytes ? &to->held.bytes : &to->held.blocks) += live + after;
        *(bytes ? &to->kept.bytes : &to->kept.blocks) += live + teardown;
        *(bytes ? &to->exited.bytes : &to->exited.blocks) += live + at_exit;
        *(bytes ? &to->never.bytes : &to->never.blocks) += live;
    }
}

static void count_survivors(struct growth *growth) {
    for (size_t i = 0; i < growth->chosen_count; i++)
        growth->chosen[i].survivors = must(calloc(growth->chosen[i].round_count + 1, sizeof(uint64_t)));
    for (size_t i = 0; i < growth->found_count; i++) {
        const struct record *record = growth->found[i];
        const struct chosen *chosen = &growth->chosen[growth->found_phase[i]];
        struct late_tags tags = final_tags(growth, &growth->rounds->series[record->series]);
        for (size_t j = 0; j < record->round_count && record->rounds[j].round < chosen->round_count; j++) {
            struct growth_round round = {.work = 0};
            add_round(&round, &record->rounds[j], tags);
            chosen->survivors[record->rounds[j].round] += round.held.blocks;
        }
    }
}

static int growth_end(void *self, const struct moment *now) {
    struct growth *growth = self;
    growth_stacks_settle(&growth->stacks, now->live_blocks);
    rounds_end(growth->rounds, now);
    growth->chosen = must(calloc(2 * growth->rounds->phase_count, sizeof *growth->chosen));
    for (uint32_t i = 0; i < growth->rounds->phase_count; i++) choose_series(growth, i);
    for (uint32_t i = 0; i < growth->rounds->phase_count; i++) choose_siblings(growth, i);
    find_records(growth);
    count_survivors(growth);
    return 0;
}

const struct analysis growth_analysis = {
    .name = "growth",
    .attaches = true,
    .begin = growth_begin,
    .born = growth_born,
    .resized = growth_resized,
    .died = growth_died,
    .control = growth_control,
    .end = growth_end,
};

void growth_release(struct growth *growth) {
    if (!growth) return;
    growth_stacks_release(&growth->stacks);
    for (struct link *link = growth->layered.next, *next; link != &growth->layered; link = next) {
        next = link->next;
        free(link);
    }
    for (size_t i = 0; i < growth->thread_room; i++) free(growth->threads[i]);
    rounds_release(growth->rounds);
    free(growth->threads);
    for (size_t i = 0; i < growth->chosen_count; i++) free(growth->chosen[i].survivors);
    free(growth->chosen);
    free(growth->found);
    free(growth->found_phase);
    free(growth);
}

size_t growth_phase_count(const struct growth *growth) { return growth->chosen_count; }

struct growth_phase growth_phase(const struct growth *growth, size_t index) {
    static const enum growth_kind kinds[SERIES_KINDS] = {GROWTH_ROUNDS_PHASES, GROWTH_ROUNDS_OPERATIONS,
                                                         GROWTH_ROUNDS_ITEMS, GROWTH_ROUNDS_EVENTS,
                                                         GROWTH_ROUNDS_PHASES};
    const struct chosen *chosen = &growth->chosen[index];
    const struct series *series = &growth->rounds->series[chosen->series];
    const struct phase_state *phase = &growth->rounds->phases[series->phase];
    return (struct growth_phase){
        .name = phase->name,
        .parent = phase->parent == NO_INDEX ? NULL : growth->rounds->phases[phase->parent].name,
        .kind = kinds[series->kind],
        .rounds = chosen->rounds,
        .round_count = chosen->round_count,
        .gap = phase->of != NO_INDEX,
        .siblings = series->kind == SERIES_SIBLINGS,
    };
}

bool growth_phase_within(const struct growth *growth, size_t inner, size_t outer) {
    const struct series *series = &growth->rounds->series[growth->chosen[outer].series];
    uint32_t phase = growth->rounds->series[growth->chosen[inner].series].phase;
    if (inner == outer) return false;
    if (series->phase == RUN_PHASE) return series->kind == SERIES_SIBLINGS;
    while (phase != NO_INDEX && phase != series->phase) phase = growth->rounds->phases[phase].parent;
    return phase != NO_INDEX;
}

size_t growth_record_count(const struct growth *growth) { return growth->found_count; }

struct growth_record growth_record(const struct growth *growth, size_t index) {
    const struct record *record = growth->found[index];
    const struct chosen *chosen = &growth->chosen[growth->found_phase[index]];
    struct late_tags tags = final_tags(growth, &growth->rounds->series[record->series]);
    struct growth_round sum = {.work = 0};
    for (size_t i = 0; i < record->round_count && record->rounds[i].round < chosen->round_count; i++)
        add_round(&sum, &record->rounds[i], tags);
    return (struct growth_record){record->stack, growth->found_phase[index], sum.held};
}

/* Items where nearly all rounds report some, else operations, else most in flight, else allocation events. */
static double work_in(const struct series *series, size_t round, int unit) {
    if (round >= series->work_count) return 0;
    const struct round_work *work = &series->work[round];
    const double values[] = {(double)work->items, (double)work->operations, work->in_flight, (double)work->fresh};
    return values[unit];
}

enum { WORK_EVENTS = 3 };

static int unit_of(const struct series *series, size_t count) {
    int unit = 0;
    for (; unit < WORK_EVENTS; unit++) {
        size_t with = 0;
        for (size_t i = 0; i < count; i++) with += work_in(series, i, unit) > 0;
        if (with * 10 >= count * 9) break;
    }
    return unit;
}

/*
 * Whether the round's work may have been counted for another: its lines were read together, or one of them so late that all was
 * done, and a neighbour has the work of two.
 */
static bool is_merged(const struct series *series, const struct chosen *chosen, size_t round) {
    const struct round_work *work = series->work;
    if (round >= series->work_count || work[round].ns < chosen->least_ns) return true;
    if (work[round].fresh > 0 || chosen->work_of_two == 0) return false;
    bool after = round + 1 < series->work_count && work[round + 1].fresh >= chosen->work_of_two;
    return after || (round > 0 && work[round - 1].fresh >= chosen->work_of_two);
}

/* Returns whether events are the work of the rounds: all but those that allocated what stays, and would explain itself. */
static bool fill_work(const struct series *series, const struct chosen *chosen, struct growth_round *rounds) {
    bool windows = series->kind != SERIES_PHASES && series->kind != SERIES_SIBLINGS;
    int unit = windows ? 0 : unit_of(series, chosen->round_count);
    for (size_t i = 0; i < chosen->round_count; i++) {
        double work = windows ? 1 : work_in(series, i, unit);
        if (unit == WORK_EVENTS) work = fmax(0, work - (double)chosen->survivors[i]);
        rounds[i].work = work;
        rounds[i].skip = !windows && i < series->work_count && series->work[i].skip;
        rounds[i].merged = !windows && is_merged(series, chosen, i);
    }
    return unit == WORK_EVENTS;
}

struct gathered {
    uint64_t first, process_first, process_last;
    struct growth_lives lives;
    uint64_t threads;
    struct late_tags tags;
};

static uint64_t held_bytes(const struct record *record, size_t count, struct late_tags tags) {
    uint64_t held = 0;
    for (size_t i = 0; i < record->round_count && record->rounds[i].round < count; i++) {
        struct growth_round round = {.work = 0};
        add_round(&round, &record->rounds[i], tags);
        held += round.held.bytes;
    }
    return held;
}

static void gather_rounds(struct gathered *gathered, const struct record *record, size_t count,
                          struct growth_round *rounds) {
    for (size_t i = 0; i < record->round_count && record->rounds[i].round < count; i++) {
        struct growth_round *round = &rounds[record->rounds[i].round];
        uint64_t before = round->held.blocks;
        add_round(round, &record->rounds[i], gathered->tags);
        if (round->held.blocks > before) gathered->threads |= record->rounds[i].threads;
    }
    for (size_t i = 0; i < count; i++) rounds[i].level += record_level(record, (uint32_t)i);
}

static void gather(struct gathered *gathered, const struct record *record, struct growth_evidence *out) {
    if (record->first < gathered->first) {
        gathered->first = record->first;
        gathered->process_first = record->process_first;
    }
    if (record->process_last > gathered->process_last) gathered->process_last = record->process_last;
    if (record->lives) growth_lives_merge(&gathered->lives, record->lives);
    growth_lives_add(&gathered->lives, 0, record->freed_at_once);
    if (record->has_pending && record->pending_tag != gathered->tags.rounds) {
        growth_lives_add(&gathered->lives, 0, record->pending_at_once);
        if (record->pending) growth_lives_merge(&gathered->lives, record->pending);
    }
    out->enlarged |= record->step_count > 0;
    bool first = out->level.peak == 0, less = record->level.unchanged < out->level.unchanged;
    if (first || less) out->level.unchanged = record->level.unchanged;
    out->level.peak += record->level.peak;
    out->level.last += record->level.last;
    if (record->level.falls > out->level.falls) out->level.falls = record->level.falls;
    out->level.sum += record->level.sum;
    if (record->level.rises > out->level.rises) out->level.rises = record->level.rises;
    if (record->level.last_rise > out->level.last_rise) out->level.last_rise = record->level.last_rise;
    out->level.steady_after_warm_up &= record->level.steady_after_warm_up;
}

static uint64_t total(const struct growth_lives *lives) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < GROWTH_LIVES_BUCKETS; i++) sum += lives->count[i];
    return sum;
}

static int add_steps(const struct growth *growth, const size_t *records, size_t count, const uint64_t *held,
                     struct growth_evidence *out) {
    struct container container;
    const struct record *of[MOST_CONTAINER_STACKS];
    uint64_t of_held[MOST_CONTAINER_STACKS], all = 0;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const struct record *record = growth->found[records[i]];
        all += held[i];
        if (record->step_count == 0 || found == MOST_CONTAINER_STACKS) continue;
        of[found] = record;
        of_held[found++] = held[i];
    }
    container_find(&container, of, of_held, found);
    if (container.step_count == 0 || (count > 1 && container.held * 2 < all)) return 0;
    struct growth_step *steps = malloc(container.step_count * sizeof *steps);
    if (!steps) return -ENOMEM;
    memcpy(steps, container.steps, container.step_count * sizeof *steps);
    out->steps = steps;
    out->step_count = container.step_count;
    while (out->step_count && steps[out->step_count - 1].round >= out->count) out->step_count--;
    return 0;
}

static int add_arena(struct growth_evidence *out) {
    struct growth_step steps[MOST_CONTAINER_STEPS];
    size_t count = out->enlarged ? 0 : container_of_blocks(out->rounds, out->count, steps);
    if (out->step_count > 0 || count == 0) return 0;
    struct growth_step *kept = malloc(count * sizeof *kept);
    if (!kept) return -ENOMEM;
    memcpy(kept, steps, count * sizeof *steps);
    out->steps = kept;
    out->step_count = count;
    out->arena = true;
    return 0;
}

/* A single container: its layers are all that it has. */
static bool is_lone_container(const struct record *record) {
    return record->step_count > 0 && record->level.last <= record->step_count + 1;
}

/*
 * Whether the containers among several stacks are left out: what keeps the blocks of the others grows ever less often, and
 * would make those look as if they slowed.
 */
static bool containers_aside(const struct growth *growth, const size_t *records, size_t count, const uint64_t *held,
                             const struct growth_evidence *out) {
    uint64_t all = 0, lone = 0;
    for (size_t i = 0; i < count; i++) {
        all += held[i];
        if (is_lone_container(growth->found[records[i]])) lone += held[i];
    }
    return count > 1 && out->step_count == 0 && lone < all / 2;
}

static int gather_all(const struct growth *growth, const size_t *records, size_t count, struct gathered *gathered,
                      struct growth_evidence *out, struct growth_round *rounds) {
    uint64_t *held = calloc(count + 1, sizeof *held);
    if (!held) return -ENOMEM;
    for (size_t i = 0; i < count; i++) held[i] = held_bytes(growth->found[records[i]], out->count, gathered->tags);
    int error = add_steps(growth, records, count, held, out);
    bool aside = containers_aside(growth, records, count, held, out);
    free(held);
    for (size_t i = 0; i < count; i++) {
        const struct record *record = growth->found[records[i]];
        gather(gathered, record, out);
        if (!aside || !is_lone_container(record)) gather_rounds(gathered, record, out->count, rounds);
    }
    return error;
}

int growth_evidence(const struct growth *growth, const size_t *records, size_t count, struct growth_evidence *out) {
    const struct chosen *chosen = &growth->chosen[growth->found_phase[records[0]]];
    const struct series *series = &growth->rounds->series[chosen->series];
    struct growth_round *rounds = calloc(chosen->round_count + 1, sizeof *rounds);
    if (!rounds) return -ENOMEM;
    *out = (struct growth_evidence){.kind = growth_phase(growth, growth->found_phase[records[0]]).kind,
                                    .rounds = rounds,
                                    .count = chosen->round_count,
                                    .level.steady_after_warm_up = true,
                                    .exit_seen = growth->rounds->exiting,
                                    .approximate = growth->rounds->approximate,
                                    .cut = growth->cut};
    bool windows = series->kind != SERIES_PHASES && series->kind != SERIES_SIBLINGS;
    out->each = windows ? 1 : 1u << series->shift;
    out->work_is_events = fill_work(series, chosen, rounds);
    struct gathered gathered = {.first = UINT64_MAX, .tags = final_tags(growth, series)};
    int error = gather_all(growth, records, count, &gathered, out, rounds);
    if (!error) error = add_arena(out);
    out->first = (uint32_t)(gathered.first >> series->shift);
    out->process_rise = (int64_t)(gathered.process_last - gathered.process_first);
    out->freed = total(&gathered.lives);
    out->reach = growth_lives_reach(&gathered.lives);
    out->lives = gathered.lives;
    out->threads = (uint32_t)__builtin_popcountll(gathered.threads);
    if (error) growth_evidence_release(out);
    return error;
}

void growth_evidence_release(struct growth_evidence *evidence) {
    free((void *)(uintptr_t)evidence->rounds);
    free((void *)(uintptr_t)evidence->steps);
    *evidence = (struct growth_evidence){.kind = evidence->kind};
}

/* Cells of the records' own width at least, and few enough. */
static unsigned survivors_shift(const struct growth *growth, const size_t *records, size_t count) {
    const struct chosen *chosen = &growth->chosen[growth->found_phase[records[0]]];
    unsigned series = growth->rounds->series[chosen->series].shift, shift = series;
    for (size_t i = 0; i < count; i++) {
        const struct growth_ends *ends = growth->found[records[i]]->ends;
        if (ends && ends->shift > shift) shift = ends->shift;
    }
    while ((chosen->round_count << series) > ((size_t)GROWTH_ENDS_ROUNDS << shift)) shift++;
    return shift;
}

/* A block lived at the end of a cell if it lives in the end or ended in a later cell. */
static void sum_survivors(const uint64_t *held, const uint64_t *ends, struct growth_survivors *out) {
    for (size_t birth = 0; birth < out->side; birth++) {
        uint64_t alive = held[birth];
        for (size_t end = out->side; end-- > birth; alive += ends[end * out->side + birth])
            out->cells[end * (end + 1) / 2 + birth] = alive;
    }
}

int growth_survivors(const struct growth *growth, const size_t *records, size_t count, struct growth_survivors *out) {
    const struct chosen *chosen = &growth->chosen[growth->found_phase[records[0]]];
    const struct series *series = &growth->rounds->series[chosen->series];
    struct late_tags tags = final_tags(growth, series);
    unsigned shift = survivors_shift(growth, records, count);
    size_t side = ((chosen->round_count << series->shift) + (1u << shift) - 1) >> shift;
    bool windows = series->kind != SERIES_PHASES && series->kind != SERIES_SIBLINGS;
    *out = (struct growth_survivors){.each = 1u << (windows ? shift - series->shift : shift), .side = (uint32_t)side};
    uint64_t *held = calloc(side * (side + 1) + 1, sizeof *held);
    out->cells = calloc(side * (side + 1) / 2 + 1, sizeof *out->cells);
    if (!held || !out->cells) {
        free(held);
        free(out->cells);
        return -ENOMEM;
    }
    uint64_t *ends = held + side;
    for (size_t i = 0; i < count; i++) {
        const struct record *record = growth->found[records[i]];
        growth_ends_sum(record->ends, shift, tags.rounds, ends, side);
        for (size_t j = 0; j < record->round_count && record->rounds[j].round < chosen->round_count; j++) {
            struct growth_round round = {.work = 0};
            add_round(&round, &record->rounds[j], tags);
            held[record->rounds[j].round >> (shift - series->shift)] += round.held.blocks;
        }
    }
    sum_survivors(held, ends, out);
    free(held);
    return 0;
}
