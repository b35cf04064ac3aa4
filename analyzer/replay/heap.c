/*
 * Live blocks by address. See heap.h. Deletion shifts later entries back (Knuth, vol. 3, 6.4, algorithm R), so there
 * are no tombstones and a long replay stays as fast as a short one.
 */
#include "heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST_BITS 12u
#define HUGE ((size_t)2 << 20)

/* Looked up all over: in large pages where the system gives them. */
static void *large_memory(size_t size) {
    size_t alignment = size < HUGE ? 64 : HUGE;
    void *memory = aligned_alloc(alignment, size);
    if (memory && size >= HUGE) madvise(memory, size, MADV_HUGEPAGE);
    return memory;
}

static int set_capacity(struct heap *heap, unsigned bits) {
    heap->capacity = (size_t)1 << bits;
    heap->shift = 32 - bits;
    heap->entries = large_memory(heap->capacity * sizeof *heap->entries);
    if (!heap->entries) return -ENOMEM;
    memset(heap->entries, 0, heap->capacity * sizeof *heap->entries);
    return 0;
}

int heap_begin(struct heap *heap) {
    *heap = (struct heap){.next = 1};
    return set_capacity(heap, FIRST_BITS);
}

void heap_end(struct heap *heap) {
    for (size_t i = 0; i < heap->extent_count; i++) free(heap->extents[i]);
    free(heap->extents);
    free(heap->entries);
    *heap = (struct heap){0};
}

static int add_extent(struct heap *heap) {
    struct block **grown = realloc(heap->extents, (heap->extent_count + 1) * sizeof *grown);
    if (!grown) return -ENOMEM;
    heap->extents = grown;
    grown[heap->extent_count] = large_memory(HEAP_EXTENT * sizeof **grown);
    if (!grown[heap->extent_count]) return -ENOMEM;
    heap->extent_count++;
    return 0;
}

struct block *heap_extend(struct heap *heap, uint32_t *index) {
    if (heap->next / HEAP_EXTENT >= heap->extent_count && add_extent(heap)) return NULL;
    *index = heap->next++;
    return heap_block(heap, *index);
}

static inline size_t next_slot(const struct heap *heap, size_t at) { return (at + 1) & (heap->capacity - 1); }

const struct block *heap_next(const struct heap *heap, size_t *cursor) {
    while (++*cursor < heap->next) {
        const struct block *block = heap_block(heap, (uint32_t)*cursor);
        if (block->address) return block;
    }
    return NULL;
}

/* Where the address is, or the free slot where it would go. */
static size_t slot_of(const struct heap *heap, uint64_t address, uint32_t hash) {
    size_t at = hash >> heap->shift;
    for (;; at = next_slot(heap, at)) {
        const struct heap_entry *entry = &heap->entries[at];
        if (!entry->block) return at;
        if (entry->hash == hash && heap_block(heap, entry->block)->address == address) return at;
    }
}

static int grow(struct heap *heap) {
    struct heap_entry *old = heap->entries;
    size_t count = heap->capacity;
    if (heap->shift <= 1) return -ENOMEM;
    if (set_capacity(heap, 32 - heap->shift + 1)) {
        heap->entries = old;
        heap->capacity = count;
        heap->shift++;
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        if (!old[i].block) continue;
        size_t at = old[i].hash >> heap->shift;
        while (heap->entries[at].block) at = next_slot(heap, at);
        heap->entries[at] = old[i];
    }
    free(old);
    return 0;
}

int heap_insert(struct heap *heap, uint32_t index, uint32_t *old) {
    *old = 0;
    if (heap->used >= heap->capacity / 4 * 3 && grow(heap)) return -ENOMEM;
    uint64_t address = heap_block(heap, index)->address;
    uint32_t hash = heap_hash(address);
    struct heap_entry *entry = &heap->entries[slot_of(heap, address, hash)];
    *old = entry->block;
    heap->used += !entry->block;
    *entry = (struct heap_entry){index, hash};
    return 0;
}

static void close_gap(struct heap *heap, size_t gap) {
    size_t mask = heap->capacity - 1;
    for (size_t at = next_slot(heap, gap); heap->entries[at].block; at = next_slot(heap, at)) {
        size_t home = heap->entries[at].hash >> heap->shift;
        if (((at - home) & mask) < ((at - gap) & mask)) continue; /* its home lies behind the gap */
        heap->entries[gap] = heap->entries[at];
        gap = at;
    }
    heap->entries[gap].block = 0;
}

uint32_t heap_remove(struct heap *heap, uint64_t address) {
    size_t at = slot_of(heap, address, heap_hash(address));
    uint32_t block = heap->entries[at].block;
    if (!block) return 0;
    heap->used--;
    close_gap(heap, at);
    return block;
}
