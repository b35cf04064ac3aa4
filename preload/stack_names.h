/*
 * Names of stacks: the frames that a walk kept become nodes of the trie (stackid.h). Of a stack deeper than the limit
 * the outermost quarter and the innermost frames have nodes, and the first of those says that some are left out.
 * Contexts as in unwind.h.
 */
#ifndef PRELOAD_STACK_NAMES_H
#define PRELOAD_STACK_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct walker;

/* Nodes for the kept frames [from, depth), at most `limit` for the stack. Returns false when the trie is full. */
bool stack_names_give(struct walker *walker, uint32_t from, uint32_t depth, uint32_t limit);

/*
 * The node of a stack whose end is too far: of its innermost fresh frames, cut at a place that does not move with the
 * leaf; 0 when the trie is full. Nothing is kept.
 */
uint32_t stack_names_bottomless(struct walker *walker, uint32_t limit);

#endif
