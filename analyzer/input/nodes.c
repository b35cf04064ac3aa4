/*
 * Reads stack nodes from frames and slots. See nodes.h.
 */
#include "nodes.h"

#include <errno.h>
#include <stdlib.h>

#include "../../include/trace_wire.h"

/* Nodes of a frame as its header says, 0 where that is impossible. */
static uint32_t node_count(const struct trace_frame *frame, size_t length) {
    if (frame->end <= frame->first || frame->end > UINT32_MAX) return 0;
    uint64_t count = frame->end - frame->first;
    return count <= length ? (uint32_t)count : 0; /* three bytes a node at least */
}

static bool skip_varints(struct wire_reader *r, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) wire_get_varint(r);
    return !r->failed;
}

int nodes_decode(const struct trace_frame *frame, const uint8_t *bytes, size_t length, node_taker *take,
                 void *context) {
    uint32_t count = node_count(frame, length);
    struct wire_reader parents = wire_reader(bytes, length), ips = parents;
    if (!count || !skip_varints(&ips, count)) return -EBADMSG;
    struct wire_reader infos = ips;
    if (!skip_varints(&infos, count)) return -EBADMSG;
    uint64_t ip = 0, info = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t id = (uint32_t)frame->first + i;
        uint64_t below = wire_get_varint(&parents);
        ip += (uint64_t)wire_get_signed(&ips);
        info += (uint64_t)wire_get_signed(&infos);
        if (infos.failed || (ip && (!below || below > id))) return -EBADMSG;
        take(context, id, &(struct stack_node){ip, (uint32_t)(id - below), (uint32_t)info});
    }
    return 0;
}

static struct stack_node *extent_of(struct stack_nodes *nodes, uint32_t id) {
    size_t extent = id / TRACE_NODES_PER_SLOT;
    if (extent >= nodes->extent_count) {
        struct stack_node **grown = realloc(nodes->extents, (extent + 1) * sizeof *grown);
        if (!grown) return NULL;
        nodes->extents = grown;
        while (nodes->extent_count <= extent) grown[nodes->extent_count++] = NULL;
    }
    if (!nodes->extents[extent]) nodes->extents[extent] = calloc(TRACE_NODES_PER_SLOT, sizeof **nodes->extents);
    return nodes->extents[extent];
}

/*
 * Ids are given out without gaps, so there are as many as frames and slots can hold, and what was lost with bad places.
 */
static uint64_t ids_given_out(const struct trace_input *input) {
    uint64_t lost = input->damage.gap_bytes < input->stored ? input->damage.gap_bytes : input->stored;
    uint64_t ids = 2 * TRACE_NODES_PER_SLOT + lost;
    for (size_t i = 0; i < input->frame_count; i++) {
        const struct trace_frame *frame = &input->frames[i].frame;
        uint64_t count = frame->end > frame->first ? frame->end - frame->first : 0;
        if (count > frame->raw_length) count = frame->raw_length;
        if (frame->kind == TRACE_FRAME_NODES && !input->frames[i].refused) ids += count;
        if (frame->kind == TRACE_FRAME_SLOT_NODES) ids += TRACE_NODES_PER_SLOT;
    }
    return ids;
}

static void keep(void *context, uint32_t id, const struct stack_node *node) {
    struct stack_nodes *nodes = context;
    struct stack_node *extent = node->ip && id < nodes->limit ? extent_of(nodes, id) : NULL;
    if (!extent || extent[id % TRACE_NODES_PER_SLOT].ip) return;
    extent[id % TRACE_NODES_PER_SLOT] = *node;
    nodes->written++;
    if (id >= nodes->count) nodes->count = id + 1;
}

static void read_slot(struct stack_nodes *nodes, const struct trace_frame *frame, const struct payload *payload) {
    struct wire_reader r = wire_reader(payload->bytes, payload->length);
    if (frame->first > UINT32_MAX - TRACE_NODES_PER_SLOT) return;
    for (uint32_t id = (uint32_t)frame->first; wire_left(&r) >= TRACE_NODE_SIZE; id++) {
        struct stack_node node = {.ip = wire_get_u64(&r)};
        node.parent = wire_get_u32(&r);
        node.info = wire_get_u32(&r);
        if (node.parent < id) keep(nodes, id, &node);
    }
}

static void read_kind(struct stack_nodes *nodes, const struct trace_input *input, uint16_t kind) {
    struct payload payload = {0};
    for (size_t i = 0; i < input->frame_count; i++) {
        const struct frame_entry *entry = &input->frames[i];
        if (entry->frame.kind != kind) continue;
        if (reader_payload(input, entry, &payload)) nodes->bad_frames++;
        else if (kind == TRACE_FRAME_SLOT_NODES) read_slot(nodes, &entry->frame, &payload);
        else if (nodes_decode(&entry->frame, payload.bytes, payload.length, keep, nodes)) nodes->bad_frames++;
    }
    payload_release(&payload);
}

int nodes_read(struct stack_nodes *nodes, const struct trace_input *input) {
    *nodes = (struct stack_nodes){.limit = ids_given_out(input)};
    read_kind(nodes, input, TRACE_FRAME_NODES);
    read_kind(nodes, input, TRACE_FRAME_SLOT_NODES);
    return 0;
}

void nodes_release(struct stack_nodes *nodes) {
    for (size_t i = 0; i < nodes->extent_count; i++) free(nodes->extents[i]);
    free(nodes->extents);
    *nodes = (struct stack_nodes){0};
}
