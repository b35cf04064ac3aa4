/* Slots of stack nodes (nodes.h). */
#include "nodes.h"

#include "file.h"
#include "lock.h"
#include "stackid.h"

#include <string.h>

enum { EXTENTS = 1024 };

static struct {
    struct lock lock; /* of who makes a slot */
    struct file_slot slots[EXTENTS];
} nodes;

void nodes_start(void) { memset(&nodes, 0, sizeof nodes); }

void *nodes_extent(uint32_t first) {
    uint32_t index = first / TRACE_NODES_PER_SLOT;
    if (index >= EXTENTS) return NULL;
    struct file_slot *slot = &nodes.slots[index];
    uint64_t signals = signals_block();
    lock_take(&nodes.lock);
    if (!slot->memory) file_slot(TRACE_FRAME_SLOT_NODES, first, (size_t)TRACE_NODES_PER_SLOT * TRACE_NODE_SIZE, slot);
    lock_give(&nodes.lock);
    signals_restore(signals);
    return slot->memory;
}

const uint8_t *nodes_at(uint32_t id) {
    uint32_t slot = id / TRACE_NODES_PER_SLOT;
    if (slot >= EXTENTS || !nodes.slots[slot].memory) return NULL;
    return nodes.slots[slot].memory + (size_t)(id % TRACE_NODES_PER_SLOT) * TRACE_NODE_SIZE;
}

void nodes_punch(void) {
    for (uint32_t i = 0; i < EXTENTS && nodes.slots[i].memory; i++) file_punch(&nodes.slots[i]);
}

void nodes_punch_unused(void) {
    uint64_t used = (uint64_t)stackid_count() % TRACE_NODES_PER_SLOT * TRACE_NODE_SIZE;
    uint32_t last = stackid_count() / TRACE_NODES_PER_SLOT;
    uint64_t whole = (used + TRACE_PAGE - 1) & ~(uint64_t)(TRACE_PAGE - 1);
    const struct file_slot *slot = &nodes.slots[last];
    if (last >= EXTENTS || !slot->memory || whole >= slot->length) return;
    const struct file_slot rest = {NULL, slot->offset + whole, slot->length - whole};
    file_punch(&rest);
}

bool nodes_reserve(void) {
    for (uint32_t i = 0; i < EXTENTS && nodes.slots[i].memory; i++)
        if (file_reserve(&nodes.slots[i]) != 0) return false;
    return true;
}
