/*
 * Escapes names. See printable.h.
 */
#include "printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

enum { REPLACEMENT = 0xfffd, LONGEST_CHARACTER = 4, ESCAPE_ROOM = 10 };

/* Characters that move the cursor, end lines, are not seen, or turn the direction of what follows. */
static bool is_obeyed(uint32_t c) {
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     {0x61c, 0x61c},   {0x180e, 0x180e}, {0x200b, 0x200f},
        {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (c >= ranges[i].first && c <= ranges[i].last) return true;
    return false;
}

/* GitHub's runner obeys ##[COMMAND] anywhere in a line. */
static bool is_command(const char *text, size_t length) { return length >= 3 && memcmp(text, "##[", 3) == 0; }

/* The character at the start of `text`, which may end in the middle of one. */
static uint32_t next_character(const char *text, size_t left, size_t *length) {
    char at[LONGEST_CHARACTER + 1] = {0};
    memcpy(at, text, left < LONGEST_CHARACTER ? left : LONGEST_CHARACTER);
    uint32_t character = utf8_next(at, length);
    if (!*length) *length = 1; /* NUL */
    return character;
}

size_t printable_put(char *out, const char *text, size_t length) {
    char *to = out;
    size_t size;
    for (const char *end = text + length; text < end; text += size) {
        uint32_t c = next_character(text, (size_t)(end - text), &size);
        if (c == REPLACEMENT) to = stpcpy(to, "\xef\xbf\xbd");
        else if (is_obeyed(c) || is_command(text, (size_t)(end - text)))
            to += snprintf(to, ESCAPE_ROOM, c < 0x100 ? "\\x%02x" : "\\u{%x}", c);
        else to = mempcpy(to, text, size);
    }
    *to = 0;
    return (size_t)(to - out);
}

char *printable(const char *text, size_t length, size_t most) {
    static const char ellipsis[] = "\xe2\x80\xa6";
    bool cut = length > most;
    if (cut) length = most;
    while (cut && length && ((unsigned char)text[length] & 0xc0) == 0x80) length--; /* not within a character */
    char *out = malloc(PRINTABLE_GROWTH * length + sizeof ellipsis);
    size_t end = out ? printable_put(out, text, length) : 0;
    if (out && cut) memcpy(out + end, ellipsis, sizeof ellipsis);
    return out;
}
