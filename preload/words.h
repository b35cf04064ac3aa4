/*
 * The words of a ring, read one event after the other (FORMAT.md "Events").
 *
 * Inline and pure, for the encoders' inner loops.
 */
#ifndef PRELOAD_WORDS_H
#define PRELOAD_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../include/trace_columns.h"
#include "../include/trace_format.h"

/* A stretch of a ring: positions are counted in words and taken modulo its size. */
struct words {
    const uint64_t *ring;
    uint64_t mask; /* words in the ring, less one */
    uint64_t end;  /* behind the last event */
};

struct event_words {
    uint64_t stamp, operand, size;
    uint32_t stack;
    uint8_t kind, flags;
    bool foreign; /* a release of a block that another thread may have made */
};

static inline uint64_t words_at(const struct words *words, uint64_t position) {
    return words->ring[position & words->mask];
}

/* An event of any kind, with any flags; see words_take. */
bool words_take_odd(const struct words *words, uint64_t *position, struct event_words *out);

/* Reads the event at *position and moves behind it; false when its words are not whole or not valid. */
static inline bool words_take(const struct words *words, uint64_t *position, struct event_words *out) {
    uint64_t at = *position, first = words_at(words, at);
    out->operand = first >> 16;
    out->kind = (uint8_t)first;
    out->flags = (uint8_t)(first >> 8);
    out->foreign = false;
    out->size = out->stack = 0;
    if ((uint16_t)first == TRACE_EVENT_FREE && words->end - at >= 2) {
        out->stamp = words_at(words, at + 1);
        *position = at + 2;
        return true;
    }
    if ((uint16_t)first == TRACE_EVENT_ALLOC && words->end - at >= 3) {
        uint64_t third = words_at(words, at + 2);
        out->stamp = words_at(words, at + 1);
        out->size = (uint32_t)third;
        out->stack = (uint32_t)(third >> 32);
        *position = at + 3;
        return true;
    }
    return words_take_odd(words, position, out);
}

#endif
