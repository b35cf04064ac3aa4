/*
 * Appends one records frame at the tail of a trace whose process has gone (exited.h). The frame's positions are empty:
 * its bytes are not the journal's. The tail moves last, so that a launcher killed here leaves the trace as it was.
 */
#include "exited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "../../include/trace_format.h"
#include "../../include/trace_wire.h"
#include "traces.h"

#define RECORD_MAX 128

static uint64_t microseconds(const struct timeval *time) {
    return ((uint64_t)time->tv_sec * 1000000u + (uint64_t)time->tv_usec) * 1000u;
}

static size_t encode_record(const struct ending *ending, uint8_t *out, size_t capacity) {
    uint8_t body[RECORD_MAX];
    struct wire_writer b = wire_writer(body, sizeof body), w = wire_writer(out, capacity);
    wire_put_varint(&b, ending->signaled ? 2 : 1);
    wire_put_varint(&b, (uint64_t)ending->value);
    wire_put_varint(&b, (uint64_t)ending->usage.ru_maxrss * 1024u);
    wire_put_varint(&b, microseconds(&ending->usage.ru_utime));
    wire_put_varint(&b, microseconds(&ending->usage.ru_stime));
    wire_put_varint(&w, TRACE_RECORD_EXITED);
    wire_put_string(&w, (const char *)body, (size_t)(b.at - body));
    return (size_t)(w.at - out);
}

static void encode_frame(const uint8_t *payload, size_t length, uint8_t out[TRACE_FRAME_SIZE]) {
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
    wire_put_u32(&w, 1);
    wire_put_u32(&w, (uint32_t)crc32(0, out, TRACE_FRAME_AT_HEADER_CRC));
}

static int write_at(int fd, const void *bytes, size_t length, uint64_t offset) {
    ssize_t wrote = pwrite(fd, bytes, length, (off_t)offset);
    if (wrote == (ssize_t)length) return 0;
    return wrote < 0 ? -errno : -ENOSPC;
}

static int append_to(int fd, const struct ending *ending) {
    uint8_t tail_bytes[8], bytes[TRACE_FRAME_SIZE + RECORD_MAX] = {0};
    if (pread(fd, tail_bytes, sizeof tail_bytes, TRACE_AT_TAIL) != sizeof tail_bytes) return -EPROTO;
    struct wire_reader r = wire_reader(tail_bytes, sizeof tail_bytes);
    uint64_t tail = wire_get_u64(&r);
    if (tail < TRACE_HEADER_SIZE || tail % 8 || tail > INT64_MAX - sizeof bytes) return -EPROTO;
    size_t length = encode_record(ending, bytes + TRACE_FRAME_SIZE, RECORD_MAX);
    encode_frame(bytes + TRACE_FRAME_SIZE, length, bytes);
    size_t whole = (TRACE_FRAME_SIZE + length + 7) & ~(size_t)7;
    int error = write_at(fd, bytes, whole, tail);
    struct wire_writer w = wire_writer(tail_bytes, sizeof tail_bytes);
    wire_put_u64(&w, tail + whole);
    return error ? error : write_at(fd, tail_bytes, sizeof tail_bytes, TRACE_AT_TAIL);
}

struct append {
    const struct place *place;
    const struct started *started;
    const struct ending *ending;
    int error;
    int count;
};

static void append_if_same_process(void *self, const char *path) {
    struct append *append = self;
    struct trace_identity identity = {0};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int error = fd < 0 ? -errno : trace_identify(fd, &identity);
    bool same =
        !error && identity.pid == (uint32_t)append->started->pid && strcmp(identity.run_id, append->place->run_id) == 0;
    if (same) error = append_to(fd, append->ending);
    if (same) append->count++;
    if (error) append->error = error;
    if (fd >= 0) close(fd);
}

int exited_append(const struct place *place, const struct started *started, const struct ending *ending) {
    struct append append = {place, started, ending, -ENOENT, 0};
    traces_of_run(place, append_if_same_process, &append);
    return append.count ? 0 : append.error;
}
