/*
 * Decoder of plain events frames (FORMAT.md "Plain frames"), for decode.c.
 *
 * Pure, and safe with any bytes, as decode.h says of the whole.
 */
#ifndef INPUT_DECODE_PLAIN_H
#define INPUT_DECODE_PLAIN_H

#include "decode.h"

#include "../../include/trace_plain.h"

enum { DECODE_PLAIN_BUCKETS_LOG = 14 };

/* What a frame needs while it is decoded; nothing of it is kept for the next one. */
struct decode_plain {
    struct plain_places places;
    uint32_t last_stack, stacks[PLAIN_STACKS];
    struct wire_reader *column; /* COLUMN_COUNT */
    struct decoded *out;
    uint32_t index; /* of the event at work */
    uint8_t codes;  /* of its token, and of the next one's above */
    uint64_t factor;
    /*
     * Allocations of the frame that none of its releases has ended, by address: index + 1 of the first of each chain.
     */
    uint16_t buckets[1 << DECODE_PLAIN_BUCKETS_LOG], chain[DECODE_MAX_EVENTS];
};

/*
 * Reads `count` events from all columns, which end with them. Returns 0 or -EBADMSG; what is in `out` is undefined
 * then.
 */
int decode_plain(struct decode_plain *plain, struct wire_reader *column, uint32_t count, struct decoded *out);

#endif
