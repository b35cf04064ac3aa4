/* Holes where slots were (trim.h). A walk over the headers of frames; where one is damaged, all stays as it is. */
#include "trim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../include/trace_frame.h"
#include "../list.h"
#include "append.h"

struct slot {
    struct trace_frame frame;
    uint64_t payload; /* offset in the file */
};

struct slots {
    struct slot *all;
    size_t count;
    uint64_t framed; /* nodes below it are in frames */
};

static bool read_at(int fd, uint64_t offset, uint8_t *bytes, size_t length) {
    return pread(fd, bytes, length, (off_t)offset) == (ssize_t)length;
}

static bool read_word(int fd, uint64_t offset, uint64_t *word) {
    uint8_t bytes[8];
    if (!read_at(fd, offset, bytes, sizeof bytes)) return false;
    struct wire_reader r = wire_reader(bytes, sizeof bytes);
    *word = wire_get_u64(&r);
    return true;
}

static int add_slot(struct slots *slots, const struct trace_frame *frame, uint64_t payload) {
    struct slot *slot = LIST_ADD(slots->all, slots->count);
    if (slot) *slot = (struct slot){*frame, payload};
    return slot ? 0 : -ENOMEM;
}

static int find_slots(int fd, struct slots *slots) {
    uint8_t size[4];
    uint64_t tail;
    struct trace_frame frame;
    if (!read_at(fd, TRACE_AT_HEADER_SIZE, size, sizeof size) || !read_word(fd, TRACE_AT_TAIL, &tail)) return -EPROTO;
    struct wire_reader r = wire_reader(size, sizeof size);
    for (uint64_t at = wire_get_u32(&r); at < tail; at = (at + TRACE_FRAME_SIZE + frame.stored_length + 7) & ~7ull) {
        if (!append_read_frame(fd, at, tail, &frame)) return -EPROTO;
        if (frame.kind == TRACE_FRAME_NODES && frame.end > slots->framed) slots->framed = frame.end;
        int error = trace_frame_is_slot(&frame) ? add_slot(slots, &frame, at + TRACE_FRAME_SIZE) : 0;
        if (error) return error;
    }
    return 0;
}

/* A ring or the journal whose every position is in frames, with nothing in the nested queue. */
static bool is_emptied(int fd, const struct slot *slot) {
    uint64_t head, tail, nested;
    return read_word(fd, slot->payload + TRACE_SLOT_AT_HEAD, &head) &&
           read_word(fd, slot->payload + TRACE_SLOT_AT_TAIL, &tail) &&
           read_word(fd, slot->payload + TRACE_SLOT_AT_NESTED, &nested) && head == tail && nested == 0;
}

/* Nodes are dense from id 1 on, so any that no frame has begin with the next. */
static bool has_framed_nodes(int fd, const struct slots *slots, const struct slot *slot) {
    uint64_t next = slots->framed > slot->frame.first ? slots->framed - slot->frame.first : slot->frame.first == 0,
             node;
    if (next >= slot->frame.stored_length / TRACE_NODE_SIZE) return true;
    return read_word(fd, slot->payload + next * TRACE_NODE_SIZE, &node) && node == 0;
}

/* A hole that is there already costs no second call, which waits for the file system's log. */
static int punch(int fd, const struct slot *slot) {
    off_t data = lseek(fd, (off_t)slot->payload, SEEK_DATA);
    if (data < 0 || (uint64_t)data >= slot->payload + slot->frame.stored_length) return 0;
    int done =
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)slot->payload, slot->frame.stored_length);
    return done == 0 ? 0 : -errno;
}

int trim_slots(int fd) {
    struct slots slots = {0};
    int error = find_slots(fd, &slots);
    for (size_t i = 0; i < slots.count && !error; i++) {
        const struct slot *slot = &slots.all[i];
        bool nodes = slot->frame.kind == TRACE_FRAME_SLOT_NODES;
        if (nodes ? has_framed_nodes(fd, &slots, slot) : is_emptied(fd, slot)) error = punch(fd, slot);
    }
    free(slots.all);
    return error;
}
