/*
 * Keeps count of phases, rounds and windows while a trace is replayed. Work happens at phase edges, operations and when
 * a window fills; between them the current epoch stands still and costs nothing.
 */
#include "growth_rounds.h"

#include <stdlib.h>
#include <string.h>

#include "../list.h"
#include "../must.h"

#define WINDOWS 64u            /* most windows; they are paired when there would be more */
#define FOLLOWED_AT_ONCE 1000u /* phases; of more, as tests are, only those that come back, from then on */
#define ENOUGH_REPETITIONS 4u  /* from this begin on, windows are not needed */
#define FIRST_EVENT_SHIFT 6u   /* windows of events begin with 64 */
#define GAP_AFTER 2u           /* `between NAME` is kept from NAME's second end on */
#define INSTANCES_MAX 4096u    /* active at one time, in all threads; what begins beyond them is not seen */

static uint32_t add_series(struct rounds *rounds, enum series_kind kind, uint32_t phase) {
    uint32_t index = (uint32_t)rounds->series_count;
    struct series *series = must(LIST_ADD(rounds->series, rounds->series_count));
    *series = (struct series){.kind = kind, .phase = phase, .shift = kind == SERIES_EVENTS ? FIRST_EVENT_SHIFT : 0};
    return rounds->phases[phase].series[kind] = index;
}

static struct series *series_of(const struct rounds *rounds, uint32_t phase, enum series_kind kind) {
    uint32_t index = rounds->phases[phase].series[kind];
    return index == NO_INDEX ? NULL : &rounds->series[index];
}

static uint32_t hash(const char *name) {
    uint32_t h = 2166136261u;
    while (*name) h = (h ^ (unsigned char)*name++) * 16777619u;
    return h;
}

static uint32_t *name_slot(const struct rounds *rounds, const char *name) {
    size_t at = hash(name) & (rounds->name_room - 1);
    while (rounds->names[at] && strcmp(rounds->phases[rounds->names[at] - 1].name, name) != 0)
        at = (at + 1) & (rounds->name_room - 1);
    return &rounds->names[at];
}

static void index_names(struct rounds *rounds, size_t room) {
    free(rounds->names);
    rounds->names = must(calloc(room, sizeof *rounds->names));
    rounds->name_room = room;
    for (size_t i = 0; i < rounds->phase_count; i++) *name_slot(rounds, rounds->phases[i].name) = (uint32_t)i + 1;
}

static uint32_t add_phase(struct rounds *rounds, const char *name, uint32_t parent) {
    struct phase_state *phase = must(LIST_ADD(rounds->phases, rounds->phase_count));
    *phase = (struct phase_state){.name = must(strdup(name)), .parent = parent, .gap = NO_INDEX, .of = NO_INDEX};
    memset(phase->series, 0xff, sizeof phase->series);
    if (rounds->phase_count * 2 > rounds->name_room) index_names(rounds, rounds->name_room * 2);
    else *name_slot(rounds, name) = (uint32_t)rounds->phase_count;
    return (uint32_t)rounds->phase_count - 1;
}

static uint32_t find_phase(const struct rounds *rounds, const char *name) { return *name_slot(rounds, name) - 1; }

void epoch_free(struct epoch *epoch) {
    link_out(&epoch->link);
    free(epoch);
}

void rounds_release(struct rounds *rounds) {
    if (!rounds) return;
    /* held by blocks that live at the end */
    for (struct link *link = rounds->epochs.next, *next; link != &rounds->epochs; link = next) {
        next = link->next;
        free(link);
    }
    for (size_t i = 0; i < rounds->phase_count; i++) free(rounds->phases[i].name);
    for (size_t i = 0; i < rounds->series_count; i++) free(rounds->series[i].work);
    free(rounds->phases);
    free(rounds->names);
    free(rounds->series);
    free(rounds->instances);
    free(rounds->active);
    free(rounds);
}

/* Work of the judged round that raw round `at` belongs to. */
static struct round_work *work_at(struct series *series, uint64_t raw) {
    size_t index = (size_t)(raw >> series->shift);
    if (index >= series->work_count) {
        size_t count = index + 1 < 16 ? 16 : index + 1 + index / 2;
        series->work = must(realloc(series->work, count * sizeof *series->work));
        memset(series->work + series->work_count, 0, (count - series->work_count) * sizeof *series->work);
        series->work_count = count;
    }
    return &series->work[index];
}

static void pair_work(struct series *series) {
    for (size_t i = 0; i < series->work_count; i++) {
        struct round_work work = series->work[i], *into = &series->work[i / 2];
        if (i % 2 == 0) {
            *into = work;
            continue;
        }
        into->items += work.items;
        into->operations += work.operations;
        into->fresh += work.fresh;
        into->ns += work.ns;
        if (work.live_blocks > 0) into->live_blocks = work.live_blocks;
        into->in_flight = work.in_flight > into->in_flight ? work.in_flight : into->in_flight;
        into->skip |= work.skip;
    }
    for (size_t i = (series->work_count + 1) / 2; i < series->work_count; i++)
        series->work[i] = (struct round_work){.items = 0};
    series->shift++;
}

static bool counts_windows(const struct series *series) {
    return series->kind == SERIES_OPERATIONS || series->kind == SERIES_ITEMS || series->kind == SERIES_EVENTS;
}

static void move_to(struct series *series, uint64_t raw) {
    uint64_t most = counts_windows(series) ? WINDOWS : GROWTH_MOST_ROUNDS;
    series->at = raw;
    while (raw >> series->shift >= most) pair_work(series);
}

static void start_booking(const struct rounds *rounds, struct series *series) {
    series->since = rounds->events;
    series->since_then = rounds->fresh;
    series->since_ns = rounds->ns;
}

/*
 * Books the events and the time since the series became active, or since this was last asked. Work are the fresh ones
 * alone: what begins to release what it made before does no more than it did.
 */
static void book_events(struct rounds *rounds, struct series *series) {
    uint64_t events = rounds->events - series->since, fresh = rounds->fresh - series->since_then;
    uint64_t ns = rounds->ns - series->since_ns;
    start_booking(rounds, series);
    if (series->kind == SERIES_EVENTS) move_to(series, series->at + events), series->ended = series->at;
    if (counts_windows(series)) return;
    work_at(series, series->at)->fresh += fresh;
    work_at(series, series->at)->ns += ns;
    work_at(series, series->at)->live_blocks = rounds->live_blocks;
}

static void set_active(struct rounds *rounds, uint32_t index, bool active) {
    struct series *series = &rounds->series[index];
    if (series->active == active) return;
    if (!active) book_events(rounds, series);
    series->active = active;
    start_booking(rounds, series);
}

static void activate(struct rounds *rounds, uint32_t index) {
    if (index == NO_INDEX || rounds->series[index].dropped) return;
    set_active(rounds, index, true);
    if (rounds->series[index].placed == rounds->placing) return;
    rounds->series[index].placed = rounds->placing;
    uint32_t *active = must(LIST_ADD(rounds->active, rounds->active_count));
    *active = index;
}

/* The innermost phase of all that are active, in the order in which they began. */
static uint32_t innermost(const struct rounds *rounds) {
    return rounds->instance_count ? rounds->instances[rounds->instance_count - 1].phase : NO_INDEX;
}

static void activate_phase(struct rounds *rounds, const struct instance *instance) {
    const struct phase_state *phase = &rounds->phases[instance->phase];
    bool is_followed = instance->phase < FOLLOWED_AT_ONCE || instance->raw > 0;
    for (int kind = SERIES_PHASES; is_followed && kind < SERIES_SIBLINGS; kind++) activate(rounds, phase->series[kind]);
    uint32_t parent = phase->parent == NO_INDEX ? RUN_PHASE : phase->parent;
    if (instance->raw == 0) activate(rounds, rounds->phases[parent].series[SERIES_SIBLINGS]);
}

static void find_next_window(struct rounds *rounds) {
    rounds->next_window = UINT64_MAX;
    for (size_t i = 0; i < rounds->active_count; i++) {
        const struct series *series = &rounds->series[rounds->active[i]];
        if (series->kind != SERIES_EVENTS) continue;
        uint64_t missing = (((series->at >> series->shift) + 1) << series->shift) - series->at;
        if (series->since + missing < rounds->next_window) rounds->next_window = series->since + missing;
    }
}

static void end_epoch(struct rounds *rounds) {
    epoch_release(rounds->epoch);
    rounds->epoch = NULL;
}

/* Which series count from here on: those of all active phases; outside them the gap after the last phase, and `run`. */
static void place_anew(struct rounds *rounds) {
    uint32_t *before = rounds->active;
    size_t count = rounds->active_count, gap = NO_INDEX;
    rounds->active = NULL;
    rounds->active_count = 0;
    rounds->placing++;
    for (size_t i = 0; i < rounds->instance_count; i++) activate_phase(rounds, &rounds->instances[i]);
    if (rounds->last_ended != NO_INDEX) {
        const struct phase_state *last = &rounds->phases[rounds->last_ended];
        if (last->gap != NO_INDEX && innermost(rounds) == last->parent)
            gap = rounds->phases[last->gap].series[SERIES_PHASES];
    }
    if (gap != NO_INDEX) activate(rounds, (uint32_t)gap);
    if (rounds->instance_count == 0) {
        for (int kind = SERIES_OPERATIONS; kind <= SERIES_EVENTS; kind++)
            activate(rounds, rounds->phases[RUN_PHASE].series[kind]);
    }
    for (size_t i = 0; i < count; i++)
        if (rounds->series[before[i]].placed != rounds->placing) set_active(rounds, before[i], false);
    free(before);
    end_epoch(rounds);
    find_next_window(rounds);
}

struct rounds *rounds_new(void) {
    struct rounds *rounds = calloc(1, sizeof *rounds);
    if (!rounds) return NULL;
    rounds->epochs = (struct link){&rounds->epochs, &rounds->epochs};
    index_names(rounds, 64);
    add_phase(rounds, "run", NO_INDEX);
    add_series(rounds, SERIES_OPERATIONS, RUN_PHASE);
    add_series(rounds, SERIES_ITEMS, RUN_PHASE);
    add_series(rounds, SERIES_EVENTS, RUN_PHASE);
    rounds->last_ended = NO_INDEX;
    place_anew(rounds);
    return rounds;
}

void rounds_window(struct rounds *rounds) {
    for (size_t i = 0; i < rounds->active_count; i++) {
        struct series *series = &rounds->series[rounds->active[i]];
        if (series->kind == SERIES_EVENTS) book_events(rounds, series);
    }
    end_epoch(rounds);
    find_next_window(rounds);
}

struct epoch *rounds_new_epoch(struct rounds *rounds) {
    struct epoch *epoch = must(malloc(sizeof *epoch + rounds->active_count * sizeof *epoch->places));
    link_into(&rounds->epochs, &epoch->link);
    epoch->references = 1;
    epoch->count = (uint32_t)rounds->active_count;
    for (size_t i = 0; i < rounds->active_count; i++)
        epoch->places[i] = (struct place){rounds->active[i], rounds->series[rounds->active[i]].at};
    return rounds->epoch = epoch;
}

/* The phase around a new one: the thread's own innermost, else the first thread's. */
static uint32_t parent_for(const struct rounds *rounds, uint32_t thread) {
    for (int first = 0; first < 2; first++) {
        for (size_t i = rounds->instance_count; i-- > 0;) {
            if (rounds->instances[i].thread == (first ? 1 : thread)) return rounds->instances[i].phase;
        }
    }
    return NO_INDEX;
}

static void count_child(struct rounds *rounds, uint32_t index) {
    struct phase_state *phase = &rounds->phases[index];
    uint32_t parent = phase->parent == NO_INDEX ? RUN_PHASE : phase->parent;
    phase->ordinal = rounds->phases[parent].children++;
    if (phase->ordinal == 1) add_series(rounds, SERIES_SIBLINGS, parent);
    struct series *siblings = series_of(rounds, parent, SERIES_SIBLINGS);
    if (siblings) move_to(siblings, phase->ordinal);
}

static uint32_t begin_first(struct rounds *rounds, const char *name, uint32_t thread) {
    uint32_t index = add_phase(rounds, name, parent_for(rounds, thread));
    for (int kind = SERIES_PHASES; kind < SERIES_SIBLINGS; kind++) add_series(rounds, (enum series_kind)kind, index);
    count_child(rounds, index);
    return index;
}

/* A phase that repeats is judged by its repetitions, and is no test that runs once. */
static void note_repetition(struct rounds *rounds, uint32_t index) {
    struct phase_state *phase = &rounds->phases[index];
    if (phase->begun == 2) {
        uint32_t parent = phase->parent == NO_INDEX ? RUN_PHASE : phase->parent;
        struct series *siblings = series_of(rounds, parent, SERIES_SIBLINGS);
        rounds->phases[parent].repeated_children++;
        if (siblings && phase->ordinal > 0) work_at(siblings, phase->ordinal)->skip = true;
    }
    if (phase->begun < ENOUGH_REPETITIONS) return;
    for (int kind = SERIES_OPERATIONS; kind <= SERIES_EVENTS; kind++) {
        struct series *windows = series_of(rounds, index, (enum series_kind)kind);
        if (windows) windows->dropped = true;
    }
}

static void end_gap(struct rounds *rounds, const struct phase_state *phase) {
    if (phase->gap == NO_INDEX) return;
    uint32_t gap = rounds->phases[phase->gap].series[SERIES_PHASES];
    set_active(rounds, gap, false);
    rounds->series[gap].ended = phase->ended - GAP_AFTER + 1;
}

static void end_start_up(struct rounds *rounds) {
    struct series *windows = series_of(rounds, RUN_PHASE, SERIES_EVENTS);
    book_events(rounds, windows);
    rounds->start_up = windows->at;
}

uint64_t rounds_start_up(const struct rounds *rounds) {
    uint64_t marked = 0;
    for (size_t i = RUN_PHASE + 1; i < rounds->phase_count; i++) {
        const struct series *operations = series_of(rounds, (uint32_t)i, SERIES_OPERATIONS);
        marked += rounds->phases[i].begun + rounds->phases[i].item_calls + (operations ? operations->at : 0);
    }
    return marked > 1 ? rounds->start_up : 0;
}

static void begin_phase(struct rounds *rounds, const char *name, uint32_t thread) {
    if (rounds->instance_count == INSTANCES_MAX) return;
    if (rounds->phase_count == RUN_PHASE + 1) end_start_up(rounds);
    uint32_t index = find_phase(rounds, name);
    if (index == NO_INDEX || index == RUN_PHASE) index = begin_first(rounds, name, thread);
    struct phase_state *phase = &rounds->phases[index];
    struct series *repetitions = series_of(rounds, index, SERIES_PHASES);
    end_gap(rounds, phase);
    if (repetitions->active) book_events(rounds, repetitions);
    move_to(repetitions, phase->begun++);
    note_repetition(rounds, index);
    struct instance *instance = must(LIST_ADD(rounds->instances, rounds->instance_count));
    *instance = (struct instance){index, thread, phase->begun - 1};
    place_anew(rounds);
}

static void begin_gap(struct rounds *rounds, uint32_t index) {
    if (rounds->phases[index].ended < GAP_AFTER) return;
    if (rounds->phases[index].gap == NO_INDEX) {
        char name[512] = "between ";
        strncat(name, rounds->phases[index].name, sizeof name - sizeof "between ");
        uint32_t gap = add_phase(rounds, name, rounds->phases[index].parent);
        rounds->phases[gap].of = index;
        rounds->phases[index].gap = gap;
        add_series(rounds, SERIES_PHASES, gap);
    }
    move_to(series_of(rounds, rounds->phases[index].gap, SERIES_PHASES), rounds->phases[index].ended - GAP_AFTER);
}

static size_t find_instance(const struct rounds *rounds, uint32_t phase, uint32_t thread) {
    size_t found = SIZE_MAX;
    for (size_t i = rounds->instance_count; i-- > 0;) {
        if (rounds->instances[i].phase != phase) continue;
        if (rounds->instances[i].thread == thread) return i;
        if (found == SIZE_MAX) found = i;
    }
    return found;
}

static void end_sibling(struct rounds *rounds, const struct phase_state *phase) {
    uint32_t parent = phase->parent == NO_INDEX ? RUN_PHASE : phase->parent;
    struct series *siblings = series_of(rounds, parent, SERIES_SIBLINGS);
    if (siblings && phase->ended == 1 && siblings->ended <= phase->ordinal) siblings->ended = phase->ordinal + 1;
}

static void end_phase(struct rounds *rounds, const char *name, uint32_t thread) {
    uint32_t index = find_phase(rounds, name);
    size_t at = index == NO_INDEX ? SIZE_MAX : find_instance(rounds, index, thread);
    if (at == SIZE_MAX) return;
    struct phase_state *phase = &rounds->phases[index];
    struct series *repetitions = series_of(rounds, index, SERIES_PHASES);
    memmove(&rounds->instances[at], &rounds->instances[at + 1],
            (--rounds->instance_count - at) * sizeof *rounds->instances);
    book_events(rounds, repetitions);
    repetitions->ended = ++phase->ended;
    rounds->work_ends++;
    end_sibling(rounds, phase);
    if (find_instance(rounds, index, thread) == SIZE_MAX) {
        rounds->last_ended = index;
        begin_gap(rounds, index);
    }
    place_anew(rounds);
}

/* Calls count for the thread's innermost phase and those around it, `run` outside all. */
static uint32_t phase_for(const struct rounds *rounds, uint32_t thread) {
    uint32_t own = rounds->instance_count ? parent_for(rounds, thread) : RUN_PHASE;
    return own == NO_INDEX ? innermost(rounds) : own;
}

static void count_work(struct rounds *rounds, uint32_t phase, enum series_kind kind, uint64_t items,
                       uint64_t operations) {
    struct series *series = series_of(rounds, phase, kind);
    if (!series || !series->active) return;
    work_at(series, series->at)->items += items;
    work_at(series, series->at)->operations += operations;
}

static void advance(struct rounds *rounds, uint32_t phase, enum series_kind kind, uint64_t by) {
    struct series *windows = series_of(rounds, phase, kind);
    if (!windows || windows->dropped || by == 0) return;
    move_to(windows, windows->at + by);
    windows->ended = windows->at;
}

static void count_for(struct rounds *rounds, uint32_t phase, uint64_t items, uint64_t operations) {
    if (phase != RUN_PHASE) count_work(rounds, RUN_PHASE, SERIES_SIBLINGS, items, operations);
    for (; phase != NO_INDEX; phase = rounds->phases[phase].parent) {
        rounds->phases[phase].item_calls += items > 0;
        advance(rounds, phase, SERIES_ITEMS, items);
        advance(rounds, phase, SERIES_OPERATIONS, operations);
        count_work(rounds, phase, SERIES_PHASES, items, operations);
        count_work(rounds, phase, SERIES_SIBLINGS, items, operations);
    }
    end_epoch(rounds);
}

static void begin_operation(struct rounds *rounds) {
    rounds->in_flight++;
    for (size_t i = 0; i < rounds->active_count; i++) {
        struct series *series = &rounds->series[rounds->active[i]];
        if (counts_windows(series)) continue;
        struct round_work *work = work_at(series, series->at);
        if (work->in_flight < rounds->in_flight) work->in_flight = rounds->in_flight;
    }
}

static void end_operation(struct rounds *rounds, uint32_t thread) {
    if (rounds->in_flight) rounds->in_flight--;
    rounds->work_ends++;
    count_for(rounds, phase_for(rounds, thread), 0, 1);
}

void rounds_control(struct rounds *rounds, const struct control *control, const struct moment *now) {
    if (rounds->exiting) return;
    rounds->ns = now->ns;
    rounds->live_blocks = now->live_blocks;
    rounds->approximate |= control->flags & TRACE_EVENT_APPROXIMATE;
    switch (control->kind) {
    case TRACE_EVENT_PHASE_BEGIN: begin_phase(rounds, control->name, now->thread); break;
    case TRACE_EVENT_PHASE_END: end_phase(rounds, control->name, now->thread); break;
    case TRACE_EVENT_ITEMS: count_for(rounds, phase_for(rounds, now->thread), control->value, 0); break;
    case TRACE_EVENT_OP_BEGIN:
    case TRACE_EVENT_OP_START: begin_operation(rounds); break;
    case TRACE_EVENT_OP_END:
    case TRACE_EVENT_OP_FINISH: end_operation(rounds, now->thread); break;
    case TRACE_EVENT_EXIT: rounds->exiting = true; break;
    default: break;
    }
}

struct series_stretch series_stretch(const struct rounds *rounds, const struct series *series) {
    uint32_t may_be_over = rounds->approximate && series->active, work_tag = rounds->work_ends + may_be_over;
    uint32_t ended = (uint32_t)series->ended;
    switch (series->kind) {
    case SERIES_OPERATIONS:
    case SERIES_ITEMS: return (struct series_stretch){ended, work_tag, series->ended > 0};
    case SERIES_EVENTS:
        if (series->phase == RUN_PHASE)
            return (struct series_stretch){rounds->work_ends, work_tag, rounds->exiting || rounds->work_ends > 0};
        ended = (uint32_t)rounds->phases[series->phase].ended;
        return (struct series_stretch){ended, work_tag, rounds->exiting || !series->active};
    default: /* an incomplete round may be the program's end, too */
        return (struct series_stretch){ended + may_be_over, work_tag, true};
    }
}

void rounds_end(struct rounds *rounds, const struct moment *now) {
    rounds->ns = now->ns;
    rounds->live_blocks = now->live_blocks;
    for (size_t i = 0; i < rounds->active_count; i++) book_events(rounds, &rounds->series[rounds->active[i]]);
    end_epoch(rounds);
}
