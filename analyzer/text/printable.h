/*
 * Names from traces, as every output may hold them. Whoever was recorded chose them, and whoever sends a trace may have
 * written it by hand, so they are made harmless where they come in: after that no output has to think of it. Pure.
 */
#ifndef TEXT_PRINTABLE_H
#define TEXT_PRINTABLE_H

#include <stddef.h>

enum {
    PRINTABLE_NAME = 4096,  /* bytes of a name that are kept */
    PRINTABLE_CODE = 16384, /* of a function's: those of templates are long */
    PRINTABLE_GROWTH = 4,   /* bytes for one, at most */
};

/*
 * Writes `length` bytes of text to `out`, terminated, and returns the length of that. `out` has room for
 * PRINTABLE_GROWTH times `length` and one more. What a terminal, a reader of lines or a CI system would obey becomes
 * \xNN or \u{N}, what is not UTF-8 becomes U+FFFD. A text that went through it stays as it is.
 */
size_t printable_put(char *out, const char *text, size_t length);
/* A malloc'd copy; of the first `most` bytes and an ellipsis, if it is longer. NULL: out of memory. */
char *printable(const char *text, size_t length, size_t most);

#endif
