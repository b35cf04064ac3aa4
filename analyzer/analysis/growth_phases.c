/* Chooses what is judged. See growth_phases.h. */
#include "growth_phases.h"

#include <stdlib.h>

#include "../must.h"
#include "growth.h"
#include "growth_parts.h"

#define LEAST_REPETITIONS 4u /* rounds from which a phase is judged by its repetitions */
#define LEAST_WINDOWS 8u
#define LEAST_ITEM_CALLS 32u /* items reported in fewer lumps make no windows */
#define LEAST_SIBLINGS 5u

static size_t rounds_if_enough(const struct rounds *rounds, uint32_t index, enum series_kind kind, size_t least) {
    uint32_t series = rounds->phases[index].series[kind];
    if (series == NO_INDEX || rounds->series[series].dropped) return 0;
    if (kind == SERIES_ITEMS && rounds->phases[index].item_calls < LEAST_ITEM_CALLS) return 0;
    size_t count = series_complete(&rounds->series[series]);
    return count >= least ? count : 0;
}

static void choose(struct growth_phases *phases, uint32_t index) {
    const struct series *series = &phases->rounds->series[index];
    phases->list[phases->count++] = (struct chosen_phase){
        .series = index,
        .round_count = series_complete(series),
        .rounds = series_has_windows(series) ? series_complete(series) : series->ended,
        .usual = growth_work_usual(series),
    };
}

/* The best way of counting a phase's rounds that gives enough of them; else its repetitions. */
static void choose_series(struct growth_phases *phases, uint32_t index) {
    static const size_t least[] = {LEAST_REPETITIONS, LEAST_WINDOWS, LEAST_WINDOWS, LEAST_WINDOWS};
    const struct phase_state *phase = &phases->rounds->phases[index];
    for (int kind = SERIES_PHASES; kind < SERIES_SIBLINGS; kind++) {
        if (!rounds_if_enough(phases->rounds, index, (enum series_kind)kind, least[kind])) continue;
        choose(phases, phase->series[kind]);
        return;
    }
    if (phase->series[SERIES_PHASES] != NO_INDEX && phase->of == NO_INDEX) choose(phases, phase->series[SERIES_PHASES]);
}

/* Children that ran once each, as the tests of a suite do, are together the rounds of their parent. */
static void choose_siblings(struct growth_phases *phases, uint32_t index) {
    const struct phase_state *phase = &phases->rounds->phases[index];
    if (phase->children < LEAST_SIBLINGS || phase->repeated_children * 5 > phase->children) return;
    if (rounds_if_enough(phases->rounds, index, SERIES_SIBLINGS, LEAST_SIBLINGS))
        choose(phases, phase->series[SERIES_SIBLINGS]);
}

static void add_record(struct growth_phases *phases, struct record *record, size_t phase) {
    if (phases->record_count == phases->record_room) {
        size_t room = phases->record_room ? phases->record_room * 2 : 64;
        phases->records = must(realloc(phases->records, room * sizeof *phases->records));
        phases->phase_of = must(realloc(phases->phase_of, room * sizeof *phases->phase_of));
        phases->record_room = room;
    }
    phases->phase_of[phases->record_count] = phase;
    phases->records[phases->record_count++] = record;
}

static void find_records(struct growth_phases *phases, const struct growth_stacks *stacks) {
    const struct rounds *rounds = phases->rounds;
    size_t *phase_of = must(malloc((rounds->series_count + 1) * sizeof *phase_of));
    for (size_t i = 0; i < rounds->series_count; i++) phase_of[i] = SIZE_MAX;
    for (size_t i = 0; i < phases->count; i++) phase_of[phases->list[i].series] = i;
    for (size_t i = 0; i < stacks->room; i++) {
        for (struct record *record = stacks->list[i].records; record; record = record->next) {
            const struct series *series = &rounds->series[record->series];
            if (phase_of[record->series] == SIZE_MAX) continue;
            record_pass(record, series->shift, series->ended);
            add_record(phases, record, phase_of[record->series]);
        }
    }
    free(phase_of);
}

struct record_tags growth_phases_tags(const struct rounds *rounds, const struct series *series) {
    struct series_stretch last = series_stretch(rounds, series);
    return (struct record_tags){last.rounds_tag, last.work_tag};
}

static void count_survivors(struct growth_phases *phases) {
    for (size_t i = 0; i < phases->count; i++)
        phases->list[i].survivors = must(calloc(phases->list[i].round_count + 1, sizeof(uint64_t)));
    for (size_t i = 0; i < phases->record_count; i++) {
        const struct record *record = phases->records[i];
        const struct chosen_phase *phase = &phases->list[phases->phase_of[i]];
        struct record_tags tags = growth_phases_tags(phases->rounds, &phases->rounds->series[record->series]);
        for (size_t j = 0; j < record->round_count && record->rounds[j].round < phase->round_count; j++)
            phase->survivors[record->rounds[j].round] += record_round_held(&record->rounds[j], tags).blocks;
    }
}

void growth_phases_choose(struct growth_phases *phases, const struct rounds *rounds,
                          const struct growth_stacks *stacks) {
    *phases = (struct growth_phases){.rounds = rounds};
    phases->list = must(calloc(2 * rounds->phase_count, sizeof *phases->list));
    for (uint32_t i = 0; i < rounds->phase_count; i++) choose_series(phases, i);
    for (uint32_t i = 0; i < rounds->phase_count; i++) choose_siblings(phases, i);
    find_records(phases, stacks);
    count_survivors(phases);
}

void growth_phases_release(struct growth_phases *phases) {
    for (size_t i = 0; i < phases->count; i++) free(phases->list[i].survivors);
    free(phases->list);
    free(phases->records);
    free(phases->phase_of);
}

size_t growth_phase_count(const struct growth *growth) { return growth->phases.count; }

struct growth_phase growth_phase(const struct growth *growth, size_t index) {
    static const enum growth_kind kinds[SERIES_KINDS] = {GROWTH_ROUNDS_PHASES, GROWTH_ROUNDS_OPERATIONS,
                                                         GROWTH_ROUNDS_ITEMS, GROWTH_ROUNDS_EVENTS,
                                                         GROWTH_ROUNDS_PHASES};
    const struct chosen_phase *chosen = &growth->phases.list[index];
    const struct series *series = growth_phases_series(&growth->phases, index);
    const struct phase_state *phase = &growth->rounds->phases[series->phase];
    bool by_lines = growth->rounds->approximate && !series_has_windows(series);
    return (struct growth_phase){
        .name = phase->name,
        .kind = kinds[series->kind],
        .rounds = chosen->rounds,
        .round_count = chosen->round_count,
        .told_rounds = by_lines ? chosen->usual.told : chosen->round_count,
        .gap = phase->of != NO_INDEX,
        .siblings = series->kind == SERIES_SIBLINGS,
    };
}

bool growth_phase_within(const struct growth *growth, size_t inner, size_t outer) {
    const struct series *series = growth_phases_series(&growth->phases, outer);
    uint32_t phase = growth_phases_series(&growth->phases, inner)->phase;
    if (inner == outer) return false;
    if (series->phase == RUN_PHASE) return series->kind == SERIES_SIBLINGS;
    while (phase != NO_INDEX && phase != series->phase) phase = growth->rounds->phases[phase].parent;
    return phase != NO_INDEX;
}

size_t growth_record_count(const struct growth *growth) { return growth->phases.record_count; }

struct growth_record growth_record(const struct growth *growth, size_t index) {
    const struct record *record = growth->phases.records[index];
    size_t phase = growth->phases.phase_of[index];
    struct record_tags tags = growth_phases_tags(growth->rounds, growth_phases_series(&growth->phases, phase));
    struct growth_amount held = record_held(record, growth->phases.list[phase].round_count, tags);
    return (struct growth_record){record->stack, phase, held};
}
