/*
 * One records frame behind all others (append.h). The frame's positions are empty: its bytes are not the journal's. The
 * tail moves last, so that a launcher killed here leaves the trace as it was.
 */
#include "append.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "../../include/trace_format.h"
#include "../../include/trace_wire.h"

static void encode_frame(const uint8_t *payload, size_t length, uint32_t count, uint8_t out[TRACE_FRAME_SIZE]) {
    struct wire_writer w = wire_writer(out, TRACE_FRAME_SIZE);
    wire_put_u32(&w, TRACE_FRAME_MAGIC);
    wire_put_u16(&w, TRACE_FRAME_RECORDS);
    wire_put_u8(&w, TRACE_CODEC_NONE);
    wire_put_u8(&w, 0);
    wire_put_u32(&w, (uint32_t)length);
    wire_put_u32(&w, (uint32_t)length);
    wire_put_u32(&w, (uint32_t)crc32(0, payload, (uInt)length));
    wire_put_u32(&w, 0);
    for (int empty = 0; empty < 4; empty++) wire_put_u64(&w, 0); /* stamps and positions */
    wire_put_u32(&w, count);
    wire_put_u32(&w, (uint32_t)crc32(0, out, TRACE_FRAME_AT_HEADER_CRC));
}

bool append_read_frame(int fd, uint64_t at, uint64_t tail, struct trace_frame *out) {
    uint8_t bytes[TRACE_FRAME_SIZE];
    if (pread(fd, bytes, sizeof bytes, (off_t)at) != sizeof bytes) return false;
    struct wire_reader r = wire_reader(bytes, sizeof bytes);
    uint32_t magic = wire_get_u32(&r);
    out->kind = wire_get_u16(&r);
    out->codec = wire_get_u8(&r);
    out->flags = wire_get_u8(&r);
    out->raw_length = wire_get_u32(&r);
    out->stored_length = wire_get_u32(&r);
    out->crc = wire_get_u32(&r);
    out->thread = wire_get_u32(&r);
    out->first_stamp = wire_get_u64(&r);
    out->last_stamp = wire_get_u64(&r);
    out->first = wire_get_u64(&r);
    out->end = wire_get_u64(&r);
    out->count = wire_get_u32(&r);
    bool sound = wire_get_u32(&r) == crc32(0, bytes, TRACE_FRAME_AT_HEADER_CRC);
    return magic == TRACE_FRAME_MAGIC && sound && at + TRACE_FRAME_SIZE + out->stored_length <= tail;
}

static int write_at(int fd, const void *bytes, size_t length, uint64_t offset) {
    ssize_t wrote = pwrite(fd, bytes, length, (off_t)offset);
    if (wrote == (ssize_t)length) return 0;
    return wrote < 0 ? -errno : -ENOSPC;
}

static int read_tail(int fd, uint64_t *tail) {
    uint8_t bytes[8];
    if (pread(fd, bytes, sizeof bytes, TRACE_AT_TAIL) != sizeof bytes) return -EPROTO;
    struct wire_reader r = wire_reader(bytes, sizeof bytes);
    *tail = wire_get_u64(&r);
    bool sane = *tail >= TRACE_HEADER_SIZE && *tail % 8 == 0 && *tail <= INT64_MAX - 2 * APPEND_BYTES_MAX;
    return sane ? 0 : -EPROTO;
}

static int write_tail(int fd, uint64_t tail) {
    uint8_t bytes[8];
    struct wire_writer w = wire_writer(bytes, sizeof bytes);
    wire_put_u64(&w, tail);
    return write_at(fd, bytes, sizeof bytes, TRACE_AT_TAIL);
}

int append_records(int fd, const uint8_t *records, size_t length, uint32_t count) {
    uint64_t tail;
    if (length > APPEND_BYTES_MAX) return -EFBIG;
    size_t whole = (TRACE_FRAME_SIZE + length + 7) & ~(size_t)7;
    int error = read_tail(fd, &tail);
    uint8_t *bytes = error ? NULL : calloc(1, whole);
    if (!bytes) return error ? error : -ENOMEM;
    memcpy(bytes + TRACE_FRAME_SIZE, records, length);
    encode_frame(records, length, count, bytes);
    error = write_at(fd, bytes, whole, tail);
    free(bytes);
    return error ? error : write_tail(fd, tail + whole);
}
