/* Holes where slots were (trim.h). A walk over the headers of frames; what does not look like one ends it. */
#include "trim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../include/trace_format.h"
#include "../../include/trace_wire.h"

struct slot {
    uint16_t kind;
    uint64_t offset; /* of the payload */
    uint32_t length;
    bool emptied;
};

struct slots {
    struct slot *all;
    size_t count;
};

static uint64_t word_at(int fd, uint64_t offset) {
    uint8_t bytes[8] = {0};
    if (pread(fd, bytes, sizeof bytes, (off_t)offset) != sizeof bytes) return 0;
    struct wire_reader r = wire_reader(bytes, sizeof bytes);
    return wire_get_u64(&r);
}

static bool is_emptied(int fd, uint64_t slot) {
    return word_at(fd, slot + TRACE_SLOT_AT_HEAD) == word_at(fd, slot + TRACE_SLOT_AT_TAIL) &&
           word_at(fd, slot + TRACE_SLOT_AT_NESTED) == 0;
}

static int add_slot(struct slots *slots, struct slot slot) {
    struct slot *grown = reallocarray(slots->all, slots->count + 1, sizeof *grown);
    if (!grown) return -ENOMEM;
    slots->all = grown;
    slots->all[slots->count++] = slot;
    return 0;
}

static bool read_frame(int fd, uint64_t at, struct slot *out) {
    uint8_t bytes[TRACE_FRAME_SIZE];
    if (pread(fd, bytes, sizeof bytes, (off_t)at) != sizeof bytes) return false;
    struct wire_reader magic = wire_reader(bytes, 4), kind = wire_reader(bytes + TRACE_FRAME_AT_KIND, 2),
                       stored = wire_reader(bytes + TRACE_FRAME_AT_STORED, 4);
    *out = (struct slot){wire_get_u16(&kind), at + TRACE_FRAME_SIZE, wire_get_u32(&stored), false};
    return wire_get_u32(&magic) == TRACE_FRAME_MAGIC;
}

static int find_slots(int fd, struct slots *slots) {
    uint8_t size[4];
    if (pread(fd, size, sizeof size, TRACE_AT_HEADER_SIZE) != sizeof size) return -EPROTO;
    struct wire_reader r = wire_reader(size, sizeof size);
    uint64_t tail = word_at(fd, TRACE_AT_TAIL);
    struct slot slot;
    for (uint64_t at = wire_get_u32(&r); at < tail; at = (slot.offset + slot.length + 7) & ~7ull) {
        if (!read_frame(fd, at, &slot)) return -EPROTO;
        if (slot.kind < TRACE_FRAME_SLOT_RING || slot.kind > TRACE_FRAME_SLOT_NODES) continue;
        slot.emptied = slot.kind != TRACE_FRAME_SLOT_NODES && is_emptied(fd, slot.offset);
        int error = add_slot(slots, slot);
        if (error) return error;
    }
    return 0;
}

/* Nodes are in frames before the events that use them; one that no event used yet may matter to an event in a ring. */
static void empty_nodes(struct slots *slots) {
    bool all = true;
    for (size_t i = 0; i < slots->count; i++)
        all &= slots->all[i].emptied || slots->all[i].kind == TRACE_FRAME_SLOT_NODES;
    for (size_t i = 0; i < slots->count; i++) slots->all[i].emptied |= all;
}

/* A hole that is there already costs no second call, which waits for the file system's log. */
static int punch(int fd, const struct slot *slot) {
    off_t data = lseek(fd, (off_t)slot->offset, SEEK_DATA);
    if (data < 0 || (uint64_t)data >= slot->offset + slot->length) return 0;
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)slot->offset, slot->length) == 0 ? 0
                                                                                                             : -errno;
}

int trim_slots(int fd) {
    struct slots slots = {0};
    int error = find_slots(fd, &slots);
    empty_nodes(&slots);
    for (size_t i = 0; i < slots.count && !error; i++)
        if (slots.all[i].emptied) error = punch(fd, &slots.all[i]);
    free(slots.all);
    return error;
}
