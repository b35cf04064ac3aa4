/*
 * The stack trie of a trace: from a stack id to its frames (FORMAT.md §7).
 *
 * Memory follows the ids that were written, in extents of one nodes slot. A parent is always below its child, so a walk
 * ends; a node that was not written (or was lost) ends it too, and the caller sees it as an unknown stack.
 */
#ifndef INPUT_NODES_H
#define INPUT_NODES_H

#include "reader.h"

struct stack_node {
    uint64_t ip; /* 0: not written */
    uint32_t parent;
    uint32_t info; /* module id and TRACE_NODE_ flags */
};

struct stack_nodes {
    struct stack_node **extents; /* TRACE_NODES_PER_SLOT each */
    size_t extent_count;
    uint32_t count; /* ids are below it */
    uint64_t limit; /* ids from here on can't have been given out */
    uint64_t written;
    uint64_t bad_frames;
};

/* Nodes frames first, then what only the slots have. 0 or -ENOMEM. */
int nodes_read(struct stack_nodes *nodes, const struct trace_input *input);
void nodes_release(struct stack_nodes *nodes);

/* NULL where the node is not known. */
static inline const struct stack_node *nodes_get(const struct stack_nodes *nodes, uint32_t id) {
    uint32_t extent = id / TRACE_NODES_PER_SLOT;
    if (!id || extent >= nodes->extent_count || !nodes->extents[extent]) return NULL;
    const struct stack_node *node = &nodes->extents[extent][id % TRACE_NODES_PER_SLOT];
    return node->ip ? node : NULL;
}

/* Decodes the payload of a nodes frame; gives each node to `take`. 0 or -EBADMSG (what came before is then given). */
typedef void node_taker(void *context, uint32_t id, const struct stack_node *node);
int nodes_decode(const struct trace_frame *frame, const uint8_t *bytes, size_t length, node_taker *take, void *context);

#endif
