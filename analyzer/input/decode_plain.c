/*
 * Decoder of plain frames; see decode_plain.h. The strict twin of preload/plain.c.
 *
 * The encoder does not look for the block that a release ends; here is the time for it, beside the replay.
 */
#include "decode_plain.h"

#include <errno.h>

_Static_assert(DECODE_MAX_EVENTS < UINT16_MAX, "index + 1 fits");

/* ---- pairs ---- */

/* By a factor that nobody knows who writes a file (Dietzfelbinger et al. 1997): no addresses make long chains. */
static inline uint16_t *bucket_of(struct decode_plain *p, uint64_t address) {
    return &p->buckets[(address >> 3) * p->factor >> (64 - DECODE_PLAIN_BUCKETS_LOG)];
}

/* Takes the allocation at the address out of its chain. Returns its index + 1, or 0. */
static inline uint32_t end_block(struct decode_plain *p, uint64_t address) {
    uint16_t *at = bucket_of(p, address);
    while (*at && packed_address(&p->out->events[*at - 1]) != address) at = &p->chain[*at - 1];
    uint32_t found = *at;
    if (found) *at = p->chain[found - 1];
    return found;
}

/* The newest earlier allocation or release at the address decides. */
static inline void begin_block(struct decode_plain *p, uint64_t address) {
    end_block(p, address);
    uint16_t *first = bucket_of(p, address);
    p->chain[p->index] = *first;
    *first = (uint16_t)(p->index + 1);
}

static inline void pair(struct decode_plain *p, struct packed_event *event, bool foreign) {
    uint64_t address = packed_address(event);
    if (plain_is_birth(packed_kind(event))) {
        begin_block(p, address);
        return;
    }
    uint32_t made = end_block(p, address);
    if (!made || foreign) return;
    event->partner = p->out->events[made - 1].partner = p->index - (made - 1);
}

/* ---- fields ---- */

static inline uint64_t take_address(struct decode_plain *p, unsigned choice) {
    if (choice < PLAIN_PLACES) {
        uint64_t low = wire_get_u8(&p->column[COLUMN_ADDRESSES]), high = wire_get_u8(&p->column[COLUMN_ADDRESSES_REST]);
        return (p->places.start[choice] + (high << 8 | low) * 16) & COLUMNS_ADDRESS_MASK;
    }
    uint64_t address = plain_unpack_far(&p->places, wire_get_varint(&p->column[COLUMN_FOREIGN]));
    plain_move(&p->places, address);
    return address;
}

static inline bool take_stack(struct decode_plain *p, unsigned choice) {
    struct wire_reader *stacks = &p->column[COLUMN_STACKS];
    if (choice == PLAIN_STACK_LAST) return true;
    if (choice == PLAIN_STACK_KNOWN) {
        p->last_stack = p->stacks[wire_get_u8(stacks)];
        return true;
    }
    uint64_t stack = wire_get_varint(stacks);
    p->last_stack = p->stacks[plain_stack_slot((uint32_t)stack)] = (uint32_t)stack;
    return choice == PLAIN_STACK_GIVEN && stack <= UINT32_MAX;
}

/* An event of another kind, or with flags. */
static bool take_odd(struct decode_plain *p, unsigned token, struct packed_event *event) {
    unsigned kind = wire_get_u8(&p->column[COLUMN_ESCAPES]), flags = wire_get_u8(&p->column[COLUMN_ESCAPES]);
    bool control = columns_is_control(kind), block = columns_is_block(kind, flags);
    struct wire_reader *fields = &p->column[control ? COLUMN_CONTROLS : COLUMN_OTHERS];
    uint64_t operand = wire_get_varint(fields), size = wire_get_varint(fields);
    uint64_t stack = control ? 0 : wire_get_varint(fields);
    *event = (struct packed_event){packed_word(kind, flags, operand), size, (uint32_t)stack, 0};
    if (block) pair(p, event, token & PLAIN_FOREIGN);
    bool usual = block && !flags, valid = kind && !(flags & TRACE_EVENT_INTERPOLATED) && !usual;
    return valid && !(token & ~(PLAIN_ODD | PLAIN_FOREIGN)) && operand <= COLUMNS_ADDRESS_MASK && stack <= UINT32_MAX;
}

static inline bool take_event(struct decode_plain *p, unsigned token, struct packed_event *event) {
    unsigned kind = TRACE_EVENT_ALLOC + (token & PLAIN_KIND_MASK),
             place = token >> PLAIN_ADDRESS_SHIFT & PLAIN_ADDRESS_MASK;
    if (place == PLAIN_ODD >> PLAIN_ADDRESS_SHIFT) return take_odd(p, token, event);
    bool birth = plain_is_birth(kind), valid = !(token & (birth ? PLAIN_UNUSED : PLAIN_UNUSED | PLAIN_UNUSED_DEATH));
    uint64_t address = take_address(p, place), size = 0;
    if (birth) {
        size = columns_get_split(&p->column[COLUMN_SIZES], &p->column[COLUMN_SIZES_REST]);
        valid &= take_stack(p, token >> PLAIN_STACK_SHIFT & PLAIN_STACK_MASK);
    }
    *event = (struct packed_event){packed_word(kind, 0, address), size, birth ? p->last_stack : 0, 0};
    pair(p, event, token & PLAIN_FOREIGN);
    return valid;
}

/* ---- stamps ---- */

static inline void mark(struct decode_plain *p, uint32_t index, uint64_t stamp) {
    if (p->out->mark_count && p->out->marks[p->out->mark_count - 1].index == index) return;
    p->out->marks[p->out->mark_count++] = (struct stamp_mark){stamp, index};
}

/* Within a row of stamps that go on by one, the first and the last have marks: the others follow from them exactly. */
static inline uint64_t take_stamp(struct decode_plain *p, bool next, uint64_t before) {
    if (next && p->index) return before + 1;
    if (p->index) mark(p, p->index - 1, before);
    uint64_t stamp = next ? before + 1 : before + (uint64_t)wire_get_signed(&p->column[COLUMN_STAMPS]);
    mark(p, p->index, stamp);
    return stamp;
}

/* Two codes share a byte, the first in its low half. A rare token is none that has a code. */
static inline unsigned take_token(struct decode_plain *p) {
    if (p->index % 2) p->codes >>= 4;
    else p->codes = wire_get_u8(&p->column[COLUMN_TOKENS]);
    unsigned code = p->codes & 15;
    return code == PLAIN_RARE ? wire_get_u8(&p->column[COLUMN_SURPRISES]) : plain_tokens[code];
}

static bool take_events(struct decode_plain *p, uint32_t count) {
    uint64_t stamp = 0;
    for (p->index = 0; p->index < count; p->index++) {
        struct packed_event *event = &p->out->events[p->index];
        unsigned token = take_token(p);
        if (!take_event(p, token & ~PLAIN_NEXT, event)) return false;
        stamp = take_stamp(p, token & PLAIN_NEXT, stamp);
        if (columns_is_control(packed_kind(event))) mark(p, p->index, stamp);
    }
    if (count) mark(p, count - 1, stamp);
    return count % 2 == 0 || !(p->codes >> 4);
}

int decode_plain(struct decode_plain *p, struct wire_reader *column, uint32_t count, struct decoded *out) {
    memset(p, 0, offsetof(struct decode_plain, chain));
    p->factor = ((uintptr_t)p >> 4) * 0x9e3779b97f4a7c15ull | 1; /* where the kernel has put us is chance */
    p->column = column;
    p->out = out;
    out->count = count;
    out->mark_count = 0;
    out->exact = true;
    if (!take_events(p, count)) return -EBADMSG;
    for (unsigned c = 0; c < COLUMN_COUNT; c++)
        if (column[c].failed || wire_left(&column[c])) return -EBADMSG;
    return 0;
}
