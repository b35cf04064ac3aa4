/*
 * From stamps to nanoseconds since the start of the trace: piecewise linear between the CLOCK records.
 *
 * Before the first record and after the last the nearest piece goes on. With one record or none, or where two say
 * nothing useful, a stamp is taken as a nanosecond. Answers never go backwards for stamps that don't.
 */
#ifndef REPLAY_CLOCK_H
#define REPLAY_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../input/tables.h"

struct clock_piece {
    uint64_t from, until; /* stamps; until exclusive */
    uint64_t ns;          /* at `from` */
    uint64_t scale;       /* ns per stamp, 32.32 fixed point */
};

struct replay_clock {
    const struct clock_record *records;
    size_t count;
    struct clock_piece piece; /* the one used last */
};

void clock_begin(struct replay_clock *clock, const struct tables *tables);
void clock_find(struct replay_clock *clock, uint64_t stamp); /* moves to the piece that holds `stamp` */

#define CLOCK_MOST ((uint64_t)1 << 61) /* 73 years: sums and differences of times never overflow */

static inline uint64_t clock_ns(struct replay_clock *clock, uint64_t stamp) {
    if (stamp - clock->piece.from >= clock->piece.until - clock->piece.from) clock_find(clock, stamp);
    uint64_t distance = stamp - clock->piece.from;
    unsigned __int128 ns = clock->piece.ns + ((unsigned __int128)distance * clock->piece.scale >> 32);
    return ns < CLOCK_MOST ? (uint64_t)ns : CLOCK_MOST;
}

/* Whether both lie in one piece: for all between them clock_ns_inside() may be asked. */
static inline bool clock_spans(struct replay_clock *clock, uint64_t first, uint64_t last) {
    if (clock_ns(clock, first) == CLOCK_MOST || last < first) return false;
    return last - clock->piece.from < clock->piece.until - clock->piece.from && clock_ns(clock, last) < CLOCK_MOST;
}

static inline uint64_t clock_ns_inside(const struct replay_clock *clock, uint64_t stamp) {
    return clock->piece.ns + (uint64_t)((unsigned __int128)(stamp - clock->piece.from) * clock->piece.scale >> 32);
}

#endif
