/*
 * Writes traces for tests. See trace_builder.h. Event frames go through the recorder's encoder; all else is by hand.
 */
#include "trace_builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../../include/trace_wire.h"
#include "../../preload/columns.h"

static uint8_t *room(struct trace_builder *b, size_t length) {
    if (b->length + length > b->capacity) {
        b->capacity = 2 * (b->length + length);
        b->bytes = realloc(b->bytes, b->capacity);
        if (!b->bytes) abort();
    }
    uint8_t *at = b->bytes + b->length;
    memset(at, 0, length);
    b->length += length;
    return at;
}

void builder_set(struct trace_builder *b, size_t at, uint64_t value, unsigned width) {
    struct wire_writer w = wire_writer(b->bytes + at, width);
    wire_put_fixed(&w, value, width);
}

void builder_begin(struct trace_builder *b) {
    *b = (struct trace_builder){0};
    memcpy(room(b, TRACE_HEADER_SIZE), TRACE_MAGIC, 8);
    builder_set(b, TRACE_AT_MAJOR, TRACE_VERSION_MAJOR, 2);
    builder_set(b, TRACE_AT_HEADER_SIZE, TRACE_HEADER_SIZE, 4);
    builder_set(b, TRACE_AT_PID, 4711, 4);
    builder_set(b, TRACE_AT_STAMP_SOURCE, TRACE_STAMP_TSC, 1);
    builder_set(b, TRACE_AT_POINTER_SIZE, 8, 1);
    builder_set(b, TRACE_AT_STATE, TRACE_STATE_OPEN, 4);
}

void builder_end(struct trace_builder *b) { free(b->bytes); }

void builder_write_raw(const struct trace_builder *b, const char *path) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(b->bytes, 1, b->length, file) != b->length || fclose(file)) abort();
}

void builder_write(struct trace_builder *b, const char *path, uint32_t state) {
    builder_set(b, TRACE_AT_TAIL, b->length, 8);
    builder_set(b, TRACE_AT_STATE, state, 4);
    builder_write_raw(b, path);
}

size_t builder_frame(struct trace_builder *b, struct trace_frame f, const void *payload, size_t length) {
    size_t at = b->length;
    room(b, (TRACE_FRAME_SIZE + length + 7) & ~(size_t)7);
    if (f.kind < TRACE_FRAME_SLOT_RING) f.crc = (uint32_t)crc32(0, payload, (uInt)length);
    if (!f.raw_length) f.raw_length = (uint32_t)length;
    builder_set(b, at + TRACE_FRAME_AT_MAGIC, TRACE_FRAME_MAGIC, 4);
    builder_set(b, at + TRACE_FRAME_AT_KIND, f.kind, 2);
    builder_set(b, at + TRACE_FRAME_AT_CODEC, f.codec, 1);
    builder_set(b, at + TRACE_FRAME_AT_FLAGS, f.flags, 1);
    builder_set(b, at + TRACE_FRAME_AT_RAW, f.raw_length, 4);
    builder_set(b, at + TRACE_FRAME_AT_STORED, length, 4);
    builder_set(b, at + TRACE_FRAME_AT_CRC, f.crc, 4);
    builder_set(b, at + TRACE_FRAME_AT_THREAD, f.thread, 4);
    builder_set(b, at + TRACE_FRAME_AT_FIRST_STAMP, f.first_stamp, 8);
    builder_set(b, at + TRACE_FRAME_AT_LAST_STAMP, f.last_stamp, 8);
    builder_set(b, at + TRACE_FRAME_AT_FIRST, f.first, 8);
    builder_set(b, at + TRACE_FRAME_AT_END, f.end, 8);
    builder_set(b, at + TRACE_FRAME_AT_COUNT, f.count, 4);
    builder_set(b, at + TRACE_FRAME_AT_HEADER_CRC, crc32(0, b->bytes + at, TRACE_FRAME_AT_HEADER_CRC), 4);
    if (length) memcpy(b->bytes + at + TRACE_FRAME_SIZE, payload, length);
    return at;
}

void record_begin(struct record_text *text) { text->length = 0; }

void record_put(struct record_text *text, enum trace_record_kind kind, const char *fields, ...) {
    uint8_t body[8192];
    struct wire_writer w = wire_writer(body, sizeof body);
    va_list arguments;
    va_start(arguments, fields);
    for (; *fields; fields++) {
        if (*fields == 'n') wire_put_varint(&w, va_arg(arguments, uint64_t));
        if (*fields != 's') continue;
        const char *string = va_arg(arguments, const char *);
        wire_put_string(&w, string, strlen(string));
    }
    va_end(arguments);
    struct wire_writer out = wire_writer(text->bytes + text->length, sizeof text->bytes - text->length);
    wire_put_varint(&out, kind);
    wire_put_string(&out, (const char *)body, (size_t)(w.at - body));
    if (out.failed) abort();
    text->length = (size_t)(out.at - text->bytes);
}

void builder_records(struct trace_builder *b, const struct record_text *text) {
    builder_frame(b, (struct trace_frame){.kind = TRACE_FRAME_RECORDS, .end = text->length}, text->bytes, text->length);
}

static void pad_to_page(struct trace_builder *b) {
    static const uint8_t zeros[2 * TRACE_PAGE];
    size_t left = (TRACE_PAGE - (b->length + TRACE_FRAME_SIZE) % TRACE_PAGE) % TRACE_PAGE;
    if (!left) return;
    if (left < TRACE_FRAME_SIZE) left += TRACE_PAGE;
    builder_frame(b, (struct trace_frame){.kind = TRACE_FRAME_PAD}, zeros, left - TRACE_FRAME_SIZE);
}

static uint8_t *add_slot(struct trace_builder *b, uint16_t kind, uint32_t thread, size_t data) {
    size_t length = TRACE_SLOT_CONTROL + data;
    uint8_t *payload = calloc(1, length);
    pad_to_page(b);
    size_t at = builder_frame(b, (struct trace_frame){.kind = kind, .thread = thread}, payload, length);
    free(payload);
    return b->bytes + at + TRACE_FRAME_SIZE;
}

static void put_at(uint8_t *slot, size_t at, uint64_t value, unsigned width) {
    struct wire_writer w = wire_writer(slot + at, width);
    wire_put_fixed(&w, value, width);
}

static void put_control(uint8_t *slot, uint32_t owner, uint64_t tail, uint64_t head) {
    put_at(slot, TRACE_SLOT_AT_THREAD, owner, 4);
    put_at(slot, TRACE_SLOT_AT_TID, owner + 1000, 4);
    put_at(slot, TRACE_SLOT_AT_HEAD, head, 8);
    put_at(slot, TRACE_SLOT_AT_TAIL, tail, 8);
}

void builder_journal_slot(struct trace_builder *b, const void *bytes, uint64_t tail, uint64_t head, size_t size) {
    uint8_t *slot = add_slot(b, TRACE_FRAME_SLOT_JOURNAL, 0, size);
    put_control(slot, 1, tail, head);
    for (uint64_t p = tail; p < head; p++) slot[TRACE_SLOT_CONTROL + p % size] = ((const uint8_t *)bytes)[p];
}

void builder_ring_slot(struct trace_builder *b, uint32_t thread, const uint64_t *words, uint64_t tail, uint64_t head,
                       size_t size, const uint64_t *nested, size_t nested_count) {
    uint8_t *slot = add_slot(b, TRACE_FRAME_SLOT_RING, 0, size * 8);
    put_control(slot, thread, tail, head);
    put_at(slot, TRACE_SLOT_AT_NESTED, nested_count, 8);
    for (size_t i = 0; i < nested_count; i++) put_at(slot, TRACE_SLOT_AT_NESTED_WORDS + 8 * i, nested[i], 8);
    for (uint64_t p = tail; p < head; p++) put_at(slot, TRACE_SLOT_CONTROL + 8 * (p % size), words[p], 8);
}

static const uint8_t words_of_kind[256] = {
#define TRACE_EVENT(name, value, words, text) [value] = words,
#include "../../include/trace_records.def"
};

size_t event_words(uint64_t *words, const struct trace_event *e) {
    bool control = e->kind >= TRACE_EVENT_PHASE_BEGIN;
    bool wide = !control && words_of_kind[e->kind] > 2 && (e->size > UINT32_MAX || e->kind == TRACE_EVENT_BREAK);
    words[0] = e->kind | (uint64_t)(e->flags | (wide ? TRACE_EVENT_WIDE : 0)) << 8 | e->address << 16;
    words[1] = e->stamp;
    if (words_of_kind[e->kind] < 3) return 2;
    words[2] = control ? e->size : (uint64_t)e->stack << 32 | (wide ? 0 : (uint32_t)e->size);
    words[3] = e->size;
    return wide ? 4 : 3;
}

void builder_events(struct trace_builder *b, uint32_t thread, const uint64_t *words, uint64_t first, uint64_t end,
                    int ordered) {
    struct columns *columns = aligned_alloc(64, (columns_size() + 63) & ~(size_t)63);
    uint8_t *payload = malloc(columns_bound());
    memset(columns, 0, columns_size());
    while (first < end) {
        struct columns_input input = {
            .ring = words, .mask = UINT64_MAX, .first = first, .end = end, .ordered = ordered};
        struct columns_output output;
        if (columns_encode(columns, &input, payload, &output)) abort();
        builder_frame(b,
                      (struct trace_frame){.kind = TRACE_FRAME_EVENTS,
                                           .flags = ordered ? TRACE_FRAME_ORDERED : 0,
                                           .thread = thread,
                                           .first_stamp = output.first_stamp,
                                           .last_stamp = output.last_stamp,
                                           .first = first,
                                           .end = output.end,
                                           .count = output.count},
                      payload, output.bytes);
        first = output.end;
    }
    free(columns);
    free(payload);
}

void builder_nodes(struct trace_builder *b, uint32_t first, uint32_t count, uint64_t first_ip) {
    size_t capacity = 30 * (size_t)count + 64;
    uint8_t *payload = malloc(capacity);
    if (!payload) abort();
    struct wire_writer w = wire_writer(payload, capacity);
    for (uint32_t i = 0; i < count; i++) wire_put_varint(&w, 1);
    for (uint32_t i = 0; i < count; i++) wire_put_signed(&w, i ? 16 : (int64_t)first_ip);
    for (uint32_t i = 0; i < count; i++) wire_put_signed(&w, i ? 0 : 1);
    builder_frame(b,
                  (struct trace_frame){.kind = TRACE_FRAME_NODES, .first = first, .end = first + count, .count = count},
                  payload, (size_t)(w.at - payload));
    free(payload);
}
