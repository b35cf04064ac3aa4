/*
 * Stacks of one process as frames with names: from the trie's addresses through symbols/ to what a person reads, and to
 * what the verdict needs to know about a stack.
 */
#ifndef REPORT_STACKS_H
#define REPORT_STACKS_H

#include "../input/nodes.h"
#include "../symbols/site.h"
#include "../symbols/wrappers.h"
#include "../verdict/judge.h"

/* The frames of one node, the resolver's; NULL: not asked for yet. */
struct named_node {
    const struct symbol_frame *frames;
    size_t count;
};

struct stacks {
    const struct stack_nodes *nodes;
    struct symbols *symbols;
    uint32_t space;
    uint32_t recorder; /* module whose frames are left out: the recorder, which runs between libc and main; 0: none */
    const struct wrapper_set *wrappers; /* may be NULL */
    struct symbol_frame *frames;        /* of the last stack */
    size_t capacity;
    struct named_node *named; /* by node id: outer frames are common to many stacks */
};

struct named_stack {
    struct symbol_frame *frames; /* from the call site outwards, recursion folded; valid until the next call */
    size_t count;                /* at least 1 */
    uint64_t key;                /* equal where these frames lie at the same places of the same modules */
    uint64_t function;           /* equal where the call site lies in the same function */
    bool guessed;                /* where a frame of it leads was guessed: TRACE_NODE_GUESSED */
    enum growth_owner owner;
};

void stacks_name(struct stacks *stacks, uint32_t stack, struct named_stack *out);
void stacks_release(struct stacks *stacks);

#endif
