/*
 * Reads the slots of a trace. See recover.h for the promise; the layout is FORMAT.md §3 and §4.
 */
#include "recover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/trace_wire.h"
#include "../list.h"
#include "decode.h"

struct control_page {
    uint32_t owner, tid;
    uint64_t head, tail, nested;
    uint64_t size; /* of the data area, bytes; a power of two */
};

static uint64_t fixed_at(const uint8_t *bytes, size_t at, unsigned width) {
    struct wire_reader r = wire_reader(bytes + at, width);
    return wire_get_fixed(&r, width);
}

/* False where the slot has no data area that follows the rules, or can't be read. */
static bool read_control(const struct trace_input *input, const struct frame_entry *entry, struct control_page *page,
                         uint8_t bytes[TRACE_SLOT_CONTROL]) {
    uint64_t size = entry->frame.stored_length;
    size = size > TRACE_SLOT_CONTROL ? size - TRACE_SLOT_CONTROL : 0;
    if (!size || size & (size - 1) || reader_bytes(input, entry->offset, bytes, TRACE_SLOT_CONTROL)) return false;
    page->owner = (uint32_t)fixed_at(bytes, TRACE_SLOT_AT_THREAD, 4);
    page->tid = (uint32_t)fixed_at(bytes, TRACE_SLOT_AT_TID, 4);
    page->head = fixed_at(bytes, TRACE_SLOT_AT_HEAD, 8);
    page->tail = fixed_at(bytes, TRACE_SLOT_AT_TAIL, 8);
    page->nested = fixed_at(bytes, TRACE_SLOT_AT_NESTED, 8);
    page->size = size;
    return true;
}

/* Words, of which a ring of so many bytes has room; their positions as bytes have room in 64 bits. */
static bool is_credible(const struct control_page *page) {
    return page->head >= page->tail && page->head - page->tail <= page->size / 8 && page->head <= UINT64_MAX / 8 &&
           page->nested <= TRACE_NESTED_WORDS;
}

/* Copies bytes [from, to) of a ring of `size` bytes at `offset`. */
static int copy_range(const struct trace_input *input, uint64_t offset, uint64_t size, uint64_t from, uint64_t to,
                      uint8_t *out) {
    while (from < to) {
        uint64_t at = from & (size - 1);
        uint64_t length = to - from < size - at ? to - from : size - at;
        if (reader_bytes(input, offset + at, out, (size_t)length)) return -EIO;
        out += length;
        from += length;
    }
    return 0;
}

/*
 * The position in a ring where what follows is a hole of the file, or `to`. Such zeros are no events, so they need no
 * memory, however many they are said to be; those that a last event may have, and more, are left, so that the rest
 * shows as invalid.
 */
static uint64_t before_hole(const struct trace_input *input, uint64_t offset, uint64_t size, uint64_t from,
                            uint64_t to) {
    const uint64_t block = size < 65536 ? size : 65536;
    for (uint64_t at = from, end; at < to; at = end) {
        uint64_t within = at & (size - 1), room = block - (at & (block - 1));
        end = to - at < room ? to : at + room;
        if (reader_next_data(input, offset + within) < offset + within + (end - at)) continue;
        return to - at < 16 * TRACE_EVENT_MAX_WORDS ? to : at + 16 * TRACE_EVENT_MAX_WORDS;
    }
    return to;
}

/* The words directly below the head, whether they are in a frame or not. */
struct newest {
    uint64_t words[TRACE_EVENT_MAX_WORDS]; /* the last is that below the head */
};

static bool is_newest(const struct newest *newest, const uint64_t *words, size_t count) {
    return memcmp(newest->words + TRACE_EVENT_MAX_WORDS - count, words, count * sizeof *words) == 0;
}

/* Leaves the events in a nested queue, without gaps and without one that the ring has already; returns their words. */
static size_t nested_events(uint64_t *words, size_t count, const struct newest *newest) {
    struct trace_event event;
    size_t at = 0, kept = 0, seen = 0;
    while (at < count) {
        uint64_t gap = words[at] >> (64 - TRACE_EVENT_OPERAND_BITS);
        if (!(words[at] & 0xff)) {
            if (gap > count - at) break;
            at += gap ? (size_t)gap : 1;
            continue;
        }
        int length = decode_words(words + at, count - at, &event);
        if (length <= 0) {
            memmove(words + kept, words + at, (count - at) * sizeof *words); /* invalid: a reader finds that out */
            return kept + (count - at);
        }
        if (seen++ || !is_newest(newest, words + at, (size_t)length)) {
            memmove(words + kept, words + at, (size_t)length * sizeof *words);
            kept += (size_t)length;
        }
        at += (size_t)length;
    }
    return kept;
}

static void copy_nested(struct ring_rest *rest, const uint8_t *page, uint64_t nested, const struct newest *newest) {
    uint64_t *words = rest->words + rest->count;
    for (uint64_t i = 0; i < nested; i++) words[i] = fixed_at(page, TRACE_SLOT_AT_NESTED_WORDS + 8 * i, 8);
    rest->nested = nested_events(words, (size_t)nested, newest);
}

static void to_host_order(uint64_t *words, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct wire_reader r = wire_reader(&words[i], 8);
        words[i] = wire_get_u64(&r);
    }
}

/* Takes words [tail, head) and the nested queue as they are now. */
static int snapshot_ring(struct trace_input *input, const struct frame_entry *entry, struct recovery *out) {
    uint8_t page[TRACE_SLOT_CONTROL];
    struct control_page control;
    bool readable = read_control(input, entry, &control, page);
    if (readable && (!control.owner || (control.head == control.tail && !control.nested))) return 0;
    if (!readable || !is_credible(&control)) {
        out->bad_slots = true;
        return 0;
    }
    struct ring_rest *rest = LIST_ADD(out->rings, out->ring_count);
    if (!rest) return -ENOMEM;
    const uint64_t data = entry->offset + TRACE_SLOT_CONTROL, size = control.size;
    const uint64_t tail = 8 * control.tail, head = 8 * control.head;
    const uint64_t end = before_hole(input, data, size, tail, head);
    *rest = (struct ring_rest){control.owner, control.tid, out->frames_seen, control.tail, NULL, 0, 0};
    rest->count = (size_t)(end - tail) / 8;
    rest->words = malloc((rest->count + control.nested + 1) * sizeof *rest->words);
    if (!rest->words) return -ENOMEM;
    if (copy_range(input, data, size, tail, end, (uint8_t *)rest->words)) rest->count = 0;
    to_host_order(rest->words, rest->count);
    struct newest newest = {{0}};
    uint64_t there = control.head < TRACE_EVENT_MAX_WORDS ? control.head : TRACE_EVENT_MAX_WORDS;
    copy_range(input, data, size, head - 8 * there, head, (uint8_t *)(newest.words + TRACE_EVENT_MAX_WORDS - there));
    to_host_order(newest.words, TRACE_EVENT_MAX_WORDS);
    copy_nested(rest, page, control.nested, &newest);
    return 0;
}

static int snapshot_journal(struct trace_input *input, const struct frame_entry *entry, struct recovery *out) {
    uint8_t page[TRACE_SLOT_CONTROL];
    struct control_page control;
    bool readable = read_control(input, entry, &control, page);
    if (readable && (control.head <= control.tail || out->journal)) return 0;
    if (!readable || control.head - control.tail > control.size) {
        out->bad_slots = true;
        return 0;
    }
    size_t length = (size_t)(control.head - control.tail);
    out->journal = malloc(length);
    if (!out->journal) return -ENOMEM;
    if (copy_range(input, entry->offset + TRACE_SLOT_CONTROL, control.size, control.tail, control.head, out->journal))
        length = 0;
    out->journal_length = length;
    out->journal_first = control.tail;
    out->journal_frame = out->frames_seen;
    return 0;
}

static int snapshot_slots(struct trace_input *input, struct recovery *out) {
    for (; out->frames_seen < input->frame_count; out->frames_seen++) {
        struct frame_entry entry = input->frames[out->frames_seen];
        int error = 0;
        if (entry.frame.kind == TRACE_FRAME_SLOT_RING) error = snapshot_ring(input, &entry, out);
        if (entry.frame.kind == TRACE_FRAME_SLOT_JOURNAL) error = snapshot_journal(input, &entry, out);
        if (error) return error;
    }
    return 0;
}

/* End position of the last good frame of this kind and thread, 0 if there is none. */
static uint64_t framed_until(const struct trace_input *input, uint16_t kind, uint32_t thread) {
    struct payload payload = {0};
    uint64_t end = 0;
    for (size_t i = input->frame_count; i-- > 0 && !end;) {
        const struct frame_entry *entry = &input->frames[i];
        if (entry->frame.kind != kind || entry->frame.thread != thread || !entry->frame.end) continue;
        if (!reader_payload(input, entry, &payload)) end = entry->frame.end;
    }
    payload_release(&payload);
    return end;
}

/* How many of `count` positions from `first` on lie below `until`. */
static size_t overlap(uint64_t first, size_t count, uint64_t until) {
    if (until <= first) return 0;
    return until - first < count ? (size_t)(until - first) : count;
}

static void trim_rings(const struct trace_input *input, struct recovery *out) {
    size_t kept = 0;
    for (size_t i = 0; i < out->ring_count; i++) {
        struct ring_rest rest = out->rings[i];
        size_t known = overlap(rest.first, rest.count, framed_until(input, TRACE_FRAME_EVENTS, rest.thread));
        memmove(rest.words, rest.words + known, (rest.count - known + rest.nested) * sizeof *rest.words);
        rest.first += known;
        rest.count -= known;
        if (rest.count + rest.nested) out->rings[kept++] = rest;
        else free(rest.words);
    }
    out->ring_count = kept;
}

static void trim_journal(const struct trace_input *input, struct recovery *out) {
    size_t known = overlap(out->journal_first, out->journal_length, framed_until(input, TRACE_FRAME_RECORDS, 0));
    if (!known) return;
    out->journal_length -= known;
    out->journal_first += known;
    memmove(out->journal, out->journal + known, out->journal_length);
}

int recover_slots(struct trace_input *input, struct recovery *out) {
    *out = (struct recovery){0};
    for (int look = 0; look < 4 && out->frames_seen < input->frame_count; look++) {
        int error = snapshot_slots(input, out);
        if (error) return error;
        if (input->header.state == TRACE_STATE_CLOSED) break;
        error = reader_refresh(input);
        if (error == -ENOMEM) return error;
    }
    trim_rings(input, out);
    trim_journal(input, out);
    return 0;
}

void recovery_release(struct recovery *recovery) {
    for (size_t i = 0; i < recovery->ring_count; i++) free(recovery->rings[i].words);
    free(recovery->rings);
    free(recovery->journal);
    *recovery = (struct recovery){0};
}

size_t recover_events(const uint64_t *words, size_t count, struct trace_event *events, size_t capacity, size_t *used) {
    size_t at = 0, found = 0;
    while (at < count && found < capacity) {
        int length = decode_words(words + at, count - at, &events[found]);
        if (length <= 0) break;
        at += (size_t)length;
        found++;
    }
    *used = at;
    return found;
}

size_t recover_whole(const uint64_t *words, size_t count) {
    struct trace_event event;
    size_t at = 0;
    for (int length; at < count && (length = decode_words(words + at, count - at, &event)) > 0;) at += (size_t)length;
    return at;
}

static bool parse_request(const uint8_t *slot, uint32_t number, struct mailbox_request *out) {
    if (fixed_at(slot, TRACE_MAIL_AT_READY, 4) != (uint32_t)(number + 1)) return false;
    size_t length = (size_t)fixed_at(slot, TRACE_MAIL_AT_LENGTH, 4);
    if (length >= sizeof out->name) return false;
    out->command = (uint32_t)fixed_at(slot, TRACE_MAIL_AT_COMMAND, 4);
    out->stamp = fixed_at(slot, TRACE_MAIL_AT_STAMP, 8);
    out->flags = (uint32_t)fixed_at(slot, TRACE_MAIL_AT_FLAGS, 4);
    memcpy(out->name, slot + TRACE_MAIL_AT_NAME, length);
    out->name[length] = 0;
    return true;
}

size_t recover_mailbox(const struct trace_input *input, struct mailbox_request requests[TRACE_MAILBOX_SLOTS]) {
    const struct trace_header *h = &input->header;
    uint32_t open = h->mailbox_posted - h->mailbox_done;
    size_t found = 0;
    if (h->size < TRACE_HEADER_SIZE || open > TRACE_MAILBOX_SLOTS) return 0;
    for (uint32_t i = 0; i < open; i++) {
        uint8_t slot[TRACE_MAILBOX_SLOT_SIZE];
        uint32_t number = h->mailbox_done + i;
        uint64_t at = TRACE_AT_MAILBOX + (uint64_t)(number % TRACE_MAILBOX_SLOTS) * TRACE_MAILBOX_SLOT_SIZE;
        if (reader_bytes(input, at, slot, sizeof slot)) break;
        if (parse_request(slot, number, &requests[found])) found++;
    }
    return found;
}
