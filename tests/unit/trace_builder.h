/*
 * Builds trace files for tests, byte by byte after FORMAT.md, so that the reader is tested against the page and not
 * against the recorder. Everything goes into memory first; tests may damage it before it is written.
 */
#ifndef TESTS_TRACE_BUILDER_H
#define TESTS_TRACE_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "../../include/trace_format.h"

struct trace_builder {
    uint8_t *bytes;
    size_t length, capacity;
};

void builder_begin(struct trace_builder *builder);
void builder_end(struct trace_builder *builder);
/* Sets tail and state and writes the file. */
void builder_write(struct trace_builder *builder, const char *path, uint32_t state);
/* The bytes as they are. */
void builder_write_raw(const struct trace_builder *builder, const char *path);

void builder_set(struct trace_builder *builder, size_t at, uint64_t value, unsigned width);

/* Appends a frame; raw and stored length, CRCs and padding are filled in. Returns the offset of its header. */
size_t builder_frame(struct trace_builder *builder, struct trace_frame frame, const void *payload, size_t length);

/* Records: collected, then written as one frame or put in a journal slot. */
struct record_text {
    uint8_t bytes[65536];
    size_t length;
};
void record_begin(struct record_text *text);
/* Fields: n a number, s a string; ended by NULL-free va_list as long as `fields` says. */
void record_put(struct record_text *text, enum trace_record_kind kind, const char *fields, ...);
void builder_records(struct trace_builder *builder, const struct record_text *text);
void builder_journal_slot(struct trace_builder *builder, const void *bytes, uint64_t tail, uint64_t head, size_t size);

/* Event words; returns how many were put at `words`. */
size_t event_words(uint64_t *words, const struct trace_event *event);
/* A ring slot of `size` words that holds words[tail..head) of a thread's stream (`words` is the whole stream). */
void builder_ring_slot(struct trace_builder *builder, uint32_t thread, const uint64_t *words, uint64_t tail,
                       uint64_t head, size_t size, const uint64_t *nested, size_t nested_count);
/* An events frame of words [first, end) of a thread's stream. */
void builder_events(struct trace_builder *builder, uint32_t thread, const uint64_t *words, uint64_t first, uint64_t end,
                    int ordered);
void builder_nodes(struct trace_builder *builder, uint32_t first, uint32_t count, uint64_t first_ip);

#endif
