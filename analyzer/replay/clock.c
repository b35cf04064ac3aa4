/*
 * Finds the piece of time that holds a stamp. See clock.h.
 */
#include "clock.h"

#define ONE ((uint64_t)1 << 32)
#define SCALE_MAX ((uint64_t)1 << 62)

void clock_begin(struct replay_clock *clock, const struct tables *tables) {
    *clock = (struct replay_clock){.records = tables->clocks, .count = tables->clock_count};
}

static uint64_t scale_of(const struct clock_record *a, const struct clock_record *b) {
    if (b->monotonic < a->monotonic) return ONE;
    unsigned __int128 scale = ((unsigned __int128)(b->monotonic - a->monotonic) << 32) / (b->stamp - a->stamp);
    return scale > SCALE_MAX ? SCALE_MAX : (uint64_t)scale;
}

/* Index of the last record at or before `stamp`, 0 where there is none. */
static size_t record_before(const struct replay_clock *clock, uint64_t stamp) {
    size_t low = 0, high = clock->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (clock->records[middle].stamp <= stamp) low = middle;
        else high = middle;
    }
    return low;
}

static struct clock_piece before_start(const struct replay_clock *clock) {
    return (struct clock_piece){0, clock->count ? clock->records[0].stamp : 0, 0, 0};
}

void clock_find(struct replay_clock *clock, uint64_t stamp) {
    if (clock->count && stamp < clock->records[0].stamp) {
        clock->piece = before_start(clock);
        return;
    }
    if (clock->count < 2) {
        uint64_t start = clock->count ? clock->records[0].stamp : stamp;
        clock->piece = (struct clock_piece){start, UINT64_MAX, 0, ONE};
        return;
    }
    size_t at = record_before(clock, stamp);
    size_t last = clock->count - 1;
    size_t pair = at == last ? last - 1 : at;
    const struct clock_record *a = &clock->records[pair], *b = a + 1, *from = &clock->records[at];
    uint64_t ns = from->monotonic > clock->records[0].monotonic ? from->monotonic - clock->records[0].monotonic : 0;
    clock->piece = (struct clock_piece){from->stamp, at == last ? UINT64_MAX : b->stamp, ns, scale_of(a, b)};
}
