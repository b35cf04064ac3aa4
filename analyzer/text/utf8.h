/*
 * Text of unknown origin made fit for output. Pure.
 */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* The character at `text`, and its length in bytes; an invalid byte is U+FFFD of length 1. At the end: 0, length 0. */
uint32_t utf8_next(const char *text, size_t *length);
/* A malloc'd copy in which every invalid byte is U+FFFD. NULL: out of memory. */
char *utf8_clean(const char *text);

#endif
