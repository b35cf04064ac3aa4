/* The mailbox (requests.h). Senders are not trusted: every length is checked, a slot is copied before it is read. */
#include "requests.h"

#include "edges.h"
#include "file.h"
#include "journal.h"
#include "lifecycle.h"
#include "memory.h"
#include "stamp.h"
#include "tick.h"

#include <string.h>

enum { NAME_MAX_BYTES = 255 };

void requests_note(enum trace_command command, uint32_t flags, uint64_t stamp, const char *name, size_t length) {
    uint8_t body[NAME_MAX_BYTES + 40];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, stamp);
    wire_put_varint(&w, command);
    wire_put_varint(&w, flags);
    wire_put_string(&w, name, length);
    journal_put(TRACE_RECORD_REQUEST, body, (size_t)(w.at - body));
}

static void act(uint32_t command) {
    switch (command) {
    case TRACE_COMMAND_MARK:
    case TRACE_COMMAND_PHASE_BEGIN:
    case TRACE_COMMAND_PHASE_END: memory_edge(); break;
    case TRACE_COMMAND_ON: lifecycle_set_recording(true); break;
    case TRACE_COMMAND_OFF: lifecycle_set_recording(false); break;
    case TRACE_COMMAND_STOP: tick_stop_target(); break;
    default: break;
    }
}

static void serve_slot(const uint8_t *shared) {
    uint8_t slot[TRACE_MAILBOX_SLOT_SIZE];
    memcpy(slot, shared, sizeof slot);
    struct wire_reader r = wire_reader(slot, sizeof slot);
    wire_get_u32(&r);
    uint32_t command = wire_get_u32(&r);
    uint64_t stamp = wire_get_u64(&r), now = stamp_now();
    uint32_t flags = wire_get_u32(&r), length = wire_get_u32(&r);
    if (length > NAME_MAX_BYTES) length = NAME_MAX_BYTES;
    if (stamp == 0 || stamp > now) stamp = now;
    edge_begin();
    edge_end(stamp);
    requests_note((enum trace_command)command, flags, stamp, (const char *)slot + TRACE_MAIL_AT_NAME, length);
    act(command);
}

bool requests_wait(void) {
    const uint8_t *header = file_header();
    return header &&
           atomic_load_explicit((const _Atomic uint32_t *)(header + TRACE_AT_MAILBOX_HEAD), memory_order_relaxed) !=
               atomic_load_explicit((const _Atomic uint32_t *)(header + TRACE_AT_MAILBOX_TAIL), memory_order_relaxed);
}

void requests_serve(void) {
    uint8_t *header = file_header();
    if (!header) return;
    _Atomic uint32_t *posted = (_Atomic uint32_t *)(header + TRACE_AT_MAILBOX_HEAD);
    _Atomic uint32_t *done = (_Atomic uint32_t *)(header + TRACE_AT_MAILBOX_TAIL);
    for (;;) {
        uint32_t number = atomic_load_explicit(done, memory_order_relaxed);
        if (number == atomic_load_explicit(posted, memory_order_acquire)) return;
        uint8_t *slot = header + TRACE_AT_MAILBOX + number % TRACE_MAILBOX_SLOTS * TRACE_MAILBOX_SLOT_SIZE;
        /* Acquire: pairs with the sender's release after it filled the slot. */
        if (atomic_load_explicit((_Atomic uint32_t *)(slot + TRACE_MAIL_AT_READY), memory_order_acquire) != number + 1)
            return;
        serve_slot(slot);
        atomic_store_explicit(done, number + 1, memory_order_release);
    }
}
