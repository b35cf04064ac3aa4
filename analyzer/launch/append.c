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

#include "../../include/trace_frame.h"

static uint32_t crc_of(const void *bytes, size_t length) { return (uint32_t)crc32(0, bytes, (uInt)length); }

bool append_read_frame(int fd, uint64_t at, uint64_t tail, struct trace_frame *out) {
    uint8_t bytes[TRACE_FRAME_SIZE];
    if (pread(fd, bytes, sizeof bytes, (off_t)at) != sizeof bytes) return false;
    return trace_frame_decode(bytes, out, crc_of) && at + TRACE_FRAME_SIZE + out->stored_length <= tail;
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
    const struct trace_frame frame = {.kind = TRACE_FRAME_RECORDS,
                                      .raw_length = (uint32_t)length,
                                      .stored_length = (uint32_t)length,
                                      .crc = crc_of(records, length),
                                      .count = count};
    memcpy(bytes + TRACE_FRAME_SIZE, records, length);
    trace_frame_encode(&frame, bytes, crc_of);
    error = write_at(fd, bytes, whole, tail);
    free(bytes);
    return error ? error : write_tail(fd, tail + whole);
}
