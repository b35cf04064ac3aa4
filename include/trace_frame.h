/*
 * A frame's header as bytes (FORMAT.md "Frames"): both directions, for all who write or read a trace.
 *
 * Pure: no allocation, no I/O, no globals. The caller brings its way to a CRC-32 (that of zlib).
 */
#ifndef TIDEMARK_TRACE_FRAME_H
#define TIDEMARK_TRACE_FRAME_H

#include "trace_format.h"
#include "trace_wire.h"

/* Whether the payload is not packed, but memory that the recorder writes to. */
static inline bool trace_frame_is_slot(const struct trace_frame *frame) {
    return frame->kind >= TRACE_FRAME_SLOT_RING && frame->kind <= TRACE_FRAME_SLOT_NODES;
}

typedef uint32_t trace_crc(const void *bytes, size_t length);

/* Writes the TRACE_FRAME_SIZE bytes of a header. */
static inline void trace_frame_encode(const struct trace_frame *frame, uint8_t *bytes, trace_crc *crc) {
    uint8_t header[TRACE_FRAME_SIZE];
    struct wire_writer w = wire_writer(header, sizeof header);
    wire_put_u32(&w, TRACE_FRAME_MAGIC);
    wire_put_u16(&w, frame->kind);
    wire_put_u8(&w, frame->codec);
    wire_put_u8(&w, frame->flags);
    wire_put_u32(&w, frame->raw_length);
    wire_put_u32(&w, frame->stored_length);
    wire_put_u32(&w, frame->crc);
    wire_put_u32(&w, frame->thread);
    wire_put_u64(&w, frame->first_stamp);
    wire_put_u64(&w, frame->last_stamp);
    wire_put_u64(&w, frame->first);
    wire_put_u64(&w, frame->end);
    wire_put_u32(&w, frame->count);
    wire_put_u32(&w, crc(header, TRACE_FRAME_AT_HEADER_CRC));
    memcpy(bytes, header, sizeof header);
}

static inline bool trace_frame_is_sound(const uint8_t *bytes, trace_crc *crc) {
    struct wire_reader magic = wire_reader(bytes + TRACE_FRAME_AT_MAGIC, sizeof(uint32_t));
    struct wire_reader sum = wire_reader(bytes + TRACE_FRAME_AT_HEADER_CRC, sizeof(uint32_t));
    return wire_get_u32(&magic) == TRACE_FRAME_MAGIC && wire_get_u32(&sum) == crc(bytes, TRACE_FRAME_AT_HEADER_CRC);
}

/* False where the TRACE_FRAME_SIZE bytes are no header of a frame that may be; *frame is as it was then. */
static inline bool trace_frame_decode(const uint8_t *bytes, struct trace_frame *frame, trace_crc *crc) {
    if (!trace_frame_is_sound(bytes, crc)) return false;
    struct wire_reader r = wire_reader(bytes + TRACE_FRAME_AT_KIND, TRACE_FRAME_SIZE - TRACE_FRAME_AT_KIND);
    struct trace_frame f = {.kind = wire_get_u16(&r)};
    f.codec = wire_get_u8(&r);
    f.flags = wire_get_u8(&r);
    f.raw_length = wire_get_u32(&r);
    f.stored_length = wire_get_u32(&r);
    f.crc = wire_get_u32(&r);
    f.thread = wire_get_u32(&r);
    f.first_stamp = wire_get_u64(&r);
    f.last_stamp = wire_get_u64(&r);
    f.first = wire_get_u64(&r);
    f.end = wire_get_u64(&r);
    f.count = wire_get_u32(&r);
    if (f.raw_length > TRACE_PAYLOAD_MAX || f.stored_length > TRACE_PAYLOAD_MAX) return false;
    *frame = f;
    return true;
}

#endif
