/*
 * Encoder of plain frames; see plain.h. The strict twin is analyzer/input/decode_plain.c.
 *
 * One loop without look-ups but for a small table of stacks, and without guesses that would often be wrong: nearly all
 * addresses lie in one of two places, and nearly all stacks are among the last ones. The columns are written through
 * bare pointers, each in a region of its own that holds the most that so many events can add.
 */
#include "plain.h"

#include "../include/trace_plain.h"
#include "../include/trace_wire.h"
#include "words.h"

#include <errno.h>
#include <string.h>

/* Most bytes that one event adds to each column that is used. */
static const uint8_t column_width[COLUMN_COUNT] = {
    [COLUMN_TOKENS] = 1,  [COLUMN_SURPRISES] = 1,  [COLUMN_ESCAPES] = 2,   [COLUMN_STACKS] = 5,
    [COLUMN_SIZES] = 1,   [COLUMN_SIZES_REST] = 9, [COLUMN_ADDRESSES] = 1, [COLUMN_ADDRESSES_REST] = 1,
    [COLUMN_FOREIGN] = 8, [COLUMN_OTHERS] = 22,    [COLUMN_CONTROLS] = 17, [COLUMN_STAMPS] = 10,
};

/* Where the next byte of each column goes. */
struct ends {
    uint8_t *at[COLUMN_COUNT];
};

struct plain {
    struct plain_places places;
    uint32_t last_stack, stacks[PLAIN_STACKS];
    uint8_t codes[256]; /* of tokens */
};

static inline void put_u8(struct ends *ends, enum columns_column column, uint64_t value) {
    *ends->at[column]++ = (uint8_t)value;
}

static inline void put_varint(struct ends *ends, enum columns_column column, uint64_t value) {
    for (; value >= 0x80; value >>= 7) put_u8(ends, column, value | 0x80);
    put_u8(ends, column, value);
}

static inline unsigned put_address(struct plain *p, struct ends *ends, uint64_t address) {
    for (unsigned place = 0; place < PLAIN_PLACES; place++) {
        uint64_t offset = plain_offset(&p->places, place, address);
        if (offset > UINT16_MAX) continue;
        put_u8(ends, COLUMN_ADDRESSES, offset);
        put_u8(ends, COLUMN_ADDRESSES_REST, offset >> 8);
        return place;
    }
    put_varint(ends, COLUMN_FOREIGN, plain_pack_far(&p->places, address));
    plain_move(&p->places, address);
    return PLAIN_FAR;
}

static inline void put_size(struct ends *ends, uint64_t size) {
    bool more = size >= 0x80;
    put_u8(ends, COLUMN_SIZES, more ? size | 0x80 : size);
    if (more) put_varint(ends, COLUMN_SIZES_REST, size >> 7);
}

static inline unsigned put_stack(struct plain *p, struct ends *ends, uint32_t stack) {
    if (stack == p->last_stack) return PLAIN_STACK_LAST;
    uint32_t slot = plain_stack_slot(stack);
    bool known = p->stacks[slot] == stack;
    p->last_stack = p->stacks[slot] = stack;
    if (known) put_u8(ends, COLUMN_STACKS, slot);
    else put_varint(ends, COLUMN_STACKS, stack);
    return known ? PLAIN_STACK_KNOWN : PLAIN_STACK_GIVEN;
}

static inline unsigned put_birth(struct plain *p, struct ends *ends, unsigned kind, uint64_t address, uint64_t size,
                                 uint32_t stack) {
    unsigned place = put_address(p, ends, address);
    put_size(ends, size);
    return (kind - TRACE_EVENT_ALLOC) | place << PLAIN_ADDRESS_SHIFT | put_stack(p, ends, stack) << PLAIN_STACK_SHIFT;
}

static inline unsigned put_death(struct plain *p, struct ends *ends, unsigned kind, uint64_t address, bool foreign) {
    unsigned place = put_address(p, ends, address);
    return (kind - TRACE_EVENT_ALLOC) | place << PLAIN_ADDRESS_SHIFT | (foreign ? PLAIN_FOREIGN : 0);
}

/* An event of another kind, or with flags. */
static inline unsigned put_odd(struct ends *ends, const struct event_words *w) {
    bool control = columns_is_control(w->kind);
    put_u8(ends, COLUMN_ESCAPES, w->kind);
    put_u8(ends, COLUMN_ESCAPES, w->flags);
    put_varint(ends, control ? COLUMN_CONTROLS : COLUMN_OTHERS, w->operand);
    put_varint(ends, control ? COLUMN_CONTROLS : COLUMN_OTHERS, w->size);
    if (!control) put_varint(ends, COLUMN_OTHERS, w->stack);
    return PLAIN_ODD | (w->foreign ? PLAIN_FOREIGN : 0);
}

static __attribute__((noinline)) unsigned put_other(struct plain *p, struct ends *ends, const struct event_words *w) {
    if (w->flags || !columns_is_block(w->kind, 0)) return put_odd(ends, w);
    if (plain_is_birth(w->kind)) return put_birth(p, ends, w->kind, w->operand, w->size, w->stack);
    return put_death(p, ends, w->kind, w->operand, w->foreign);
}

static inline unsigned put_stamp(struct ends *ends, uint64_t stamp, uint64_t before) {
    if (stamp == before + 1) return PLAIN_NEXT;
    put_varint(ends, COLUMN_STAMPS, wire_zigzag((int64_t)(stamp - before)));
    return 0;
}

/* Two codes share a byte, the first in its low half. */
static inline void put_token(struct plain *p, struct ends *ends, uint32_t index, unsigned token) {
    unsigned code = p->codes[token];
    if (code == PLAIN_RARE) put_u8(ends, COLUMN_SURPRISES, token);
    if (index % 2) *(ends->at[COLUMN_TOKENS] - 1) |= (uint8_t)(code << 4);
    else put_u8(ends, COLUMN_TOKENS, code);
}

/* What words_take does, once for each kind. */
static int put_events(struct plain *p, struct ends *ends, const struct columns_input *in, struct columns_output *out) {
    const struct words words = {in->ring, in->mask, in->end};
    struct ends at = *ends; /* its own, so that it stays in registers */
    uint64_t position = in->first, before = 0, least = UINT64_MAX, most = 0;
    uint32_t count = 0;
    for (; position != in->end && count < COLUMNS_MAX_EVENTS; count++) {
        uint64_t first = words_at(&words, position), stamp = words_at(&words, position + 1);
        unsigned token;
        if ((uint16_t)first == TRACE_EVENT_FREE && in->end - position >= 2) {
            token = put_death(p, &at, TRACE_EVENT_FREE, first >> 16, false);
            position += 2;
        } else if ((uint16_t)first == TRACE_EVENT_ALLOC && in->end - position >= 3) {
            uint64_t third = words_at(&words, position + 2);
            token = put_birth(p, &at, TRACE_EVENT_ALLOC, first >> 16, (uint32_t)third, (uint32_t)(third >> 32));
            position += 3;
        } else {
            struct event_words w;
            if (!words_take(&words, &position, &w)) break;
            *ends = at;
            token = put_other(p, ends, &w);
            at = *ends;
            stamp = w.stamp;
        }
        put_token(p, &at, count, token | put_stamp(&at, stamp, before));
        if (stamp < least) least = stamp;
        if (stamp > most) most = stamp;
        before = stamp;
    }
    *ends = at;
    *out =
        (struct columns_output){.count = count, .end = position, .first_stamp = count ? least : 0, .last_stamp = most};
    return position == in->end || count == COLUMNS_MAX_EVENTS ? 0 : -EINVAL;
}

static void start(struct plain *p) {
    memset(p, 0, sizeof *p);
    memset(p->codes, PLAIN_RARE, sizeof p->codes);
    for (uint8_t code = 0; code < PLAIN_RARE; code++) p->codes[plain_tokens[code]] = code;
}

int plain_encode(const struct columns_input *in, uint8_t *payload, struct columns_output *out) {
    struct plain plain;
    struct ends begin, end;
    uint32_t room = columns_room(in);
    uint8_t *region = payload + COLUMNS_HEAD_MAX;
    for (unsigned c = 0; c < COLUMN_COUNT; region += (size_t)column_width[c++] * room) begin.at[c] = region;
    end = begin;
    start(&plain);
    int result = put_events(&plain, &end, in, out);
    for (unsigned c = 0; c < COLUMN_COUNT; c++) out->column[c] = (uint32_t)(end.at[c] - begin.at[c]);
    columns_finish(payload, COLUMNS_LAYOUT_PLAIN | (in->ordered ? COLUMNS_LAYOUT_ORDERED : 0), COLUMNS_SCALE_MAX,
                   begin.at, out);
    return result;
}
