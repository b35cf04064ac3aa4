/* What several records say together: growth_evidence() of growth.h. */
#include "growth_evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "growth.h"
#include "growth_container.h"
#include "growth_parts.h"

struct gathered {
    uint64_t first, process_first, process_last;
    struct growth_lives lives;
    uint64_t threads;
    struct record_tags tags;
};

static void gather_rounds(struct gathered *gathered, const struct record *record, size_t count,
                          struct growth_round *rounds) {
    for (size_t i = 0; i < record->round_count && record->rounds[i].round < count; i++) {
        struct growth_round *round = &rounds[record->rounds[i].round];
        uint64_t before = round->held.blocks;
        record_round_sum(round, &record->rounds[i], gathered->tags);
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
    out->before += record->stack_first;
    out->after += record->stack_live;
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
        const struct record *record = growth->phases.records[records[i]];
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
 * Whether the containers among several stacks are left out: what keeps the blocks of the others grows ever less often,
 * and would make those look as if they slowed.
 */
static bool containers_aside(const struct growth *growth, const size_t *records, size_t count, const uint64_t *held,
                             const struct growth_evidence *out) {
    uint64_t all = 0, lone = 0;
    for (size_t i = 0; i < count; i++) {
        all += held[i];
        if (is_lone_container(growth->phases.records[records[i]])) lone += held[i];
    }
    return count > 1 && out->step_count == 0 && lone < all / 2;
}

static int gather_all(const struct growth *growth, const size_t *records, size_t count, struct gathered *gathered,
                      struct growth_evidence *out, struct growth_round *rounds) {
    uint64_t *held = calloc(count + 1, sizeof *held);
    if (!held) return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        held[i] = record_held(growth->phases.records[records[i]], out->count, gathered->tags).bytes;
    int error = add_steps(growth, records, count, held, out);
    bool aside = containers_aside(growth, records, count, held, out);
    free(held);
    for (size_t i = 0; i < count; i++) {
        const struct record *record = growth->phases.records[records[i]];
        gather(gathered, record, out);
        if (!aside || !is_lone_container(record)) gather_rounds(gathered, record, out->count, rounds);
    }
    return error;
}

/* The window in which the first phase began belongs to the start, too. */
static uint32_t start_up_of(const struct growth *growth, const struct series *series) {
    uint64_t events = rounds_start_up(growth->rounds);
    if (series->phase != RUN_PHASE || series->kind != SERIES_EVENTS || events == 0) return 0;
    return (uint32_t)(events >> series->shift) + 1;
}

int growth_evidence(const struct growth *growth, const size_t *records, size_t count, struct growth_evidence *out) {
    size_t phase = growth->phases.phase_of[records[0]];
    const struct chosen_phase *chosen = &growth->phases.list[phase];
    const struct series *series = growth_phases_series(&growth->phases, phase);
    struct growth_round *rounds = calloc(chosen->round_count + 1, sizeof *rounds);
    if (!rounds) return -ENOMEM;
    *out = (struct growth_evidence){.kind = growth_phase(growth, phase).kind,
                                    .rounds = rounds,
                                    .count = chosen->round_count,
                                    .level.steady_after_warm_up = true,
                                    .exit_seen = growth->rounds->exiting,
                                    .approximate = growth->rounds->approximate,
                                    .cut = growth->cut};
    out->start_up = start_up_of(growth, series);
    out->each = series_has_windows(series) ? 1 : 1u << series->shift;
    out->work_is_events = growth_work_fill(series, &chosen->usual, chosen->survivors, rounds, chosen->round_count);
    struct gathered gathered = {.first = UINT64_MAX, .tags = growth_phases_tags(growth->rounds, series)};
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
