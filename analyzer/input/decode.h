/*
 * Decoder of event columns (FORMAT.md "Event columns"): the raw payload of one events frame -> its events.
 *
 * Pure: no I/O, no allocation, no globals; all memory is the caller's. Any bytes are safe to pass in: whatever no
 * encoder writes is refused with -EBADMSG. One state serves one thread at a time. A frame that continues a segment
 * (FORMAT.md) can be decoded only by the state that decoded the frame before it last.
 */
#ifndef INPUT_DECODE_H
#define INPUT_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "../../include/trace_format.h"

/* Most events of one frame. */
#define DECODE_MAX_EVENTS 32768u

struct decode_state; /* decode_state_size() bytes, aligned to 64, zeroed once before the first use */
size_t decode_state_size(void);

/*
 * Decodes into `events`, which holds DECODE_MAX_EVENTS. Both ends of a block get their `partner`; every event has a
 * stamp, and the flag TRACE_EVENT_INTERPOLATED where it is not stored. Returns 0, or -EBADMSG: `events` is then
 * undefined, and the next frame can't go on after this one.
 */
int decode_events(struct decode_state *state, const uint8_t *raw, size_t length, struct trace_event *events,
                  uint32_t *count);

/* What comes next is not the frame after the last one. */
void decode_forget(struct decode_state *state);

/* One event of a ring: the words used, or -EBADMSG when the `left` words don't begin with a whole valid event. */
int decode_words(const uint64_t *words, size_t left, struct trace_event *event);

/* Where the bytes of a frame are: one size for each column, and their names; the head makes up the rest. */
#define DECODE_COLUMNS 18u
extern const char *const decode_column_names[DECODE_COLUMNS];
int decode_column_sizes(const uint8_t *raw, size_t length, uint32_t *sizes, size_t count);

#endif
