/*
 * Decoder of event columns (FORMAT.md "Event columns"): the raw payload of one events frame -> its events.
 *
 * Pure: no I/O, no allocation, no globals; all memory is the caller's. Any bytes are safe to pass in: whatever no
 * encoder writes is refused with -EBADMSG. One state serves one thread at a time. A frame that continues a segment
 * (FORMAT.md) can be decoded only by the state that decoded the frame before it last.
 */
#ifndef INPUT_DECODE_H
#define INPUT_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/trace_format.h"

/* Most events of one frame. */
#define DECODE_MAX_EVENTS 32768u

struct decode_state; /* decode_state_size() bytes, aligned to 64, zeroed once before the first use */
size_t decode_state_size(void);

/*
 * An event on its way to another thread: what crosses between processors' caches is what decoding costs there, so it is
 * short. Both ends of a block have their `partner` (struct trace_event).
 */
struct packed_event {
    uint64_t word; /* kind, flags << 8, operand << 16, as in a ring */
    uint64_t size;
    uint32_t stack, partner;
};
static inline uint64_t packed_word(unsigned kind, unsigned flags, uint64_t address) {
    return address << (64 - TRACE_EVENT_OPERAND_BITS) | (flags & 0xff) << 8 | (kind & 0xff);
}
static inline uint8_t packed_kind(const struct packed_event *event) { return (uint8_t)event->word; }
static inline uint8_t packed_flags(const struct packed_event *event) { return (uint8_t)(event->word >> 8); }
static inline uint64_t packed_address(const struct packed_event *event) {
    return event->word >> (64 - TRACE_EVENT_OPERAND_BITS);
}

/* An event whose stamp is stored. Between two of them stamps go on in equal steps. */
struct stamp_mark {
    uint64_t stamp;
    uint32_t index;
};

/* The memory is the caller's: DECODE_MAX_EVENTS of each. The first and the last event have a mark. */
struct decoded {
    struct packed_event *events;
    struct stamp_mark *marks; /* ascending */
    uint32_t count, mark_count;
    bool exact; /* the stamps between the marks are those that were taken */
};

/* Returns 0, or -EBADMSG: the content of `out` is then undefined, and the next frame can't go on after this one. */
int decode_events(struct decode_state *state, const uint8_t *raw, size_t length, struct decoded *out);

/* Where a walk over decoded events is. */
struct decoded_cursor {
    uint64_t stamp, step; /* of the event at `at`, and from it to the next one before `until` */
    uint32_t at;
    uint32_t mark;  /* the last one up to here */
    uint32_t until; /* index of the next mark; behind the last: the count */
};
/* The cursor is at the event of its `mark`. */
void decoded_enter(const struct decoded *decoded, struct decoded_cursor *cursor);
static inline struct decoded_cursor decoded_begin(const struct decoded *decoded) {
    struct decoded_cursor cursor = {.mark = 0};
    if (decoded->count) decoded_enter(decoded, &cursor);
    return cursor;
}
static inline void decoded_next(const struct decoded *decoded, struct decoded_cursor *cursor) {
    cursor->at++;
    cursor->stamp += cursor->step;
    if (cursor->at < cursor->until || cursor->at >= decoded->count) return;
    cursor->mark++;
    decoded_enter(decoded, cursor);
}
/* Whether the stamp of the event is stored. */
bool decoded_is_marked(const struct decoded *decoded, uint32_t index);
/* The event at the cursor, whole, with the flag TRACE_EVENT_INTERPOLATED where its stamp is not stored. */
struct trace_event decoded_event(const struct decoded *decoded, const struct decoded_cursor *cursor);

/* What comes next is not the frame after the last one. */
void decode_forget(struct decode_state *state);

/* One event of a ring: the words used, or -EBADMSG when the `left` words don't begin with a whole valid event. */
int decode_words(const uint64_t *words, size_t left, struct trace_event *event);

/* Where the bytes of a frame are: one size for each column, and their names; the head makes up the rest. */
#define DECODE_COLUMNS 18u
extern const char *const decode_column_names[DECODE_COLUMNS];
int decode_column_sizes(const uint8_t *raw, size_t length, uint32_t *sizes, size_t count);

#endif
