/*
 * The stacks that share an allocating function in one phase, and how long blocks of one may live by what the others do.
 *
 * A stack that released nothing borrows the reach of its function: it may be a cache that lets go later. Not where its
 * blocks would long have been among those released, if they were kept as those of a relative are: by its life table (of
 * the blocks that reached an age, the share released at it; Kaplan and Meier, 1958), ten and more, three if each of the
 * rounds had left one block only; nor where the relative released less than a hundredth of what the stack keeps. Called
 * by judge.c; pure but for memory.
 */
#ifndef VERDICT_RELATIVES_H
#define VERDICT_RELATIVES_H

#include "../analysis/growth_evidence.h"

#define RELATIVES_MOST 16u

struct relatives {
    double reach;                                    /* rounds, of the whole function */
    uint64_t freed;                                  /* blocks, by the whole function */
    uint64_t held;                                   /* bytes, of its blocks that stay */
    struct growth_evidence released[RELATIVES_MOST]; /* of the stacks that released blocks which outlived their round */
    size_t count;
    bool incomplete; /* there are more */
};

/* Takes over the evidence of a stack, or releases it where it is of no use. */
void relatives_add(struct relatives *relatives, struct growth_evidence *evidence);
/* Rounds that blocks of this stack, which released none, may live. */
double relatives_reach(const struct relatives *relatives, const struct growth_evidence *evidence);
void relatives_release(struct relatives *relatives);

#endif
