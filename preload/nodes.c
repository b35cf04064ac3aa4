/* Stack nodes into frames (nodes.h): three columns, so that like values stand together. */
#include "nodes.h"

#include "../include/trace_wire.h"
#include "file.h"
#include "lock.h"
#include "stackid.h"

#include <string.h>

enum { EXTENTS = 1024, NODES_PER_FRAME = 8192 };

static struct {
    struct file_slot slots[EXTENTS];
    uint32_t drained;
} nodes = {.drained = 1};

void nodes_start(void) {
    memset(&nodes, 0, sizeof nodes);
    nodes.drained = 1;
}

void *nodes_extent(uint32_t first) {
    uint32_t slot = first / TRACE_NODES_PER_SLOT;
    if (slot >= EXTENTS) return NULL;
    uint64_t signals = signals_block();
    int error =
        file_slot(TRACE_FRAME_SLOT_NODES, 0, first, (size_t)TRACE_NODES_PER_SLOT * TRACE_NODE_SIZE, &nodes.slots[slot]);
    signals_restore(signals);
    return error ? NULL : nodes.slots[slot].memory;
}

/* parent, ip and info of a node; a node not yet written has parent 0, ip 0. */
struct node {
    uint64_t ip;
    uint32_t parent, info;
};
static struct node node_at(uint32_t id) {
    struct node node = {0, id, 0};
    if (stackid_node(id, &node.ip, &node.parent, &node.info) != 0) node = (struct node){0, id, 0};
    return node;
}

static void put_parents(struct wire_writer *w, uint32_t first, uint32_t end) {
    for (uint32_t id = first; id < end; id++) wire_put_varint(w, id - node_at(id).parent);
}
static void put_ips(struct wire_writer *w, uint32_t first, uint32_t end) {
    uint64_t previous = 0;
    for (uint32_t id = first; id < end; id++) {
        uint64_t ip = node_at(id).ip;
        wire_put_signed(w, (int64_t)(ip - previous));
        previous = ip;
    }
}
static void put_infos(struct wire_writer *w, uint32_t first, uint32_t end) {
    uint32_t previous = 0;
    for (uint32_t id = first; id < end; id++) {
        uint32_t info = node_at(id).info;
        wire_put_signed(w, (int64_t)info - previous);
        previous = info;
    }
}

/* Ends before the first node that its thread has reserved but not yet written, unless it stays so: then it is a hole. */
static uint32_t written_until(uint32_t first, uint32_t end) {
    uint64_t ip;
    uint32_t parent, info;
    for (uint32_t id = first; id < end; id++)
        for (unsigned tries = 0; stackid_node(id, &ip, &parent, &info) != 0; tries++) {
            if (tries == 100) return id == first ? first + 1 : id;
            sys_yield();
        }
    return end;
}

size_t nodes_pending(uint8_t *raw, size_t capacity, uint64_t *first, uint32_t *end) {
    uint32_t count = stackid_count();
    if (nodes.drained >= count) return 0;
    *first = nodes.drained;
    *end = count - nodes.drained > NODES_PER_FRAME ? nodes.drained + NODES_PER_FRAME : count;
    *end = written_until(nodes.drained, *end);
    struct wire_writer w = wire_writer(raw, capacity);
    put_parents(&w, nodes.drained, *end);
    put_ips(&w, nodes.drained, *end);
    put_infos(&w, nodes.drained, *end);
    return w.failed ? 0 : (size_t)(w.at - raw);
}

void nodes_drained(uint32_t end) { nodes.drained = end; }

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
