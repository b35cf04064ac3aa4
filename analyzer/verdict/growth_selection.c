/*
 * Choosing evidence rounds (growth_selection.h).
 */
#include "growth_selection.h"

#include <math.h>
#include <string.h>

#define LEAST_FLAT 3 /* evidence rounds that others are compared with */
#define FLAT 1.25    /* blocks per unit of work of the younger rounds against those of the older */

static uint32_t warm_up_of(const struct growth_evidence *evidence, const struct growth_settings *settings) {
    uint32_t count = (uint32_t)evidence->count, each = evidence->each ? evidence->each : 1;
    if (settings->warm_up_rounds >= 0) {
        uint64_t rounds = ((uint64_t)settings->warm_up_rounds + each - 1) / each;
        return rounds < count ? (uint32_t)rounds : count;
    }
    double share = settings->warm_up_share >= 0 ? settings->warm_up_share : 0.1;
    uint32_t rounds = (uint32_t)(share * count);
    return rounds > 1 || settings->warm_up_share >= 0 ? rounds : 1;
}

/*
 * Rounds that must follow an evidence round. A block gets twice the longest known life to be released in; where the
 * process was seen to its exit and no life was long, what is still live has had its chance after one.
 */
static uint32_t follow_of(const struct growth_evidence *evidence, const struct growth_settings *settings) {
    double least = evidence->exit_seen && evidence->reach <= 1 ? evidence->reach : fmax(1, 2 * evidence->reach);
    uint32_t each = evidence->each ? evidence->each : 1;
    if (settings->lag > 0) least = fmax(least, (double)settings->lag / each);
    return least < GROWTH_MOST_ROUNDS ? (uint32_t)ceil(least) : GROWTH_MOST_ROUNDS;
}

static void sum(struct growth_amount *into, const struct growth_amount *from) {
    into->blocks += from->blocks;
    into->bytes += from->bytes;
}

void selection_take(struct selection *selection, uint32_t index) {
    const struct growth_round *round = &selection->evidence->rounds[index];
    selection->rounds[selection->n++] = index;
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): the evidence's owner filled all its rounds */
    selection->k += round->held.blocks > 0;
    sum(&selection->held, &round->held);
    sum(&selection->kept, &round->kept);
    sum(&selection->exited, &round->exited);
    sum(&selection->never, &round->never);
}

/*
 * Of lines that were read late or together, one has the work of several: the others, in which nothing is done, are no
 * rounds.
 */
static bool is_busy(const struct growth_round *round) {
    return round->work > 0 || round->held.blocks > 0 || !round->merged;
}

static void take_rounds(struct selection *selection, uint32_t behind) {
    const struct growth_evidence *evidence = selection->evidence;
    double most = 0;
    for (uint32_t i = 0, place = 0; i + behind < evidence->count; i++) {
        const struct growth_round *round = &evidence->rounds[i];
        bool record = round->work > RECORD * most, seen = is_busy(round) || !evidence->approximate;
        most = fmax(most, round->work);
        if (i < selection->warm_up || i <= evidence->first || (record && i > 0 && round->work > 0)) continue;
        if (round->skip) continue;
        if (seen) {
            selection_take(selection, i);
            selection->places[selection->n - 1] = place;
        }
        place++;
    }
}

/*
 * Edges that are known to a line of output may lie in the next round, or together: one round more, and no empty ones.
 */
uint32_t selection_behind(const struct growth_evidence *evidence, uint32_t follow) {
    uint32_t rounds = 0, busy = 0, count = (uint32_t)evidence->count;
    if (!evidence->approximate) return follow;
    for (; rounds < count && busy <= follow; rounds++) busy += is_busy(&evidence->rounds[count - 1 - rounds]);
    return rounds;
}

/*
 * The longest life known lasts only as long as the next longer one is not seen, so a block gets twice as long. But
 * where the rounds that are a reach and one old hold no more than those that are so much older, nothing has been
 * released at that age: they count, too.
 */
static void take_flat_rounds(struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    uint32_t follow = (uint32_t)fmin(ceil(evidence->reach) + 1, GROWTH_MOST_ROUNDS);
    if (follow >= selection->follow || selection->n < LEAST_FLAT || selection->k < selection->n) return;
    struct selection closer = {
        .evidence = evidence, .warm_up = selection->warm_up, .begin = selection->begin, .follow = follow};
    take_rounds(&closer, selection_behind(evidence, follow));
    if (closer.n <= selection->n) return;
    struct half old = selection_sum(selection, 0, selection->n);
    struct half young = selection_sum(&closer, selection->n, closer.n);
    if (young.blocks * old.work <= FLAT * old.blocks * young.work) *selection = closer;
}

void selection_choose(struct selection *selection, const struct growth_settings *settings) {
    const struct growth_evidence *evidence = selection->evidence;
    bool warm_up_known = settings->warm_up_rounds >= 0 || settings->warm_up_share >= 0;
    uint32_t start_up = evidence->start_up < evidence->count ? evidence->start_up : (uint32_t)evidence->count;
    selection->warm_up = warm_up_of(evidence, settings);
    if (selection->warm_up < start_up) selection->warm_up = start_up;
    selection->begin = warm_up_known ? selection->warm_up : start_up;
    selection->follow = follow_of(evidence, settings);
    take_rounds(selection, selection_behind(evidence, selection->follow));
    if (settings->lag < 0) take_flat_rounds(selection);
}

const struct growth_round *selection_round(const struct selection *selection, uint32_t index) {
    return &selection->evidence->rounds[selection->rounds[index]];
}

double selection_work(const struct selection *selection, uint32_t index) {
    double work = selection_round(selection, index)->work;
    return work > 0 && !selection->by_rounds ? work : 1;
}

struct half selection_sum(const struct selection *selection, uint32_t from, uint32_t to) {
    struct half half = {0, 0, 0};
    for (uint32_t i = from; i < to; i++) {
        half.blocks += (double)selection_round(selection, i)->held.blocks;
        half.bytes += (double)selection_round(selection, i)->held.bytes;
        half.work += selection_work(selection, i);
    }
    return half;
}

double selection_scatter(const struct selection *selection) {
    struct half all = selection_sum(selection, 0, selection->n);
    double chi = 0;
    for (uint32_t i = 0; i < selection->n; i++) {
        double expected = all.blocks * selection_work(selection, i) / all.work;
        double seen = (double)selection_round(selection, i)->held.blocks;
        chi += (seen - expected) * (seen - expected) / expected;
    }
    return chi / (selection->n - 1);
}

double selection_dispersion(const struct selection *selection) { return fmax(1, selection_scatter(selection)); }

uint32_t selection_added_since(const struct selection *selection, uint32_t from) {
    uint32_t added = 0;
    for (uint32_t i = from; i < selection->n; i++) added += selection_round(selection, i)->held.blocks > 0;
    return added;
}

bool range_is_one_but_for_one(const struct range *blocks) {
    return blocks->high <= blocks->low + (blocks->low >= LEAST_ONE);
}

void whole_course_follow(const struct selection *selection, struct whole_course *out) {
    const struct growth_evidence *evidence = selection->evidence;
    uint64_t most = 0;
    out->evidence = *evidence;
    out->evidence.rounds = out->rounds;
    out->selection = (struct selection){.evidence = &out->evidence, .begin = selection->begin};
    memcpy(out->rounds, evidence->rounds, evidence->count * sizeof *out->rounds);
    for (uint32_t i = 0; i < selection->n; i++) {
        uint64_t blocks = selection_round(selection, i)->held.blocks;
        if (blocks > most) most = blocks;
    }
    struct growth_round *first = &out->rounds[evidence->first];
    if (first->held.blocks > most) first->held.blocks = most;
    for (uint32_t i = selection->begin; i < selection->rounds[0]; i++) selection_take(&out->selection, i);
    for (uint32_t i = 0; i < selection->n; i++) selection_take(&out->selection, selection->rounds[i]);
}
