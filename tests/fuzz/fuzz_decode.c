/* links: analyzer/input/decode.c analyzer/input/decode_plain.c libs: -lz */
/*
 * Decoder of event columns against any bytes: two frames one after the other, with the length of the first before them.
 * What decodes must hold what readers rely on: partners that point at each other and inside, and addresses that agree.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../analyzer/input/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check_partner(const struct packed_event *events, uint32_t count, uint32_t at) {
    const struct packed_event *e = &events[at];
    if (!e->partner) return;
    int ends = packed_kind(e) == TRACE_EVENT_FREE || packed_kind(e) == TRACE_EVENT_REALLOC_OUT;
    if (ends ? e->partner > at : e->partner >= count - at) abort();
    const struct packed_event *other = ends ? e - e->partner : e + e->partner;
    if (other->partner != e->partner || packed_address(other) != packed_address(e)) abort();
}

/* The first and the last event have a mark, and a walk meets each event once and each mark at its own. */
static void check_marks(const struct decoded *decoded) {
    uint32_t walked = 0, marks = 0;
    for (struct decoded_cursor at = decoded_begin(decoded); at.at < decoded->count; decoded_next(decoded, &at)) {
        if (at.at != walked++) abort();
        if (decoded->marks[at.mark].index == at.at) marks++;
    }
    if (walked != decoded->count || marks != decoded->mark_count) abort();
    if (walked && decoded->marks[marks - 1].index != walked - 1) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static struct decode_state *state;
    static struct decoded decoded;
    uint32_t sizes[DECODE_COLUMNS];
    if (!state) {
        size_t size = (decode_state_size() + 63) & ~(size_t)63;
        state = memset(aligned_alloc(64, size), 0, size);
        decoded.events = calloc(DECODE_MAX_EVENTS, sizeof *decoded.events);
        decoded.marks = calloc(DECODE_MAX_EVENTS, sizeof *decoded.marks);
    }
    size_t first = length < 2 ? length : 2 + (bytes[0] | (size_t)bytes[1] << 8) % (length - 1);
    size_t from = length < 2 ? 0 : 2;
    decode_forget(state);
    const struct { size_t from, until; } frames[] = {{from, first}, {first, length}};
    for (int f = 0; f < 2; f++) {
        if (decode_events(state, bytes + frames[f].from, frames[f].until - frames[f].from, &decoded)) continue;
        for (uint32_t i = 0; i < decoded.count; i++) check_partner(decoded.events, decoded.count, i);
        check_marks(&decoded);
    }
    decode_column_sizes(bytes, length, sizes, DECODE_COLUMNS);
    uint64_t words[4];
    if (length >= sizeof words) {
        struct trace_event event;
        memcpy(words, bytes, sizeof words);
        decode_words(words, 4, &event);
    }
    return 0;
}
