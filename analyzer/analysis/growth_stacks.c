/* Adds up what happens to each stack between edges. See growth_stacks.h. */
#include "growth_stacks.h"

#include <stdlib.h>
#include <string.h>

#include "../must.h"

enum { WALK = 4 };

void growth_stacks_begin(struct growth_stacks *stacks, struct rounds *rounds) {
    *stacks = (struct growth_stacks){.rounds = rounds, .stretch = 1};
}

void growth_stacks_release(struct growth_stacks *stacks) {
    for (size_t i = 0; i < stacks->room; i++) {
        for (struct record *record = stacks->list[i].records, *next; record; record = next) {
            next = record->next;
            record_release(record);
        }
    }
    free(stacks->list);
    free(stacks->table);
    free(stacks->tallied);
}

static void make_room(struct growth_stacks *stacks, uint32_t stack) {
    size_t room = (size_t)stack + stack / 2 + 64;
    stacks->list = must(realloc(stacks->list, room * sizeof *stacks->list));
    memset(stacks->list + stacks->room, 0, (room - stacks->room) * sizeof *stacks->list);
    stacks->room = room;
}

static inline struct stack_state *state_of(struct growth_stacks *stacks, uint32_t stack) {
    if (stack >= stacks->room) make_room(stacks, stack);
    return &stacks->list[stack];
}

/* Where the record is, or would be, in a table of `room` slots. */
static struct record **slot_in(struct record **table, size_t room, uint32_t stack, uint32_t series) {
    uint64_t hash = ((uint64_t)stack << 32 | series) * 0x9e3779b97f4a7c15u;
    size_t at = hash >> 32 & (room - 1);
    while (table[at] && (table[at]->stack != stack || table[at]->series != series)) at = (at + 1) & (room - 1);
    return &table[at];
}

static void grow_table(struct growth_stacks *stacks) {
    size_t room = stacks->table_room ? stacks->table_room * 2 : 256;
    struct record **table = must(calloc(room, sizeof(struct record *)));
    for (size_t i = 0; i < stacks->table_room; i++) {
        struct record *record = stacks->table[i];
        if (record) *slot_in(table, room, record->stack, record->series) = record;
    }
    free(stacks->table);
    stacks->table = table;
    stacks->table_room = room;
}

static void put_into_table(struct growth_stacks *stacks, struct record *record) {
    if (2 * stacks->table_count++ >= stacks->table_room) grow_table(stacks);
    *slot_in(stacks->table, stacks->table_room, record->stack, record->series) = record;
}

/*
 * A stack mostly has a few series, but one for each test of a suite: what a short walk does not reach is in the table.
 */
static struct record *find_record(const struct growth_stacks *stacks, uint32_t stack, uint32_t series) {
    struct record *record = stacks->list[stack].records;
    for (unsigned walked = 0; record && walked < WALK; record = record->next, walked++)
        if (record->series == series) return record;
    return record ? *slot_in(stacks->table, stacks->table_room, stack, series) : NULL;
}

/* The first that is too far for a walk brings all others along. */
static void keep_record(struct growth_stacks *stacks, struct record *record) {
    struct stack_state *state = &stacks->list[record->stack];
    record->next = state->records;
    state->records = record;
    if (++state->record_count <= WALK) return;
    const struct record *behind = state->record_count == WALK + 1 ? NULL : record->next;
    for (; record != behind; record = record->next) put_into_table(stacks, record);
}

/* Before the first change of `live` behind an edge. */
static void pass_edge(const struct growth_stacks *stacks, struct stack_state *state) {
    if (state->edge != stacks->rounds->placing) state->live_at_edge = state->live;
    state->edge = stacks->rounds->placing;
}

/* For a stack that has a state. */
static struct record *record_of(struct growth_stacks *stacks, uint32_t stack, const struct place *place) {
    struct record *record = find_record(stacks, stack, place->series);
    if (record) return record;
    record = record_new(stack, place->series, place->raw, stacks->process_blocks);
    struct stack_state *state = &stacks->list[stack];
    pass_edge(stacks, state);
    record->stack_live = state->live;
    record->stack_first = state->live_at_edge;
    keep_record(stacks, record);
    return record;
}

static struct record_time time_of(const struct growth_stacks *stacks, const struct series *series) {
    struct series_stretch stretch = series_stretch(stacks->rounds, series);
    return (struct record_time){.shift = series->shift,
                                .raw = series_now(series),
                                .between = stretch.between,
                                .rounds_tag = stretch.rounds_tag,
                                .work_tag = stretch.work_tag,
                                .exiting = stacks->rounds->exiting};
}

/* For each record of a stack in the current epoch. */
static void settle_stack(struct growth_stacks *stacks, uint32_t stack) {
    const struct epoch *epoch = rounds_epoch(stacks->rounds);
    struct stack_state *state = &stacks->list[stack];
    struct record_tally *tally = &state->tally;
    pass_edge(stacks, state);
    state->live += tally->live.blocks;
    for (uint32_t i = 0; i < epoch->count; i++) {
        struct record_time time = time_of(stacks, &stacks->rounds->series[epoch->places[i].series]);
        struct record *record = record_of(stacks, stack, &epoch->places[i]);
        record_add(record, &time, tally);
        record->stack_live = state->live;
        record->process_last = stacks->process_blocks;
    }
    *tally = (struct record_tally){.low = 0};
}

void growth_stacks_settle(struct growth_stacks *stacks, uint64_t process_blocks) {
    stacks->process_blocks = process_blocks;
    for (size_t i = 0; i < stacks->tallied_count; i++) settle_stack(stacks, stacks->tallied[i]);
    stacks->tallied_count = 0;
    stacks->stretch++;
}

struct record_tally *growth_stacks_open(struct growth_stacks *stacks, uint32_t stack) {
    const struct epoch *epoch = rounds_epoch(stacks->rounds);
    struct stack_state *state = state_of(stacks, stack);
    for (uint32_t i = 0; i < epoch->count; i++) {
        struct record_time time = time_of(stacks, &stacks->rounds->series[epoch->places[i].series]);
        record_open(record_of(stacks, stack, &epoch->places[i]), &time);
    }
    if (stacks->tallied_count == stacks->tallied_room) {
        stacks->tallied_room = stacks->tallied_room ? stacks->tallied_room * 2 : 64;
        stacks->tallied = must(realloc(stacks->tallied, stacks->tallied_room * sizeof *stacks->tallied));
    }
    stacks->tallied[stacks->tallied_count++] = stack;
    state->stretch = stacks->stretch;
    return &state->tally;
}

static void change_tally(struct record_tally *tally, enum stack_change change, uint64_t bytes) {
    switch (change) {
    case STACK_DEATH: record_tally_death(tally, bytes); break;
    case STACK_RESIZE: tally->live.bytes += bytes; break;
    case STACK_TAKE_OUT:
        tally->live.blocks--;
        tally->live.bytes -= bytes;
        break;
    }
}

static void change_record(struct record *record, const struct record_time *time, uint64_t birth,
                          enum stack_change change, uint64_t bytes) {
    switch (change) {
    case STACK_DEATH: record_death(record, time, birth, bytes); break;
    case STACK_TAKE_OUT: record_take_out(record, time, birth, bytes); break;
    case STACK_RESIZE: record_resize(record, time, birth, (int64_t)bytes); break;
    }
}

/* An older epoch may lie in the round that the tally is of; which threads count there depends on the order. */
static void settle_round(struct growth_stacks *stacks, uint32_t stack, const struct record_time *time, uint64_t birth) {
    struct stack_state *state = state_of(stacks, stack);
    if (state->stretch != stacks->stretch || birth >> time->shift != time->raw >> time->shift) return;
    settle_stack(stacks, stack);
}

static void change_old(struct growth_stacks *stacks, const struct layer *layer, enum stack_change change,
                       uint64_t bytes) {
    if (change != STACK_RESIZE) {
        struct stack_state *state = state_of(stacks, layer->stack);
        pass_edge(stacks, state);
        state->live--;
    }
    for (uint32_t i = 0; i < layer->epoch->count; i++) {
        const struct place *place = &layer->epoch->places[i];
        const struct series *series = &stacks->rounds->series[place->series];
        if (series->dropped) continue;
        struct record_time time = time_of(stacks, series);
        settle_round(stacks, layer->stack, &time, place->raw);
        change_record(record_of(stacks, layer->stack, place), &time, place->raw, change, bytes);
    }
}

void growth_stacks_change(struct growth_stacks *stacks, const struct layer *layer, enum stack_change change,
                          uint64_t bytes) {
    if (layer->epoch == stacks->rounds->epoch) change_tally(growth_stacks_tally(stacks, layer->stack), change, bytes);
    else change_old(stacks, layer, change, bytes);
}

void growth_stacks_step(struct growth_stacks *stacks, uint32_t stack, uint64_t from, uint64_t bytes) {
    const struct epoch *epoch = rounds_epoch(stacks->rounds);
    if (stack >= stacks->room) make_room(stacks, stack);
    for (uint32_t i = 0; i < epoch->count; i++) {
        struct record_time time = time_of(stacks, &stacks->rounds->series[epoch->places[i].series]);
        record_step(record_of(stacks, stack, &epoch->places[i]), &time, from, bytes);
    }
}
