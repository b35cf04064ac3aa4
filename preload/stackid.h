/*
 * The stack trie: (parent, ip) -> dense 32-bit id, shared by all threads. Node 0 is the root (below the outermost
 * frame).
 *
 * Lock-free and async-signal-safe: one compare-and-swap of 16 bytes writes a node and gives out its id, another
 * publishes it. So no id is without its node, whoever is interrupted or killed. A lost race leaves an unused duplicate,
 * never a wrong answer. Nodes live in the trace file's nodes slots, so they survive the death of the process. A node of
 * a module that has gone never matches again.
 */
#ifndef PRELOAD_STACKID_H
#define PRELOAD_STACKID_H

#include <stdint.h>

/*
 * Supplied by the owner of the file: zeroed memory of one nodes slot for ids [first, first + TRACE_NODES_PER_SLOT), or
 * NULL. Threads that ask for the same one get the same.
 */
typedef void *(*stackid_extent)(uint32_t first);

/* Starts an empty trie. Returns 0 or -errno. */
int stackid_start(stackid_extent extent);

/* In the child of a fork, whose nodes are not mapped any more: there are none until the start. */
void stackid_forget(void);

/*
 * The hash of the frames from the outermost to this one, by which the trie finds its node: known before the parent's id
 * is, so that a new stack's places in the table can be asked for all at once, where each would be waited for. The
 * root's is 0.
 */
static inline uint64_t stackid_path(uint64_t parent, uint64_t ip) { return (parent ^ ip) * 0x9e3779b97f4a7c15ull; }

/* That stackid_child will soon be called with this path. */
void stackid_expect(uint64_t path);

/*
 * `ip` is not 0; `info` is the module field of the node (module id and TRACE_NODE_ flags); `path` is stackid_path of
 * the parent's path and `ip`. Returns the id; 0 when no memory is left.
 */
uint32_t stackid_child(uint32_t parent, uint64_t ip, uint32_t info, uint64_t path);

/* All ids below it are given out and their nodes written. */
uint32_t stackid_count(void);

/* The node's fields; returns 0, or -ENOENT where there is none. */
int stackid_node(uint32_t id, uint64_t *ip, uint32_t *parent, uint32_t *info);

#endif
