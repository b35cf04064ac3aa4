/*
 * The target's side of beside.h. The writer holds an flock(2) on its own opening of the trace as long as it lives, in
 * whatever PID namespace: where that can be had it is dead. What it held then is taken over; a frame that it finished
 * without saying so is found by reading the file's frames.
 */
#include "beside.h"

#include "append.h"
#include "config.h"
#include "file.h"
#include "lock.h"
#include "shared_lock.h"
#include "journal.h"
#include "thread.h"

#include <sys/file.h>

enum { WAITS_BETWEEN_LOOKS = 4, WAITS_MAX = 2000, EXPECTATIONS = 100 };

static struct lock takeover;

static _Atomic uint32_t *half(enum trace_header_offset at) { return header_half(file_header(), at); }
static bool is_invited(void) { return config.writer == CONFIG_WRITER_PROCESS && file_header(); }

void beside_invite(uint8_t *header) {
    if (config.writer == CONFIG_WRITER_PROCESS)
        atomic_store_explicit(header_half(header, TRACE_AT_WRITER), TRACE_WRITER_WANTED, memory_order_relaxed);
}

bool beside_attends(void) {
    return is_invited() && atomic_load_explicit(half(TRACE_AT_WRITER), memory_order_acquire) == TRACE_WRITER_ATTACHED;
}

void beside_expect(void) {
    const struct timespec step = {0, 1000000};
    for (unsigned waits = 0; waits < EXPECTATIONS && is_invited(); waits++) {
        if (atomic_load_explicit(half(TRACE_AT_WRITER), memory_order_acquire) != TRACE_WRITER_WANTED) return;
        sys_futex_wait_shared(half(TRACE_AT_WRITER), TRACE_WRITER_WANTED, &step);
    }
}

void beside_ring_bell(void) {
    atomic_fetch_add_explicit(half(TRACE_AT_BELL), 1, memory_order_release);
    sys_futex_wake_shared(half(TRACE_AT_BELL), 1);
}

bool beside_answered(void) {
    return atomic_load_explicit(half(TRACE_AT_ANSWERED), memory_order_acquire) ==
           atomic_load_explicit(half(TRACE_AT_ASKED), memory_order_relaxed);
}

void beside_ask(void) {
    atomic_fetch_add_explicit(half(TRACE_AT_ASKED), 1, memory_order_release);
    beside_ring_bell();
}

void beside_refuse(void) {
    if (!is_invited()) return;
    atomic_store_explicit(half(TRACE_AT_WRITER), TRACE_WRITER_REFUSED, memory_order_seq_cst);
    beside_ring_bell();
}

/* ---- its death ---- */

static _Atomic uint32_t *ring_lock(const struct thread *t) {
    return (_Atomic uint32_t *)(t->control + TRACE_SLOT_AT_LOCK);
}

static bool is_its(_Atomic uint32_t *word) {
    return atomic_load_explicit(word, memory_order_acquire) & TRACE_HOLDER_WRITER;
}

static int try_flock(void *unused, int fd) {
    (void)unused;
    int error = sys_flock(fd, LOCK_EX | LOCK_NB);
    if (!error) sys_flock(fd, LOCK_UN);
    return error;
}

static void raise(_Atomic uint64_t *word, uint64_t least) {
    if (atomic_load_explicit(word, memory_order_relaxed) < least)
        atomic_store_explicit(word, least, memory_order_release);
}

/* What this frame holds is no longer waiting in a slot that the dead one had. */
static bool note_frame(void *unused, const struct trace_frame *frame, uint64_t offset) {
    (void)unused, (void)offset;
    bool had_file = is_its(half(TRACE_AT_LOCK));
    if (frame->kind == TRACE_FRAME_EVENTS)
        for (struct thread *t = threads_first(); t; t = t->next)
            if (t->serial == frame->thread && is_its(ring_lock(t)))
                raise(thread_field(t, TRACE_SLOT_AT_TAIL), frame->end);
    if (frame->kind == TRACE_FRAME_RECORDS && had_file)
        raise((_Atomic uint64_t *)(journal_slot()->memory + TRACE_SLOT_AT_TAIL), frame->end);
    if (frame->kind == TRACE_FRAME_NODES && had_file &&
        atomic_load_explicit(half(TRACE_AT_NODES_DRAINED), memory_order_relaxed) < frame->end)
        atomic_store_explicit(half(TRACE_AT_NODES_DRAINED), (uint32_t)frame->end, memory_order_relaxed);
    return true;
}

static int walk(void *unused, int fd) {
    append_walk(file_header(), fd, TRACE_HEADER_SIZE, note_frame, unused);
    return 0;
}

static void free_if_its(_Atomic uint32_t *word) {
    if (is_its(word)) shared_lock_give(word);
}

static void take_over(void) {
    beside_refuse();
    lock_take(&takeover);
    file_with_descriptor(walk, NULL);
    for (struct thread *t = threads_first(); t; t = t->next) free_if_its(ring_lock(t));
    free_if_its(half(TRACE_AT_LOCK));
    lock_give(&takeover);
}

bool beside_take(_Atomic uint32_t *word) {
    if (!is_invited() || shared_lock_try(word, TRACE_HOLDER_TARGET)) return true;
    for (unsigned waits = 1; waits < WAITS_MAX; waits++) {
        if (shared_lock_wait(word, TRACE_HOLDER_TARGET)) return true;
        if (waits % WAITS_BETWEEN_LOOKS == 0 && is_its(word) && file_with_descriptor(try_flock, NULL) == 0) take_over();
    }
    return false;
}

bool beside_holds(_Atomic uint32_t *word) { return is_invited() && is_its(word); }

void beside_give(_Atomic uint32_t *word) {
    if (is_invited()) shared_lock_give(word);
}
