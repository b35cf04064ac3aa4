/* Frames at the tail (append.h). An index is made by reading back the headers of the frames that it names. */
#include "append.h"

#include "../include/trace_frame.h"
#include "deflate.h"
#include "sys.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

enum { INDEX_EVERY = 64 << 20, INDEX_ENTRY_MAX = 64, INDEX_BYTES = 2048 };

uint64_t append_tail(uint8_t *header) {
    return atomic_load_explicit(header_word(header, TRACE_AT_TAIL), memory_order_acquire);
}

void append_move_tail(uint8_t *header, uint64_t tail) {
    atomic_store_explicit(header_word(header, TRACE_AT_TAIL), tail, memory_order_release);
}

void append_encode(const struct trace_frame *frame, uint8_t *bytes) { trace_frame_encode(frame, bytes, deflate_crc); }

int append_allows(uint8_t *header, uint64_t end) {
    uint64_t soft = ~0ull, hard,
             most = atomic_load_explicit(header_word(header, TRACE_AT_MAX_SIZE), memory_order_relaxed);
    if (most && end > most) return -EFBIG;
    sys_prlimit(RLIMIT_FSIZE, &soft, &hard);
    return end > soft ? -EFBIG : 0;
}

/* Leaves of the parts what is behind their first `length` bytes. */
static void pass_over(struct iovec *parts, int count, size_t length) {
    for (int i = 0; i < count && length; i++) {
        size_t part = length < parts[i].iov_len ? length : parts[i].iov_len;
        parts[i].iov_base = (uint8_t *)parts[i].iov_base + part;
        parts[i].iov_len -= part;
        length -= part;
    }
}

static int append_parts(int fd, struct iovec *parts, int count, uint64_t offset) {
    size_t left = 0;
    for (int i = 0; i < count; i++) left += parts[i].iov_len;
    while (left) {
        long wrote = sys_pwritev(fd, parts, count, offset);
        if (wrote == -EINTR) continue;
        if (wrote <= 0) return wrote ? (int)wrote : -ENOSPC;
        pass_over(parts, count, (size_t)wrote);
        offset += (uint64_t)wrote;
        left -= (size_t)wrote;
    }
    return 0;
}

int append_bytes(int fd, const void *bytes, uint64_t length, uint64_t offset) {
    struct iovec part = {(void *)(uintptr_t)bytes, length};
    return append_parts(fd, &part, 1, offset);
}

/* Header, payload, padding. */
int append_frame(uint8_t *header, int fd, struct trace_frame *frame, const void *payload) {
    uint8_t bytes[TRACE_FRAME_SIZE], zeros[8] = {0};
    uint64_t tail = append_tail(header), next = append_next(tail, frame->stored_length);
    struct iovec parts[] = {{bytes, sizeof bytes},
                            {(void *)(uintptr_t)payload, frame->stored_length},
                            {zeros, next - tail - TRACE_FRAME_SIZE - frame->stored_length}};
    int error = append_allows(header, next);
    if (error) return error;
    frame->crc = deflate_crc(payload, frame->stored_length);
    append_encode(frame, bytes);
    error = append_parts(fd, parts, 3, tail);
    if (!error) append_move_tail(header, next);
    return error;
}

uint64_t append_walk(uint8_t *header, int fd, uint64_t offset, append_visit visit, void *self) {
    uint64_t tail = append_tail(header);
    uint8_t bytes[TRACE_FRAME_SIZE];
    struct trace_frame frame;
    while (offset < tail) {
        if (sys_pread(fd, bytes, sizeof bytes, offset) != sizeof bytes ||
            !trace_frame_decode(bytes, &frame, deflate_crc))
            break;
        if (!visit(self, &frame, offset)) break;
        offset = append_next(offset, frame.stored_length);
    }
    return offset;
}

/* ---- the index ---- */

struct index {
    uint8_t bytes[INDEX_BYTES];
    struct wire_writer w;
    uint64_t previous;
    uint32_t count;
};

static bool index_add(void *self, const struct trace_frame *frame, uint64_t offset) {
    struct index *index = self;
    if (wire_room(&index->w) < INDEX_ENTRY_MAX) return false;
    wire_put_varint(&index->w, (offset - index->previous) / 8);
    wire_put_varint(&index->w, frame->kind);
    wire_put_varint(&index->w, frame->thread);
    wire_put_varint(&index->w, frame->count);
    wire_put_varint(&index->w, frame->first_stamp);
    wire_put_varint(&index->w, frame->last_stamp - frame->first_stamp);
    index->previous = offset;
    index->count++;
    return true;
}

/* One index frame; `more`: there are frames that it had no room for. */
static int index_once(uint8_t *header, int fd, bool *more) {
    struct index index = {.count = 0};
    index.w = wire_writer(index.bytes, sizeof index.bytes);
    uint64_t from = atomic_load_explicit(header_word(header, TRACE_AT_INDEXED), memory_order_relaxed);
    uint64_t reached = append_walk(header, fd, from, index_add, &index);
    uint64_t tail = append_tail(header);
    *more = reached < tail && index.count;
    if (!index.count) return 0;
    struct trace_frame frame = {.kind = TRACE_FRAME_INDEX, .count = index.count};
    frame.raw_length = frame.stored_length = (uint32_t)(index.w.at - index.bytes);
    int error = append_frame(header, fd, &frame, index.bytes);
    /* The index itself is not named, unless others wait before it. */
    uint64_t indexed = *more ? reached : append_tail(header);
    if (!error) atomic_store_explicit(header_word(header, TRACE_AT_INDEXED), indexed, memory_order_relaxed);
    return error;
}

int append_index(uint8_t *header, int fd, bool due) {
    uint64_t indexed = atomic_load_explicit(header_word(header, TRACE_AT_INDEXED), memory_order_relaxed);
    if (due && append_tail(header) - indexed < INDEX_EVERY) return 0;
    int error = 0;
    for (bool more = true; more && !error;) error = index_once(header, fd, &more);
    return error;
}
