/*
 * The journal (journal.h): a ring of bytes in a slot of the trace. Producers are serialised by a lock and hold back
 * their signals; the consumer (writer.c) takes [tail, head) under the file's lock and needs no lock of ours.
 */
#include "journal.h"

#include "file.h"
#include "lock.h"
#include "writer.h"

#include <errno.h>

enum { JOURNAL_BYTES = JOURNAL_BYTES_MAX, JOURNAL_RECORD_HEAD = 12, JOURNAL_LAST_WORDS = 1024 };

static struct {
    struct lock lock;
    struct file_slot slot;
    uint64_t head;
} journal;

static _Atomic uint64_t *field(enum trace_slot_offset at) { return (_Atomic uint64_t *)(journal.slot.memory + at); }

void journal_forget(void) { memset(&journal, 0, sizeof journal); }

int journal_start(void) {
    journal_forget();
    int error = file_slot(TRACE_FRAME_SLOT_JOURNAL, 0, TRACE_SLOT_CONTROL + JOURNAL_BYTES, &journal.slot);
    if (error) return error;
    atomic_store_explicit((_Atomic uint32_t *)journal.slot.memory, 1, memory_order_release);
    return 0;
}

static void copy_in(const uint8_t *bytes, size_t length) {
    uint8_t *data = journal.slot.memory + TRACE_SLOT_CONTROL;
    size_t at = journal.head % JOURNAL_BYTES, first = JOURNAL_BYTES - at < length ? JOURNAL_BYTES - at : length;
    memcpy(data + at, bytes, first);
    memcpy(data, bytes + first, length - first);
    journal.head += length;
}

static bool has_room(size_t length) {
    /* Acquire: pairs with the release of whoever drained it; the bytes below the tail have been read. */
    return journal.head + length - atomic_load_explicit(field(TRACE_SLOT_AT_TAIL), memory_order_acquire) <=
           JOURNAL_BYTES;
}

static int put_locked(enum trace_record_kind kind, const void *body, size_t length) {
    uint8_t head[JOURNAL_RECORD_HEAD];
    struct wire_writer w = wire_writer(head, sizeof head);
    wire_put_varint(&w, kind);
    wire_put_varint(&w, length);
    size_t head_length = (size_t)(w.at - head);
    /* What a failure has to say still fits when nothing else does. */
    bool last_words = kind == TRACE_RECORD_LOSS || kind == TRACE_RECORD_STOPPED || kind == TRACE_RECORD_END;
    size_t needed = head_length + length + (last_words ? 0 : JOURNAL_LAST_WORDS);
    if (!has_room(needed)) writer_drain_journal();
    if (!has_room(needed)) return -ENOSPC;
    copy_in(head, head_length);
    copy_in(body, length);
    /* Release: recovery and the writer see whole records below the head. */
    atomic_store_explicit(field(TRACE_SLOT_AT_HEAD), journal.head, memory_order_release);
    return 0;
}

int journal_put(enum trace_record_kind kind, const void *body, size_t length) {
    if (!journal.slot.memory) return -ENOSPC;
    if (length > JOURNAL_MAX_BODY) return -EINVAL;
    if (lock_is_mine(&journal.lock)) return -EBUSY;
    uint64_t signals = signals_block();
    lock_take(&journal.lock);
    int error = put_locked(kind, body, length);
    lock_give(&journal.lock);
    signals_restore(signals);
    return error;
}

bool journal_is_drained(void) {
    if (!journal.slot.memory) return true;
    return atomic_load_explicit(field(TRACE_SLOT_AT_HEAD), memory_order_acquire) ==
           atomic_load_explicit(field(TRACE_SLOT_AT_TAIL), memory_order_acquire);
}

const struct file_slot *journal_slot(void) { return &journal.slot; }
