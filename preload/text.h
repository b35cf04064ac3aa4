/*
 * Bounded text building without libc: paths, messages, numbers. Always terminated; what does not fit sets `full`.
 * Async-signal-safe.
 */
#ifndef PRELOAD_TEXT_H
#define PRELOAD_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *start, *at, *end; /* end: last byte, kept for the terminator */
    bool full;
};

struct text text_into(char *buffer, size_t size);
void text_put(struct text *text, const char *string);
void text_put_bytes(struct text *text, const char *bytes, size_t length);
void text_put_number(struct text *text, uint64_t number);
static inline size_t text_length(const struct text *text) { return (size_t)(text->at - text->start); }

/* Decimal digits at *at, moved behind them; false when there is none or the number passes 64 bits. */
bool text_number(const char **at, uint64_t *out);

/* The number that comes next, moved behind it; 0 where none comes. */
uint64_t text_next_number(const char **at);

/* Shell-style match with * and ?. */
bool text_matches(const char *pattern, const char *string);

bool text_equal(const char *a, const char *b);
/* The part after the last slash. */
const char *text_base(const char *path);

#endif
