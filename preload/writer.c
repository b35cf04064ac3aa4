/*
 * The writer (writer.h). An encoder is the memory that one drain needs (predictors, zlib, buffers, a stack); there are few,
 * made when first wanted and claimed by lock. Lock order: thread list → ring's drain → encoder → file.
 */
#include "writer.h"

#include "columns.h"
#include "config.h"
#include "deflate.h"
#include "file.h"
#include "helper.h"
#include "journal.h"
#include "lifecycle.h"
#include "machine_x86_64.h"
#include "nodes.h"
#include "probe.h"
#include "thread.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

enum {
    ENCODERS = 4,
    ENCODER_STACK = 64 << 10,
    EDGES = 16384,
    RING_RESERVE = 1024,   /* words kept free: one event, a full nested queue */
    RAW_SMALL = 192 << 10, /* raw bytes of a nodes or journal frame, at most */
};

struct encoder {
    struct lock lock;
    struct columns *columns;
    void *deflate;
    uint8_t *payload, *packed; /* columns_bound() and a little more */
    uint8_t *raw;              /* RAW_SMALL */
    uint64_t *edges;
    uint8_t *stack_top;
    uint8_t *memory;
    size_t memory_length;
};

static struct {
    struct encoder encoders[ENCODERS];
    struct lock edge_lock;
    uint64_t *edges; /* ring of the last EDGES stamps */
    uint64_t edge_count;
    _Atomic uint64_t events, cpu_ns;
    _Atomic uint64_t lost, lost_first, lost_last;
    uint64_t lost_told;
} writer;

uint64_t writer_events(void) { return atomic_load_explicit(&writer.events, memory_order_relaxed); }

uint64_t writer_cpu_ns(void) { return atomic_load_explicit(&writer.cpu_ns, memory_order_relaxed); }

/* ---- encoders ---- */

static size_t round_up(size_t length) { return (length + 63) & ~(size_t)63; }
static size_t packed_bound(void) { return columns_bound() + columns_bound() / 512 + 4096; }

static bool make_encoder(struct encoder *e) {
    size_t lengths[] = {round_up(columns_size()),
                        round_up(deflate_size()),
                        round_up(columns_bound()),
                        round_up(packed_bound()),
                        RAW_SMALL,
                        EDGES * sizeof(uint64_t),
                        ENCODER_STACK};
    size_t total = 0;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) total += lengths[i];
    uint8_t *memory = sys_memory(total);
    if (!memory) return false;
    e->memory = memory;
    e->memory_length = total;
    uint8_t *at[7];
    for (size_t i = 0; i < 7; i++) {
        at[i] = memory;
        memory += lengths[i];
    }
    e->columns = (struct columns *)at[0];
    e->deflate = at[1];
    e->payload = at[2];
    e->packed = at[3];
    e->raw = at[4];
    e->edges = (uint64_t *)at[5];
    e->stack_top = memory;
    return deflate_init(e->deflate, (int)config.level) == 0;
}

/* An encoder of our own, or NULL without memory. */
static struct encoder *claim_encoder(void) {
    struct encoder *claimed = NULL;
    for (size_t i = 0; i < ENCODERS && !claimed; i++)
        if (lock_try(&writer.encoders[i].lock)) claimed = &writer.encoders[i];
    if (!claimed) {
        claimed = &writer.encoders[0];
        lock_take(&claimed->lock);
    }
    if (claimed->memory || make_encoder(claimed)) return claimed;
    lock_give(&claimed->lock);
    return NULL;
}

/* In the child of a fork the encoders' memory is a copy in an unknown state: it goes. */
int writer_start(void) {
    uint64_t *edges = writer.edges ? writer.edges : sys_memory(EDGES * sizeof(uint64_t));
    for (size_t i = 0; i < ENCODERS; i++)
        if (writer.encoders[i].memory) sys_munmap(writer.encoders[i].memory, writer.encoders[i].memory_length);
    memset(&writer, 0, sizeof writer);
    writer.edges = edges;
    return edges ? 0 : -ENOMEM;
}

/* ---- losses ---- */

void writer_count_lost(uint64_t events) {
    uint64_t now = probe_stamp(), none = 0;
    if (!file_header()) return;
    atomic_fetch_add_explicit((_Atomic uint64_t *)(file_header() + TRACE_AT_LOST), events, memory_order_relaxed);
    atomic_compare_exchange_strong_explicit(&writer.lost_first, &none, now, memory_order_relaxed, memory_order_relaxed);
    atomic_store_explicit(&writer.lost_last, now, memory_order_relaxed);
    atomic_fetch_add_explicit(&writer.lost, events, memory_order_relaxed);
}

void writer_tell_losses(void) {
    uint64_t lost = atomic_load_explicit(&writer.lost, memory_order_relaxed);
    if (lost == writer.lost_told) return;
    uint8_t body[64];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, atomic_exchange_explicit(&writer.lost_first, 0, memory_order_relaxed));
    wire_put_varint(&w, atomic_load_explicit(&writer.lost_last, memory_order_relaxed));
    wire_put_varint(&w, 0);
    wire_put_varint(&w, lost - writer.lost_told);
    wire_put_varint(&w, file_error() == -EFBIG ? 5 : file_error() ? 2 : 1);
    wire_put_varint(&w, (uint64_t)-file_error());
    writer.lost_told = lost;
    journal_put(TRACE_RECORD_LOSS, body, (size_t)(w.at - body));
}

/* ---- edges ---- */

bool writer_edge_is_mine(void) { return lock_is_mine(&writer.edge_lock); }
void writer_edge_begin(void) { lock_take(&writer.edge_lock); }

/* Kept ascending: a request from outside may carry an earlier stamp than the last edge. */
void writer_edge_end(uint64_t stamp) {
    uint64_t at = writer.edge_count++, oldest = at >= EDGES ? at - EDGES + 1 : 0;
    for (; at > oldest && writer.edges[(at - 1) % EDGES] > stamp; at--)
        writer.edges[at % EDGES] = writer.edges[(at - 1) % EDGES];
    writer.edges[at % EDGES] = stamp;
    lock_give(&writer.edge_lock);
}

/* The edges from `first` on, ascending, into `out`. Taking the lock makes sure that no earlier one is still to come. */
static size_t edges_since(uint64_t first, uint64_t *out) {
    bool mine = lock_is_mine(&writer.edge_lock); /* draining because our own edge filled the ring */
    if (!mine) lock_take(&writer.edge_lock);
    uint64_t at = writer.edge_count, oldest = at > EDGES ? at - EDGES : 0;
    while (at > oldest && writer.edges[(at - 1) % EDGES] >= first) at--;
    size_t count = 0;
    for (; at < writer.edge_count; at++) out[count++] = writer.edges[at % EDGES];
    if (!mine) lock_give(&writer.edge_lock);
    return count;
}

/* ---- frames ---- */

/* Compresses where that helps: fills the frame's lengths and codec, returns what to store. */
static const uint8_t *pack(struct encoder *e, struct trace_frame *frame, const uint8_t *raw, size_t length) {
    size_t packed = config.level ? deflate_bytes(e->deflate, raw, length, e->packed, packed_bound()) : 0;
    bool smaller = packed && packed < length;
    frame->raw_length = (uint32_t)length;
    frame->stored_length = (uint32_t)(smaller ? packed : length);
    frame->codec = smaller ? TRACE_CODEC_DEFLATE : TRACE_CODEC_NONE;
    return smaller ? e->packed : raw;
}

static int append_journal(struct encoder *e) {
    struct trace_frame frame = {.kind = TRACE_FRAME_RECORDS};
    size_t length = journal_pending(e->raw, RAW_SMALL, &frame.first, &frame.end);
    if (!length) return 0;
    frame.first_stamp = frame.last_stamp = probe_stamp();
    int error = file_append_locked(&frame, pack(e, &frame, e->raw, length));
    if (!error) journal_drained(frame.end);
    return error;
}

static int append_nodes(struct encoder *e) {
    struct trace_frame frame = {.kind = TRACE_FRAME_NODES};
    uint32_t end;
    int error = 0;
    while (!error) {
        size_t length = nodes_pending(e->raw, RAW_SMALL, &frame.first, &end);
        if (!length) break;
        frame.end = end;
        frame.count = end - (uint32_t)frame.first;
        frame.first_stamp = frame.last_stamp = probe_stamp();
        error = file_append_locked(&frame, pack(e, &frame, e->raw, length));
        if (!error) nodes_drained(end);
    }
    return error;
}

static int append_shared(struct encoder *e) {
    file_lock();
    int error = append_journal(e);
    if (!error) error = append_nodes(e);
    file_unlock();
    return error;
}

/* ---- draining ---- */

struct drain {
    struct encoder *encoder;
    struct thread *thread; /* NULL: the journal alone */
    int error;
};

static int drain_part(struct encoder *e, struct thread *t, uint64_t tail, uint64_t head, uint64_t *end) {
    const uint64_t first_stamp = t->ring[(tail + 1) & (THREAD_RING_WORDS - 1)];
    struct columns_input input = {.ring = t->ring,
                                  .mask = THREAD_RING_WORDS - 1,
                                  .first = tail,
                                  .end = head,
                                  .ordered = threads_many(),
                                  .edges = e->edges};
    struct columns_output output = {0};
    input.edge_count = edges_since(first_stamp, e->edges);
    columns_encode(e->columns, &input, e->payload, &output);
    if (!output.count) return -EINVAL;
    struct trace_frame frame = {.kind = TRACE_FRAME_EVENTS,
                                .flags = input.ordered ? TRACE_FRAME_ORDERED : 0,
                                .thread = t->serial,
                                .first = tail,
                                .end = output.end,
                                .count = output.count,
                                .first_stamp = output.first_stamp,
                                .last_stamp = output.last_stamp};
    int error = append_shared(e);
    const uint8_t *stored = pack(e, &frame, e->payload, output.bytes);
    if (!error) error = file_append(&frame, stored);
    if (error) return error;
    t->events += output.count;
    atomic_fetch_add_explicit(&writer.events, output.count, memory_order_relaxed);
    *end = output.end;
    return 0;
}

static void drain_on_stack(void *argument) {
    struct drain *drain = argument;
    struct thread *t = drain->thread;
    if (!t) {
        drain->error = append_shared(drain->encoder);
        return;
    }
    uint64_t tail = atomic_load_explicit(thread_field(t, TRACE_SLOT_AT_TAIL), memory_order_relaxed);
    /* Acquire: pairs with the commit in probe.c; all words below the head are written. */
    uint64_t head = atomic_load_explicit(thread_field(t, TRACE_SLOT_AT_HEAD), memory_order_acquire);
    while (tail < head && !drain->error) {
        drain->error = drain_part(drain->encoder, t, tail, head, &tail);
        /* Release: the frame is in the file before its words may be overwritten. */
        if (!drain->error) atomic_store_explicit(thread_field(t, TRACE_SLOT_AT_TAIL), tail, memory_order_release);
    }
}

static uint64_t thread_cpu_ns(void) {
    struct timespec now = {0, 0};
    sys_clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int drain(struct thread *thread) {
    if (sys_is_quiet()) return -EAGAIN;
    struct drain job = {claim_encoder(), thread, 0};
    if (!job.encoder) return -ENOMEM;
    uint64_t begin = thread_cpu_ns();
    machine_call_on_stack(drain_on_stack, &job, job.encoder->stack_top);
    atomic_fetch_add_explicit(&writer.cpu_ns, thread_cpu_ns() - begin, memory_order_relaxed);
    lock_give(&job.encoder->lock);
    return job.error;
}

void writer_drain_thread(struct thread *thread) {
    lock_take(&thread->drain);
    int error = drain(thread);
    lock_give(&thread->drain);
    /* Without a descriptor for the moment the ring holds on. */
    if (error && error != -EAGAIN && error != -EMFILE && error != -ENFILE) lifecycle_failed(error);
}

void writer_drain_journal(void) { drain(NULL); }

void writer_threads_began(void) { helper_start(); }

/* ---- rings ---- */

uint64_t writer_limit(uint64_t tail) {
    return tail + (helper_runs() ? THREAD_RING_WORDS / 2 : THREAD_RING_WORDS - THREAD_RING_WORDS / 8);
}

/* For the helper, where we could not drain ourselves; without system calls, it looks often enough. */
static void wait_drained(struct thread *t) {
    if (t->head - atomic_load_explicit(thread_field(t, TRACE_SLOT_AT_TAIL), memory_order_acquire) >
        THREAD_RING_WORDS / 2)
        helper_wake();
    for (uint64_t turns = 0; helper_runs() && turns < 1u << 30; turns++) {
        uint64_t tail = atomic_load_explicit(thread_field(t, TRACE_SLOT_AT_TAIL), memory_order_acquire);
        if (t->head - tail <= THREAD_RING_WORDS / 2) return;
        machine_pause();
    }
}

void writer_ring_filled(struct thread *t) {
    if (!sys_is_quiet()) threads_settle(t);
    const uint64_t hard = THREAD_RING_WORDS - RING_RESERVE;
    uint64_t tail = atomic_load_explicit(thread_field(t, TRACE_SLOT_AT_TAIL), memory_order_acquire);
    if (t->head > writer_limit(tail)) {
        if (helper_runs() && t->head - tail < hard) {
            helper_wake();
            t->limit = tail + hard;
            return;
        }
        if (!sys_is_quiet()) writer_drain_thread(t);
        wait_drained(t);
        tail = atomic_load_explicit(thread_field(t, TRACE_SLOT_AT_TAIL), memory_order_acquire);
    }
    t->limit = writer_limit(tail);
    if (t->head - tail >= hard) lifecycle_failed(-ENOSPC);
}

/*
 * Is the thread outside every hook now? Then it stamps its next event later than now, less a margin far above the time
 * that a store takes to become visible. A hook is short; one that stays is in a drain or preempted.
 */
static bool is_settled(const struct thread *t) {
    for (unsigned tries = 0; tries < 100; tries++) {
        if (*(volatile const uintptr_t *)&t->guard <= THREAD_IGNORE || t == thread_self) return true;
        if (tries > 50) sys_yield();
    }
    return false;
}

static void put_watermark(uint64_t stamp) {
    uint8_t body[16];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, stamp);
    journal_put(TRACE_RECORD_WATERMARK, body, (size_t)(w.at - body));
}

void writer_drain_all(void) {
    const uint64_t margin = 1000000; /* of cycles: 0.2 ms and more */
    uint64_t now = probe_stamp();
    bool settled = true;
    for (struct thread *t = threads_first(); t; t = t->next) settled = is_settled(t) && settled;
    for (struct thread *t = threads_first(); t; t = t->next) writer_drain_thread(t);
    if (settled && now > margin) put_watermark(now - margin);
    writer_drain_journal();
}

static bool is_drained(const struct thread *t) {
    return atomic_load_explicit(thread_field(t, TRACE_SLOT_AT_HEAD), memory_order_acquire) ==
           atomic_load_explicit(thread_field(t, TRACE_SLOT_AT_TAIL), memory_order_acquire);
}

bool writer_is_drained(void) {
    for (struct thread *t = threads_first(); t; t = t->next)
        if (!is_drained(t)) return false;
    return !file_error() && journal_is_drained();
}

void writer_punch_idle(void) {
    for (struct thread *t = threads_first(); t; t = t->next)
        if (t != thread_self && !thread_is_alive(t) && is_drained(t)) file_punch(&t->slot);
}
