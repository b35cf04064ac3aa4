/*
 * What encoder and decoder of plain events frames have in common (FORMAT.md "Plain frames").
 *
 * Part of the format. No allocation, no I/O, no globals.
 */
#ifndef TIDEMARK_TRACE_PLAIN_H
#define TIDEMARK_TRACE_PLAIN_H

#include "trace_columns.h"

/*
 * A token: the kind less that of an allocation; where the address is; of an allocation where the stack is, of a release
 * whether the block may be another thread's; whether the stamp is one more than that of the event before.
 */
#define PLAIN_KIND_MASK 3u
#define PLAIN_ADDRESS_SHIFT 2u
#define PLAIN_ADDRESS_MASK 3u
#define PLAIN_STACK_SHIFT 4u
#define PLAIN_STACK_MASK 3u
#define PLAIN_FOREIGN 0x10u
#define PLAIN_UNUSED_DEATH 0x20u /* bits that are zero: of a release, of every event */
#define PLAIN_UNUSED 0x40u
#define PLAIN_NEXT 0x80u
#define PLAIN_ODD 0x0cu /* another event: without address and kind here */

/* Tokens of most events have a code of four bits: the index here. Any other one stands behind PLAIN_RARE. */
#define PLAIN_RARE 15u
static const uint8_t plain_tokens[PLAIN_RARE] = {
    /* releases, allocations of the last stack and of a known one: at the two places, without and with PLAIN_NEXT */
    0x01, 0x81, 0x05, 0x85, 0x00, 0x80, 0x04, 0x84, 0x10, 0x90, 0x14, 0x94,
    /* releases of what may be another thread's, at the two places */
    0x11, 0x91, 0x15};

#define PLAIN_PLACES 2u
#define PLAIN_FAR 2u
#define PLAIN_STACKS 256u
enum plain_stack_choice { PLAIN_STACK_LAST, PLAIN_STACK_KNOWN, PLAIN_STACK_GIVEN };

/* Two stretches of a MiB each, that most addresses lie in. */
struct plain_places {
    uint64_t start[PLAIN_PLACES];
    uint32_t oldest;
};

/* In units of 16 from the start of the place; above UINT16_MAX for an address that is not there. */
static inline uint64_t plain_offset(const struct plain_places *p, unsigned place, uint64_t address) {
    uint64_t distance = address - p->start[place];
    return distance >> 4 | distance << 60;
}

/* The place that was moved longest ago is now around the address. */
static inline void plain_move(struct plain_places *p, uint64_t address) {
    p->start[p->oldest] = (address & ~15ull) - (1u << 19);
    p->oldest = (p->oldest + 1) % PLAIN_PLACES;
}

/*
 * An address that is in no place: how far it is from the first one, in units of 16 where it can be, and which unit in
 * the lowest bit.
 */
static inline uint64_t plain_pack_far(const struct plain_places *p, uint64_t address) {
    int64_t distance = (int64_t)(address - p->start[0]);
    return distance & 15 ? wire_zigzag(distance) << 1 | 1 : wire_zigzag(distance / 16) << 1;
}
static inline uint64_t plain_unpack_far(const struct plain_places *p, uint64_t packed) {
    uint64_t distance = (uint64_t)wire_unzigzag(packed >> 1);
    return (p->start[0] + (packed & 1 ? distance : distance << 4)) & COLUMNS_ADDRESS_MASK;
}

static inline uint32_t plain_stack_slot(uint32_t stack) { return stack * 0x9e3779b1u >> 24; }

static inline bool plain_is_birth(unsigned kind) { return kind == TRACE_EVENT_ALLOC || kind == TRACE_EVENT_REALLOC_IN; }

#endif
