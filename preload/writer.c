/*
 * The writer (writer.h). Lock order: thread list → ring's drain → encoder → file or edges; under the last two nobody
 * waits.
 */
#include "writer.h"

#include "append.h"
#include "beside.h"
#include "drain.h"
#include "edges.h"
#include "encoders.h"
#include "file.h"
#include "helper.h"
#include "journal.h"
#include "lifecycle.h"
#include "machine_x86_64.h"
#include "nodes.h"
#include "probe.h"
#include "stackid.h"
#include "stamp.h"
#include "thread.h"

#include <errno.h>
#include <string.h>

enum {
    ROOM_PATIENCE_NS = 2000000,
    ROOM_WAITS = 8,
    RING_RESERVE = 1024, /* words kept free: one event, a full nested queue */
};

static struct {
    _Atomic uint64_t lost, lost_first, lost_last;
    uint64_t lost_told;
    uint64_t watermark;        /* what the writer beside us was asked to get done */
    _Atomic bool helper_stuck; /* it found no descriptor */
} writer;

static uint64_t header_value(enum trace_header_offset at) {
    return file_header() ? atomic_load_explicit(header_word(file_header(), at), memory_order_relaxed) : 0;
}
uint64_t writer_events(void) { return header_value(TRACE_AT_EVENTS); }
uint64_t writer_cpu_ns(void) { return header_value(TRACE_AT_CPU); }

int writer_start(void) {
    memset(&writer, 0, sizeof writer);
    int error = edges_start();
    return error ? error : encoders_start();
}

/* ---- losses ---- */

void writer_count_lost(uint64_t events) {
    uint64_t now = stamp_now(), none = 0;
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
    wire_put_varint(&w, file_error() == -EFBIG ? TRACE_LOSS_SIZE : file_error() ? TRACE_LOSS_FILE : TRACE_LOSS_FULL);
    wire_put_varint(&w, (uint64_t)-file_error());
    writer.lost_told = lost;
    journal_put(TRACE_RECORD_LOSS, body, (size_t)(w.at - body));
}

/* ---- draining ---- */

static int host_lock(void *unused) {
    (void)unused;
    return file_lock();
}
static void host_unlock(void *unused) {
    (void)unused;
    file_unlock();
}
static int host_append(void *unused, struct trace_frame *frame, const void *payload) {
    (void)unused;
    return file_append_locked(frame, payload);
}
static const uint8_t *host_node(void *unused, uint32_t id) {
    (void)unused;
    return nodes_at(id);
}
static uint32_t host_nodes(void *unused) {
    (void)unused;
    return stackid_count();
}

struct job {
    struct encoder *encoder;
    struct thread *thread; /* NULL: the journal alone */
    int error;
};

static void drain_on_stack(void *argument) {
    struct job *job = argument;
    const struct drain_host host = {.header = file_header(),
                                    .journal = journal_slot()->memory,
                                    .lock = host_lock,
                                    .unlock = host_unlock,
                                    .append = host_append,
                                    .edges = edges_since,
                                    .node = host_node,
                                    .nodes = host_nodes,
                                    .stamp = stamp_now};
    struct thread *t = job->thread;
    if (!host.header) job->error = -EBADF;
    else if (t) job->error = drain_ring(encoder_drain(job->encoder), &host, t->control, THREAD_RING_WORDS);
    else job->error = drain_shared(encoder_drain(job->encoder), &host);
    if (t && !job->error) job->error = file_index(true);
}

static _Atomic uint32_t *slot_half(const struct thread *t, enum trace_slot_offset at) {
    return (_Atomic uint32_t *)(t->control + at);
}

/* Known only to who holds the ring's lock; others ask in order to count. */
static bool is_plain_next(const struct thread *t) {
    return atomic_load_explicit(slot_half(t, TRACE_SLOT_AT_PLAIN), memory_order_relaxed);
}

static int drain(struct thread *thread) {
    if (sys_is_quiet()) return -EAGAIN;
    struct job job = {encoders_take(thread && is_plain_next(thread)), thread, 0};
    if (!job.encoder) return -ENOMEM;
    uint64_t begin = sys_thread_cpu();
    /* The helper has stack enough, and on another one it would be held for a thread that must make no system calls. */
    if (helper_is_me()) drain_on_stack(&job);
    else machine_call_on_stack(drain_on_stack, &job, encoder_stack_top(job.encoder));
    if (file_header())
        atomic_fetch_add_explicit(header_word(file_header(), TRACE_AT_CPU), sys_thread_cpu() - begin,
                                  memory_order_relaxed);
    encoders_give(job.encoder);
    return job.error;
}

static bool lock_out_writer(struct thread *thread) {
    if (beside_take((_Atomic uint32_t *)(thread->control + TRACE_SLOT_AT_LOCK))) return true;
    lock_give(&thread->drain);
    return false;
}

bool writer_ring_lock(struct thread *thread) {
    lock_take(&thread->drain);
    return lock_out_writer(thread);
}

void writer_ring_unlock(struct thread *thread) {
    beside_give((_Atomic uint32_t *)(thread->control + TRACE_SLOT_AT_LOCK));
    lock_give(&thread->drain);
}

static uint64_t tail_of(const struct thread *t) {
    return atomic_load_explicit(thread_field(t, TRACE_SLOT_AT_TAIL), memory_order_acquire);
}

/* Words that wait in a thread's ring. */
static uint64_t waiting(const struct thread *t) { return thread_head(t) - tail_of(t); }

/* The ring's lock is held, if `locked`. Nothing is done where fewer than `least` words wait. */
static void drain_locked(struct thread *thread, bool locked, uint64_t least) {
    int error = -ETIMEDOUT;
    if (locked) {
        error = waiting(thread) < least ? 0 : drain(thread);
        writer_ring_unlock(thread);
    }
    /* Without a descriptor for the moment the ring holds on. */
    bool stuck = error == -EMFILE || error == -ENFILE;
    if (helper_is_me()) atomic_store_explicit(&writer.helper_stuck, stuck, memory_order_relaxed);
    if (error && error != -EAGAIN && !stuck) lifecycle_failed(error);
}

/* Until the lock may be free; not for long, since locks are not fair. */
static void wait_a_little(struct lock *lock) {
    const struct timespec poll = {0, 200000};
    uint32_t state = atomic_load_explicit(&lock->state, memory_order_relaxed);
    if (state) sys_futex_wait(&lock->state, state, &poll);
}

/* A thread that drains its own ring without end, because it fills it faster, does this for us. */
void writer_drain_thread(struct thread *thread) {
    uint64_t head = thread_head(thread);
    for (; !lock_try(&thread->drain); wait_a_little(&thread->drain))
        if (tail_of(thread) >= head) return;
    drain_locked(thread, lock_out_writer(thread), 0);
}

void writer_drain_journal(void) { drain(NULL); }

void writer_threads_began(void) { helper_start(); }

/* ---- rings ---- */

/* Somebody else drains, as long as it keeps up. */
static bool helper_works(void) {
    return helper_runs() && !atomic_load_explicit(&writer.helper_stuck, memory_order_relaxed);
}
static bool is_attended(void) { return helper_works() || beside_attends(); }

static void call_attendant(void) {
    if (helper_runs()) helper_wake();
    else beside_ring_bell();
}

bool writer_drain_filled(bool busy) {
    const uint64_t least = busy ? THREAD_RING_WORDS / 4 : THREAD_RING_WORDS / 2;
    bool drained = false;
    for (struct thread *t = threads_first(); t; t = t->next) {
        uint64_t before = tail_of(t);
        if (waiting(t) > least) writer_drain_thread(t);
        drained |= tail_of(t) != before;
    }
    return drained;
}

/* For the helper, where we could not drain ourselves; without system calls, it looks often enough. */
static void wait_drained(struct thread *t) {
    if (is_attended() && waiting(t) > THREAD_RING_WORDS / 2) call_attendant();
    for (uint64_t turns = 0; is_attended() && turns < 1u << 30; turns++) {
        uint64_t tail = tail_of(t);
        if (t->head - tail <= THREAD_RING_WORDS / 2) return;
        machine_pause();
    }
}

static bool is_drained_by_another(struct thread *t) {
    return atomic_load_explicit(&t->drain.state, memory_order_relaxed) ||
           beside_holds((_Atomic uint32_t *)(t->control + TRACE_SLOT_AT_LOCK));
}

static bool has_room(const struct thread *t) { return waiting(t) <= THREAD_RING_WORDS - THREAD_RING_WORDS / 4; }

/*
 * Sleeps while somebody else drains the ring and has not made room. Returns whether there is room; if not, and after a
 * while, its lock is what to wait for.
 */
static bool wait_for_room(struct thread *t) {
    _Atomic uint32_t *awaited = (_Atomic uint32_t *)(t->control + TRACE_SLOT_AT_AWAITED);
    const struct timespec patience = {0, ROOM_PATIENCE_NS};
    for (unsigned waits = 0; waits < ROOM_WAITS && is_drained_by_another(t); waits++) {
        atomic_exchange(awaited, 1);
        if (has_room(t)) return true;
        sys_futex_wait_shared(awaited, 1, &patience);
    }
    return has_room(t);
}

/* A program of one thread that makes many events gets a helper too, where a processor is free for it. */
static void hire_helper(void) {
    if (!is_attended() && sys_processors() > 1) helper_start();
}

/* Whoever drains the ring does not keep up, and need not take the care that costs most (drain.c). */
static void note_hurry(struct thread *t) {
    atomic_store_explicit(slot_half(t, TRACE_SLOT_AT_HURRY), 1, memory_order_relaxed);
}

static bool is_in_a_hurry(const struct thread *t) {
    return atomic_load_explicit(&t->state, memory_order_relaxed) == THREAD_ACTIVE && is_plain_next(t);
}

/*
 * With as many threads in a hurry as there are processors none of these is free for somebody else, who would only take
 * the time, and the ring out of the cache, of the thread that has filled it. A new one is taken for what the others
 * are.
 */
static bool is_on_its_own(const struct thread *self) {
    unsigned count = 0, processors = sys_processors();
    bool is_new = self->head < THREAD_RING_WORDS;
    if (!is_new && !is_in_a_hurry(self)) return false;
    for (struct thread *t = threads_first(); t && count < processors; t = t->next) count += is_in_a_hurry(t);
    if (count < processors) return false;
    if (is_new) drain_plan_plain(self->control);
    return true;
}

static uint64_t room(bool attended) {
    return attended ? THREAD_RING_WORDS / 2 : THREAD_RING_WORDS - THREAD_RING_WORDS / 8;
}

uint64_t writer_limit(uint64_t tail) { return tail + room(is_attended()); }

void writer_ring_filled(struct thread *t) {
    if (!sys_is_quiet()) {
        threads_settle(t);
        hire_helper();
    }
    const uint64_t hard = THREAD_RING_WORDS - RING_RESERVE;
    uint64_t tail = tail_of(t);
    bool attended = is_attended() && !is_on_its_own(t);
    if (t->head > tail + room(attended)) {
        if (attended && t->head - tail < hard) {
            call_attendant();
            t->limit = tail + hard;
            return;
        }
        if (attended) note_hurry(t);
        if (sys_is_quiet() || !wait_for_room(t)) {
            if (!sys_is_quiet()) drain_locked(t, writer_ring_lock(t), THREAD_RING_WORDS / 2);
            wait_drained(t);
        }
        tail = tail_of(t);
    }
    t->limit = tail + room(attended);
    if (t->head - tail >= hard) lifecycle_failed(-ENOSPC);
}

/*
 * Is the thread outside every hook now, or where it stamps nothing? Then it stamps its next event later than now, less
 * a margin far above the time that a store takes to become visible. Acquire: pairs with the release in slow() of
 * probe.c.
 */
static bool is_settled(const struct thread *t) {
    return thread_guard(t) <= THREAD_IGNORE || t == thread_self || atomic_load_explicit(&t->away, memory_order_acquire);
}

static void put_watermark(uint64_t stamp) {
    uint8_t body[16];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, stamp);
    journal_put(TRACE_RECORD_WATERMARK, body, (size_t)(w.at - body));
}

/* A hook is short; one that stays is of a thread that has no processor, which may take long to get one. */
static bool are_settled(void) {
    const uint64_t patience_ns = 2000000, until = sys_monotonic() + patience_ns;
    for (struct thread *t = threads_first(); t; t = t->next)
        for (unsigned tries = 0; !is_settled(t); tries++) {
            if (sys_monotonic() > until) return false;
            if (tries > 50) sys_yield();
        }
    return true;
}

static const uint64_t margin = 1000000; /* of cycles: 0.2 ms and more */

/* The writer beside us is asked, and its answer is waited for until the next time. */
static void ask_for_watermark(void) {
    if (!beside_answered()) return;
    if (writer.watermark) put_watermark(writer.watermark);
    uint64_t now = edges_fresh_stamp();
    writer.watermark = are_settled() && now > margin ? now - margin : 0;
    beside_ask();
}

void writer_each_second(void) {
    if (beside_attends()) ask_for_watermark();
    else if (threads_many()) writer_drain_all();
}

void writer_drain_all(void) {
    uint64_t now = edges_fresh_stamp();
    bool settled = are_settled();
    for (struct thread *t = threads_first(); t; t = t->next) writer_drain_thread(t);
    if (settled && now > margin) put_watermark(now - margin);
    writer_drain_journal();
}

bool writer_is_drained(void) {
    for (struct thread *t = threads_first(); t; t = t->next)
        if (!drain_is_empty(t->control)) return false;
    return !file_error() && journal_is_drained();
}

void writer_punch_idle(void) {
    for (struct thread *t = threads_first(); t; t = t->next)
        if (t != thread_self && !thread_is_alive(t) && drain_is_empty(t->control)) file_punch(&t->slot);
}
