/*
 * Kept frames get nodes of the trie, through the thread's hints (stack_names.h).
 */
#include "stack_names.h"

#include "../include/trace_format.h"
#include "stackid.h"
#include "walker.h"

enum { ANCHOR_SHIFT = 16 }; /* a stack without a known end is cut where it crosses a multiple of 64 KB */

/*
 * Frames between the outermost quarter and the innermost are left out a block at a time, so that a stack keeps its path
 * while it grows by less than a block.
 */
static uint32_t head_length(uint32_t limit) { return limit / 4; }

static inline uint32_t frames_to_drop(uint32_t depth, uint32_t limit) {
    if (likely(depth <= limit)) return 0;
    uint32_t block = limit / 4 ? limit / 4 : 1;
    return (depth - limit + block - 1) / block * block;
}

static inline bool is_hint_of(const struct node_hint *hint, uint32_t parent, const struct kept *kept) {
    return hint->ip == kept->ip && hint->parent == parent && hint->info == kept->info;
}

static uint32_t look_up_node(struct walker *w, uint32_t parent, const struct kept *kept) {
    uint32_t node = stackid_child(parent, kept->ip, kept->info, kept->path);
    count_miss(&w->nodes_spread, NODE_HINTS);
    if (node) *node_hint_of(w, kept->path) = (struct node_hint){kept->ip, parent, kept->info, node};
    return node;
}

/*
 * Nodes for the frames [from, depth), whose parent is `node`, where the hint of the first fails. Returns false when the
 * trie is full.
 */
static __attribute__((noinline)) bool look_up_frames(struct walker *w, uint32_t from, uint32_t depth, uint32_t node) {
    for (uint32_t i = from; i < depth; i++) stackid_expect(w->kept[i].path);
    for (uint32_t i = from; i < depth; i++) {
        struct kept *kept = &w->kept[i];
        const struct node_hint *hint = node_hint_of(w, kept->path);
        node = kept->node = is_hint_of(hint, node, kept) ? hint->node : look_up_node(w, node, kept);
        if (unlikely(!node)) return false;
    }
    return true;
}

/* Nodes for the frames [from, depth). Returns false when the trie is full. */
static inline bool name_frames(struct walker *w, uint32_t from, uint32_t depth) {
    uint32_t node = from ? w->kept[from - 1].node : 0;
    for (uint32_t i = from; i < depth; i++) {
        struct kept *kept = &w->kept[i];
        const struct node_hint *hint = node_hint_of(w, kept->path);
        if (unlikely(!is_hint_of(hint, node, kept))) return look_up_frames(w, i, depth, node);
        node = kept->node = hint->node;
    }
    return true;
}

/* Once more, where other frames are left out than when they were kept. */
static void hash_paths(struct walker *w, uint32_t from, uint32_t depth) {
    for (uint32_t i = from; i < depth; i++) w->kept[i].path = stackid_path(i ? w->kept[i - 1].path : 0, w->kept[i].ip);
}

static slow_path bool name_cut_frames(struct walker *w, uint32_t from, uint32_t depth, uint32_t dropped,
                                      uint32_t head) {
    uint32_t first = head + dropped;
    if (dropped != w->dropped && from > head) from = head;
    w->dropped = dropped;
    if (!dropped) hash_paths(w, from, depth);
    if (!dropped || from > first) return name_frames(w, from, depth);
    if (from < head && !name_frames(w, from, head)) return false;
    uint32_t parent = head ? w->kept[head - 1].node : 0;
    struct kept *inner = &w->kept[first];
    inner->path = stackid_path(head ? w->kept[head - 1].path : 0, inner->ip);
    inner->node = stackid_child(parent, inner->ip, inner->info | TRACE_NODE_CUT, inner->path);
    hash_paths(w, first + 1, depth);
    return inner->node && name_frames(w, first + 1, depth);
}

bool stack_names_give(struct walker *w, uint32_t from, uint32_t depth, uint32_t limit) {
    uint32_t dropped = frames_to_drop(depth, limit);
    if (likely(!dropped && !w->dropped)) return name_frames(w, from, depth);
    return name_cut_frames(w, from, depth, dropped, head_length(limit));
}

slow_path uint32_t stack_names_bottomless(struct walker *w, uint32_t limit) {
    uint32_t last = w->found < limit ? w->found - 1 : limit - 1;
    uint32_t place = last;
    while (place > last / 2 && w->fresh[place].at.sp >> ANCHOR_SHIFT == w->fresh[place - 1].at.sp >> ANCHOR_SHIFT)
        place--;
    if (place == last / 2) place = last;
    uint32_t node = 0, flags = TRACE_NODE_PARTIAL | TRACE_NODE_CUT;
    uint64_t path = 0;
    for (uint32_t i = place + 1; i-- > 0; flags = 0) {
        const struct fresh *fresh = &w->fresh[i];
        path = stackid_path(path, fresh->at.ip);
        node = stackid_child(node, fresh->at.ip, fresh->rule.module | flags | (fresh->at.exact ? TRACE_NODE_SIGNAL : 0),
                             path);
        if (!node) break;
    }
    walker_forget(w);
    return node;
}
