/* Builds traces from bytes (trace_input.h). */
#include "trace_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../include/trace_frame.h"
#include "../unit/trace_builder.h"

#define RING_WORDS 512u
#define JOURNAL_BYTES 4096u
#define MOST_COMMANDS 64
#define SLOT_MOST 69632u /* control page and data */

struct input {
    const uint8_t *at;
    size_t left;
};

static uint64_t take(struct input *input, unsigned width) {
    uint64_t value = 0;
    for (unsigned i = 0; i < width && input->left; i++, input->left--) value |= (uint64_t)*input->at++ << 8 * i;
    return value;
}

static const uint8_t *take_bytes(struct input *input, size_t *length) {
    const uint8_t *bytes = input->at;
    if (*length > input->left) *length = input->left;
    input->at += *length;
    input->left -= *length;
    return bytes;
}

static void add_frame(struct trace_builder *b, struct input *input) {
    struct trace_frame frame = {.kind = (uint16_t)(2 + take(input, 1) % 4), .thread = (uint32_t)take(input, 1)};
    frame.codec = take(input, 1) % 8 == 0;
    frame.first = take(input, 2);
    frame.end = take(input, 2);
    frame.first_stamp = take(input, 8);
    frame.count = (uint32_t)take(input, 2);
    if (frame.codec) frame.raw_length = (uint32_t)take(input, 4);
    size_t length = take(input, 2) % 2048;
    const uint8_t *payload = take_bytes(input, &length);
    builder_frame(b, frame, payload, length);
}

/* Words made of few different addresses, stamps and threads, so that events meet. */
static void add_ring(struct trace_builder *b, struct input *input) {
    uint64_t words[RING_WORDS * 2] = {0}, nested[8] = {0};
    uint64_t tail = take(input, 1), head = tail + take(input, 2) % (RING_WORDS + 8);
    uint32_t thread = (uint32_t)take(input, 1) % 4;
    for (uint64_t p = tail; p + 4 < head && p + 4 < RING_WORDS * 2 && input->left;) {
        struct trace_event event = {.kind = (uint8_t)(take(input, 1) % 50), .stamp = take(input, 1)};
        uint64_t what = take(input, 2);
        event.address = (what & 15) * 4096 + (what >> 4 & 1) * 0x7ffffffff000u;
        event.size = (what >> 5 & 31) * 1024 + (what >> 10 & 1) * (UINT64_MAX - 5000);
        event.stack = (what >> 11 & 1) * 0xffffffffu + (what >> 12 & 3);
        event.flags = (uint8_t)(what >> 14 & 1 ? TRACE_EVENT_INTERNAL : what >> 15 ? TRACE_EVENT_FAILED : 0);
        p += event_words(words + p, &event);
        head = what % 97 ? head : p;
    }
    size_t count = 8 * sizeof *nested;
    memcpy(nested, take_bytes(input, &count), count);
    if (head > RING_WORDS * 2) head = RING_WORDS * 2;
    builder_ring_slot(b, thread, words, tail < head ? tail : head, head, RING_WORDS, nested, take(input, 1) % 8);
}

static void add_journal(struct trace_builder *b, struct input *input) {
    static uint8_t journal[JOURNAL_BYTES];
    size_t length = take(input, 2) % JOURNAL_BYTES;
    const uint8_t *bytes = take_bytes(input, &length);
    memcpy(journal, bytes, length);
    builder_journal_slot(b, journal, length ? take(input, 2) % length : 0, length, JOURNAL_BYTES);
}

static void add_nodes(struct trace_builder *b, struct input *input) {
    uint32_t first = (uint32_t)take(input, 4);
    uint32_t count = 1 + (uint32_t)take(input, 1);
    if (first && first < UINT32_MAX - 300) builder_nodes(b, first, count, take(input, 6));
}

static void corrupt(struct trace_builder *b, struct input *input) {
    size_t at = take(input, 3) % b->length;
    b->bytes[at] ^= (uint8_t)take(input, 1);
}

/* One whole record of a known kind: its fields are the input's. */
static void add_record(struct trace_builder *b, struct input *input) {
    static struct record_text text;
    size_t length = take(input, 1);
    uint8_t kind = (uint8_t)(1 + take(input, 1) % 19);
    const uint8_t *body = take_bytes(input, &length);
    record_begin(&text);
    text.bytes[text.length++] = kind;
    if (length >= 128) text.bytes[text.length++] = (uint8_t)(length | 128);
    text.bytes[text.length++] = (uint8_t)(length >= 128 ? length >> 7 : length);
    memcpy(text.bytes + text.length, body, length);
    text.length += length;
    builder_records(b, &text);
}

static void (*const commands[])(struct trace_builder *, struct input *) = {
    add_frame, add_ring, add_journal, add_nodes, add_ring, add_record, add_record, corrupt};

static void build(struct trace_builder *b, struct input *input) {
    builder_set(b, TRACE_AT_MAILBOX_HEAD, take(input, 1), 4);
    size_t mail = 64;
    const uint8_t *slot = take_bytes(input, &mail);
    memcpy(b->bytes + TRACE_AT_MAILBOX, slot, mail);
    for (int i = 0; i < MOST_COMMANDS && input->left; i++) commands[take(input, 1) % 8](b, input);
    builder_set(b, TRACE_AT_TAIL, take(input, 1) % 8 ? b->length : take(input, 4), 8);
}

static uint64_t field_at(const uint8_t *bytes, size_t at, unsigned width) {
    struct input input = {bytes + at, width};
    return take(&input, width);
}

static struct trace_frame parse_frame(const uint8_t *head) {
    return (struct trace_frame){.kind = (uint16_t)field_at(head, TRACE_FRAME_AT_KIND, 2),
                                .codec = head[TRACE_FRAME_AT_CODEC],
                                .flags = head[TRACE_FRAME_AT_FLAGS],
                                .raw_length = (uint32_t)field_at(head, TRACE_FRAME_AT_RAW, 4),
                                .stored_length = (uint32_t)field_at(head, TRACE_FRAME_AT_STORED, 4),
                                .crc = (uint32_t)field_at(head, TRACE_FRAME_AT_CRC, 4),
                                .thread = (uint32_t)field_at(head, TRACE_FRAME_AT_THREAD, 4),
                                .first_stamp = field_at(head, TRACE_FRAME_AT_FIRST_STAMP, 8),
                                .last_stamp = field_at(head, TRACE_FRAME_AT_LAST_STAMP, 8),
                                .first = field_at(head, TRACE_FRAME_AT_FIRST, 8),
                                .end = field_at(head, TRACE_FRAME_AT_END, 8),
                                .count = (uint32_t)field_at(head, TRACE_FRAME_AT_COUNT, 4)};
}

static bool begins_frame(const struct input *input) {
    return input->left >= TRACE_FRAME_SIZE && field_at(input->at, TRACE_FRAME_AT_MAGIC, 4) == TRACE_FRAME_MAGIC;
}

/* A frame as it stands in a file, but for its checksums. In place of a slot's stands how much of it is not zeros. */
static void add_whole_frame(struct trace_builder *b, struct input *input) {
    static uint8_t payload[SLOT_MOST];
    struct trace_frame frame = parse_frame(input->at);
    bool slot = trace_frame_is_slot(&frame);
    size_t length = frame.stored_length < SLOT_MOST ? frame.stored_length : SLOT_MOST;
    size_t there = slot && frame.crc < length ? frame.crc : length;
    input->at += TRACE_FRAME_SIZE;
    input->left -= TRACE_FRAME_SIZE;
    const uint8_t *bytes = take_bytes(input, &there);
    memset(payload, 0, length);
    memcpy(payload, bytes, there);
    if (frame.codec == TRACE_CODEC_NONE) frame.raw_length = 0; /* that of the payload */
    if (frame.codec == TRACE_CODEC_NONE) builder_frame(b, frame, payload, slot ? length : there);
    else builder_frame(b, frame, payload, there);
}

const char *trace_input_write(const uint8_t *bytes, size_t length) {
    static char path[64];
    static int fd = -1;
    struct input input = {bytes, length};
    struct trace_builder b;
    if (fd < 0) fd = memfd_create("trace", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    builder_begin(&b);
    if (begins_frame(&input)) {
        while (begins_frame(&input)) add_whole_frame(&b, &input);
        builder_set(&b, TRACE_AT_TAIL, b.length, 8);
    } else build(&b, &input);
    if (ftruncate(fd, 0) || pwrite(fd, b.bytes, b.length, 0) != (ssize_t)b.length) abort();
    builder_end(&b);
    return path;
}
