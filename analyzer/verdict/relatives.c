/* Life tables of stacks that share a function. See relatives.h. */
#include "relatives.h"

#include <math.h>

#include "../analysis/growth.h"

#define RARE 0.01
#define EXPECTED_BLOCKS 10.0 /* none seen has a chance of 0.00005 */
#define EXPECTED_ROUNDS 3.0  /* as many blocks released together are one decision */

void relatives_add(struct relatives *relatives, struct growth_evidence *evidence) {
    bool useful = evidence->freed > 0 && evidence->reach >= 1;
    relatives->incomplete |= useful && relatives->count == RELATIVES_MOST;
    if (useful && relatives->count < RELATIVES_MOST) relatives->released[relatives->count++] = *evidence;
    else growth_evidence_release(evidence);
}

void relatives_release(struct relatives *relatives) {
    while (relatives->count > 0) growth_evidence_release(&relatives->released[--relatives->count]);
}

/* What is alive of the rounds up to this one: blocks, or rounds that left any. */
struct alive {
    double blocks, rounds;
};

static void sum_alive(const struct growth_evidence *evidence, struct alive *until) {
    struct alive sum = {0, 0};
    for (size_t i = 0; i < evidence->count; i++) {
        sum.blocks += (double)evidence->rounds[i].held.blocks;
        sum.rounds += evidence->rounds[i].held.blocks > 0;
        until[i] = sum;
    }
}

/* How many of the stack's blocks would have been released by the relative's life table. */
static struct alive expected(const struct growth_evidence *relative, const struct growth_evidence *evidence) {
    struct alive kept[GROWTH_MOST_ROUNDS], mine[GROWTH_MOST_ROUNDS], sum = {0, 0};
    double older = 0;
    sum_alive(relative, kept);
    sum_alive(evidence, mine);
    for (size_t age = evidence->count; age-- > 1;) {
        double released = growth_lives_of(&relative->lives, age);
        older += released;
        size_t latest = evidence->count - 1 - age; /* the last birth of which this age was seen */
        double reached = older + kept[latest].blocks;
        if (released <= 0) continue;
        sum.blocks += mine[latest].blocks * released / reached;
        sum.rounds += mine[latest].rounds * released / reached;
    }
    return sum;
}

/* A few long-lived blocks of a function say nothing of the thousands that another of its stacks keeps. */
static bool is_much_rarer(const struct growth_evidence *relative, const struct growth_evidence *evidence) {
    double released = (double)(relative->freed - relative->lives.count[0]), kept = 0;
    for (size_t i = 0; i < evidence->count; i++) kept += (double)evidence->rounds[i].held.blocks;
    return released < RARE * kept;
}

static bool is_kept_alike(const struct growth_evidence *relative, const struct growth_evidence *evidence) {
    if (is_much_rarer(relative, evidence)) return false;
    if (relative->count != evidence->count || evidence->count > GROWTH_MOST_ROUNDS) return true;
    struct alive released = expected(relative, evidence);
    return released.blocks < EXPECTED_BLOCKS || released.rounds < EXPECTED_ROUNDS;
}

double relatives_reach(const struct relatives *relatives, const struct growth_evidence *evidence) {
    if (evidence->enlarged) return relatives->reach; /* layers of blocks that took the place of others */
    double reach = 0;
    bool all = !relatives->incomplete;
    for (size_t i = 0; i < relatives->count; i++) {
        bool alike = is_kept_alike(&relatives->released[i], evidence);
        if (alike) reach = fmax(reach, relatives->released[i].reach);
        else all = false;
    }
    return all || relatives->incomplete ? relatives->reach : fmin(reach, relatives->reach);
}
