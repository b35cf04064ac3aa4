/*
 * What each stack holds of the resident pages: at this look, at the one with the highest RSS, and in the course of
 * time. A hash table while looks come, a list by stack in the end.
 */
#ifndef ANALYSIS_STACK_SHARES_H
#define ANALYSIS_STACK_SHARES_H

#include "residency.h"

struct stack_shares {              /* zeroed: empty */
    struct residency_share *slots; /* open addressing; `stack` is one more than it is, so that 0 means free */
    uint64_t *now;                 /* bytes of each slot at this look */
    size_t capacity, used;
};

/* The slot of a stack, made where there is none; slots move when one is made. SIZE_MAX: out of memory. */
size_t stack_shares_slot(struct stack_shares *shares, uint32_t stack);
/* A look begins: nobody holds anything. */
void stack_shares_begin(struct stack_shares *shares);
/* A look is over, in this slice of time. False: out of memory. */
bool stack_shares_take(struct stack_shares *shares, uint32_t slice, bool is_peak);
/* Slices are twice as long from now on. */
void stack_shares_double(struct stack_shares *shares);

/* The list, ascending by stack, is the caller's then, and the table is empty. */
size_t stack_shares_finish(struct stack_shares *shares, struct residency_share **list);
/* NULL: this stack is not in the list. */
const struct residency_share *stack_shares_find(const struct residency_share *list, size_t count, uint32_t stack);
void stack_shares_free(struct residency_share *list, size_t count);
void stack_shares_release(struct stack_shares *shares);

#endif
