/*
 * Draining (drain.h). A ring's words are released only when their frame is in the file, and the journal and the nodes
 * that events refer to are written first.
 */
#include "drain.h"

#include "../include/trace_wire.h"
#include "append.h"
#include "columns.h"
#include "deflate.h"
#include "journal.h"
#include "packing.h"
#include "plain.h"
#include "sys.h"

#include <errno.h>
#include <string.h>

enum {
    RAW_SMALL = 192 << 10, /* of a nodes or journal frame, at most */
    NODES_PER_FRAME = 8192,
    PACKED_FROM = 16 << 10,
    PLAIN_FRAMES = 31 /* between two looks at what others cost */
};

struct drain {
    struct columns *columns;
    void *deflate;
    uint8_t *payload, *packed; /* columns_bound() and a little more */
    uint8_t *raw;              /* RAW_SMALL */
    uint64_t *edges;           /* DRAIN_EDGES */
    unsigned level;
    struct packing packing;
    size_t stored; /* unpacked, before zlib is set up */
    bool zlib;     /* is set up */
};

/* ---- memory ---- */

static size_t round_up(size_t length) { return (length + 63) & ~(size_t)63; }
static size_t packed_bound(void) { return columns_bound() + columns_bound() / 512 + 4096; }

enum { PART_SELF, PART_COLUMNS, PART_DEFLATE, PART_PAYLOAD, PART_PACKED, PART_RAW, PART_EDGES, PARTS };

static size_t part_size(unsigned part) {
    switch (part) {
    case PART_SELF: return round_up(sizeof(struct drain));
    case PART_COLUMNS: return round_up(columns_size());
    case PART_DEFLATE: return round_up(deflate_size());
    case PART_PAYLOAD: return round_up(columns_bound());
    case PART_PACKED: return round_up(packed_bound());
    case PART_RAW: return RAW_SMALL;
    default: return DRAIN_EDGES * sizeof(uint64_t);
    }
}

size_t drain_size(void) {
    size_t total = 0;
    for (unsigned part = 0; part < PARTS; part++) total += part_size(part);
    return total;
}

int drain_init(struct drain *drain, unsigned level) {
    uint8_t *at[PARTS], *memory = (uint8_t *)drain;
    for (unsigned part = 0; part < PARTS; part++) {
        at[part] = memory;
        memory += part_size(part);
    }
    *drain = (struct drain){(struct columns *)at[PART_COLUMNS],
                            at[PART_DEFLATE],
                            at[PART_PAYLOAD],
                            at[PART_PACKED],
                            at[PART_RAW],
                            (uint64_t *)at[PART_EDGES],
                            level,
                            {0},
                            0,
                            false};
    return level > 9 ? -EINVAL : 0;
}

/* ---- slots ---- */

static _Atomic uint64_t *slot_word(uint8_t *slot, enum trace_slot_offset at) { return (_Atomic uint64_t *)(slot + at); }
static _Atomic uint32_t *slot_half(uint8_t *slot, enum trace_slot_offset at) { return (_Atomic uint32_t *)(slot + at); }
static uint64_t tail_of(uint8_t *slot) {
    return atomic_load_explicit(slot_word(slot, TRACE_SLOT_AT_TAIL), memory_order_relaxed);
}
/* Acquire: pairs with the release of whoever wrote what lies below. */
static uint64_t head_of(uint8_t *slot) {
    return atomic_load_explicit(slot_word(slot, TRACE_SLOT_AT_HEAD), memory_order_acquire);
}
/* Release: the frame is in the file before its bytes may be overwritten. */
static void release(uint8_t *slot, uint64_t tail) {
    atomic_store_explicit(slot_word(slot, TRACE_SLOT_AT_TAIL), tail, memory_order_release);
}
/*
 * The thread that fills the ring may wait for that (writer.c). Whoever exchanges the word second sees what the first
 * did.
 */
static void give_room(uint8_t *ring, uint64_t tail) {
    _Atomic uint32_t *awaited = slot_half(ring, TRACE_SLOT_AT_AWAITED);
    release(ring, tail);
    if (atomic_exchange(awaited, 0)) sys_futex_wake_shared(awaited, 1);
}
bool drain_is_empty(uint8_t *slot) { return head_of(slot) == tail_of(slot); }

/* ---- frames ---- */

/* Fills the frame's lengths and codec; returns what to store: the `packed` bytes where they are fewer, not none. */
static const uint8_t *choose_codec(struct drain *d, struct trace_frame *frame, const uint8_t *raw, size_t length,
                                   size_t packed) {
    bool smaller = packed && packed < length;
    frame->raw_length = (uint32_t)length;
    frame->stored_length = (uint32_t)(smaller ? packed : length);
    frame->codec = smaller ? TRACE_CODEC_DEFLATE : TRACE_CODEC_NONE;
    return smaller ? d->packed : raw;
}

/*
 * Whether zlib is to try. Its set-up and first tables are a tenth of what a short process pays, for a few kilobytes:
 * they wait until there is more.
 */
static bool is_packed(struct drain *d, size_t length) {
    d->stored += length;
    if (d->level && !d->zlib && d->stored >= PACKED_FROM) d->zlib = deflate_init(d->deflate, (int)d->level) == 0;
    return d->zlib;
}

static const uint8_t *pack(struct drain *d, struct trace_frame *frame, const uint8_t *raw, size_t length) {
    size_t packed = is_packed(d, length) ? deflate_bytes(d->deflate, raw, length, d->packed, packed_bound()) : 0;
    return choose_codec(d, frame, raw, length, packed);
}

static const uint8_t *pack_columns(struct drain *d, struct trace_frame *frame, const struct columns_output *out) {
    size_t packed = 0;
    if (!(frame->flags & TRACE_FRAME_PLAIN) && is_packed(d, out->bytes))
        packed = packing_pack(&d->packing, d->deflate, d->payload, out->bytes, out->column, d->packed, packed_bound());
    return choose_codec(d, frame, d->payload, out->bytes, packed);
}

/* Bytes of the journal that no frame holds yet, into `out`. */
static size_t copy_journal(uint8_t *slot, uint8_t *out, uint64_t *first, uint64_t *end) {
    *first = tail_of(slot);
    *end = head_of(slot);
    size_t length = (size_t)(*end - *first), at = *first % JOURNAL_BYTES_MAX;
    if (length > JOURNAL_BYTES_MAX) return 0;
    size_t part = JOURNAL_BYTES_MAX - at < length ? JOURNAL_BYTES_MAX - at : length;
    memcpy(out, slot + TRACE_SLOT_CONTROL + at, part);
    memcpy(out + part, slot + TRACE_SLOT_CONTROL, length - part);
    return length;
}

static int append_journal(struct drain *d, const struct drain_host *host) {
    struct trace_frame frame = {.kind = TRACE_FRAME_RECORDS};
    if (!host->journal) return 0;
    size_t length = copy_journal(host->journal, d->raw, &frame.first, &frame.end);
    if (!length) return 0;
    frame.first_stamp = frame.last_stamp = host->stamp();
    int error = host->append(host->self, &frame, pack(d, &frame, d->raw, length));
    if (!error) release(host->journal, frame.end);
    return error;
}

/* ---- stack nodes ---- */

struct node {
    uint64_t ip;
    uint32_t parent, info;
};

/* Nodes are written before their ids count; where the slot can't be reached, there is none (ip 0). */
static struct node node_at(const struct drain_host *host, uint32_t id) {
    const uint8_t *at = host->node(host->self, id);
    if (!at) return (struct node){0, id, 0};
    return (struct node){*(const uint64_t *)(at + TRACE_NODE_AT_IP), *(const uint32_t *)(at + TRACE_NODE_AT_PARENT),
                         *(const uint32_t *)(at + TRACE_NODE_AT_MODULE)};
}

static size_t put_nodes(const struct drain_host *host, uint32_t first, uint32_t end, uint8_t *raw) {
    struct wire_writer w = wire_writer(raw, RAW_SMALL);
    for (uint32_t id = first; id < end; id++) wire_put_varint(&w, id - node_at(host, id).parent);
    struct node node, previous = {0, 0, 0};
    for (uint32_t id = first; id < end; id++, previous = node) {
        node = node_at(host, id);
        wire_put_signed(&w, (int64_t)(node.ip - previous.ip));
    }
    previous = (struct node){0, 0, 0};
    for (uint32_t id = first; id < end; id++, previous = node) {
        node = node_at(host, id);
        wire_put_signed(&w, (int64_t)node.info - previous.info);
    }
    return w.failed ? 0 : (size_t)(w.at - raw);
}

static int append_nodes(struct drain *d, const struct drain_host *host) {
    _Atomic uint32_t *drained = header_half(host->header, TRACE_AT_NODES_DRAINED);
    for (uint32_t count = host->nodes(host->self);;) {
        uint32_t first = atomic_load_explicit(drained, memory_order_relaxed), end = count;
        if (first >= count) return 0;
        if (end - first > NODES_PER_FRAME) end = first + NODES_PER_FRAME;
        struct trace_frame frame = {.kind = TRACE_FRAME_NODES, .first = first, .end = end, .count = end - first};
        size_t length = put_nodes(host, first, end, d->raw);
        if (!length) return 0;
        frame.first_stamp = frame.last_stamp = host->stamp();
        int error = host->append(host->self, &frame, pack(d, &frame, d->raw, length));
        if (error) return error;
        atomic_store_explicit(drained, end, memory_order_relaxed);
    }
}

int drain_shared(struct drain *d, const struct drain_host *host) {
    int error = host->lock(host->self);
    if (error) return error;
    error = append_journal(d, host);
    if (!error) error = append_nodes(d, host);
    host->unlock(host->self);
    return error;
}

/* ---- rings ---- */

static int find_edges(struct drain *d, const struct drain_host *host, struct columns_input *in) {
    long count = host->edges(host->self, in->ring[(in->first + 1) & in->mask], d->edges);
    in->all_edges = count == -EOVERFLOW;
    if (count < 0 && !in->all_edges) return (int)count;
    in->edges = d->edges;
    in->edge_count = in->all_edges ? 0 : (size_t)count;
    return 0;
}

static int append_events(struct drain *d, const struct drain_host *host, struct trace_frame *frame,
                         const struct columns_output *out) {
    const uint8_t *stored = pack_columns(d, frame, out);
    int error = host->lock(host->self);
    if (error) return error;
    error = host->append(host->self, frame, stored);
    host->unlock(host->self);
    return error;
}

/*
 * Whether the next frame is to be a plain one: for a thread that fills its ring faster than it is emptied, with events
 * that columns need more than one and a half bytes for. Now and then one is not, to see what it costs and whether there
 * still is a hurry.
 */
static bool is_plain(uint8_t *slot) {
    _Atomic uint32_t *plain = slot_half(slot, TRACE_SLOT_AT_PLAIN);
    uint32_t left = atomic_load_explicit(plain, memory_order_relaxed);
    if (left) atomic_store_explicit(plain, left - 1, memory_order_relaxed);
    return left;
}
void drain_plan_plain(uint8_t *slot) {
    atomic_store_explicit(slot_half(slot, TRACE_SLOT_AT_PLAIN), PLAIN_FRAMES, memory_order_relaxed);
}
static void plan_plain(uint8_t *slot, const struct trace_frame *frame) {
    bool hurry = atomic_exchange_explicit(slot_half(slot, TRACE_SLOT_AT_HURRY), 0, memory_order_relaxed);
    if (hurry && !(frame->flags & TRACE_FRAME_PLAIN) && frame->stored_length > frame->count + frame->count / 2)
        drain_plan_plain(slot);
}

static uint8_t encode(struct drain *d, const struct columns_input *in, bool plain, struct columns_output *out) {
    if (plain) plain_encode(in, d->payload, out);
    else columns_encode(d->columns, in, d->payload, out);
    return (uint8_t)((plain ? TRACE_FRAME_PLAIN : 0) | (in->ordered ? TRACE_FRAME_ORDERED : 0) |
                     (out->continues ? TRACE_FRAME_CONTINUES : 0));
}

static int drain_part(struct drain *d, const struct drain_host *host, struct columns_input *in, uint8_t *slot,
                      struct columns_output *out) {
    int error = find_edges(d, host, in);
    if (error) return error;
    uint8_t flags = encode(d, in, is_plain(slot), out);
    if (!out->count) return -EINVAL;
    struct trace_frame frame = {.kind = TRACE_FRAME_EVENTS,
                                .flags = flags,
                                .thread = in->thread,
                                .first = in->first,
                                .end = out->end,
                                .count = out->count,
                                .first_stamp = out->first_stamp,
                                .last_stamp = out->last_stamp};
    if (flags & TRACE_FRAME_PLAIN)
        atomic_fetch_or_explicit(header_half(host->header, TRACE_AT_INCOMPATIBLE), TRACE_FEATURE_PLAIN,
                                 memory_order_relaxed);
    error = drain_shared(d, host);
    if (!error) error = append_events(d, host, &frame, out);
    if (!error) plan_plain(slot, &frame);
    return error;
}

int drain_ring(struct drain *d, const struct drain_host *host, uint8_t *slot, uint64_t words) {
    struct columns_input in = {.thread =
                                   atomic_load_explicit(slot_half(slot, TRACE_SLOT_AT_THREAD), memory_order_acquire),
                               .ring = (const uint64_t *)(slot + TRACE_SLOT_CONTROL),
                               .mask = words - 1,
                               .first = tail_of(slot),
                               .end = head_of(slot)};
    in.ordered = atomic_load_explicit(header_half(host->header, TRACE_AT_MANY), memory_order_acquire) != 0;
    while (in.first < in.end) {
        struct columns_output out = {0};
        int error = drain_part(d, host, &in, slot, &out);
        if (error) {
            columns_forget(d->columns);
            return error;
        }
        atomic_fetch_add_explicit(header_word(host->header, TRACE_AT_EVENTS), out.count, memory_order_relaxed);
        give_room(slot, in.first = out.end);
    }
    return 0;
}
