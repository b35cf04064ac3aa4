/* Events that are neither a plain allocation nor a plain release (words.h). */
#include "words.h"

static const uint8_t kind_words[256] = {
#define TRACE_EVENT(name, value, words, text) [value] = words,
#include "../include/trace_records.def"
};

bool words_take_odd(const struct words *words, uint64_t *position, struct event_words *out) {
    unsigned count = kind_words[out->kind];
    out->foreign = out->flags & TRACE_EVENT_FOREIGN;
    out->flags &= (uint8_t)~TRACE_EVENT_FOREIGN;
    bool control = columns_is_control(out->kind), wide = out->flags & TRACE_EVENT_WIDE;
    if (!count || (wide && (count != 3 || control))) return false;
    if (out->flags & TRACE_EVENT_INTERPOLATED || words->end - *position < count + wide) return false;
    out->stamp = words_at(words, *position + 1);
    if (count == 3) {
        uint64_t third = words_at(words, *position + 2);
        out->size = control ? third : (uint32_t)third;
        out->stack = control ? 0 : (uint32_t)(third >> 32);
        if (wide) out->size = words_at(words, *position + 3);
    }
    *position += count + wide;
    return true;
}
