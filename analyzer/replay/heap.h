/*
 * The live blocks of a replayed process: a pool of them, and a map from address to block.
 *
 * Blocks are numbered from 1 and stay where they are until freed, so pointers to them keep. The map is open addressing
 * with linear probing and backward shift, 8 bytes an entry: a block costs its struct and about a dozen bytes.
 */
#ifndef REPLAY_HEAP_H
#define REPLAY_HEAP_H

#include "../analysis/analysis.h"

#define HEAP_EXTENT 4096u
/* gcc 12 drops calls of functions that do nothing but prefetch; what is inlined early it keeps. */
#define HEAP_HINT static inline __attribute__((always_inline))

struct heap_entry {
    uint32_t block; /* 0: free */
    uint32_t hash;
};

struct heap {
    struct block **extents;
    size_t extent_count;
    uint32_t unused; /* head of the list of freed blocks, linked through `stack` */
    uint32_t next;   /* never used so far */
    struct heap_entry *entries;
    size_t capacity, used; /* capacity is a power of two */
    unsigned shift;        /* of a hash to its home */
};

/* 0 or -ENOMEM. */
int heap_begin(struct heap *heap);
void heap_end(struct heap *heap);

static inline struct block *heap_block(const struct heap *heap, uint32_t index) {
    return &heap->extents[index / HEAP_EXTENT][index % HEAP_EXTENT];
}

/* For heap_new. */
struct block *heap_extend(struct heap *heap, uint32_t *index);

/* A block of undefined content, and its number; NULL: out of memory. */
static inline struct block *heap_new(struct heap *heap, uint32_t *index) {
    if (!heap->unused) return heap_extend(heap, index);
    struct block *block = heap_block(heap, heap->unused);
    *index = heap->unused;
    heap->unused = block->stack;
    __builtin_prefetch(heap_block(heap, heap->unused), 1);
    return block;
}

/* `block` is the one with this number. */
static inline void heap_put_back(struct heap *heap, uint32_t index, struct block *block) {
    block->stack = heap->unused;
    block->address = 0;
    heap->unused = index;
}

static inline void heap_drop(struct heap *heap, uint32_t index) { heap_put_back(heap, index, heap_block(heap, index)); }
/* The live block with the next number after *cursor, NULL at the end. */
const struct block *heap_next(const struct heap *heap, size_t *cursor);

static inline uint32_t heap_hash(uint64_t address) { return (uint32_t)((address * 0x9e3779b97f4a7c15u) >> 32); }

HEAP_HINT void heap_prefetch(const struct heap *heap, uint64_t address) {
    __builtin_prefetch(&heap->entries[heap_hash(address) >> heap->shift]);
}

/* Follows up on heap_prefetch some time later: the block itself. */
HEAP_HINT void heap_prefetch_block(const struct heap *heap, uint64_t address) {
    uint32_t hash = heap_hash(address);
    const struct heap_entry *entry = &heap->entries[hash >> heap->shift];
    if (entry->block && entry->hash == hash) __builtin_prefetch(heap_block(heap, entry->block));
}

/* Enters a block under its address. *old becomes the block that was there, 0 if none. 0 or -ENOMEM. */
int heap_insert(struct heap *heap, uint32_t index, uint32_t *old);
/* Takes the block at this address out of the map and returns it, 0 if there is none. */
uint32_t heap_remove(struct heap *heap, uint64_t address);

#endif
