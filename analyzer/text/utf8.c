/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

enum { REPLACEMENT = 0xfffd };

struct lead { /* first bytes of one length */
    uint8_t mask, value;
    uint32_t least; /* smallest character that needs this length */
};

static const struct lead leads[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

uint32_t utf8_next(const char *text, size_t *length) {
    const uint8_t *at = (const uint8_t *)text;
    *length = *at ? 1 : 0;
    size_t more = 0;
    while (more < 4 && (*at & leads[more].mask) != leads[more].value) more++;
    if (more == 4) return REPLACEMENT;
    uint32_t character = *at & (uint8_t)~leads[more].mask;
    for (size_t i = 1; i <= more; i++) {
        if ((at[i] & 0xc0) != 0x80) return REPLACEMENT;
        character = character << 6 | (at[i] & 0x3f);
    }
    if (character < leads[more].least || character > 0x10ffff || (character & 0xfffff800) == 0xd800) return REPLACEMENT;
    if (more) *length = more + 1;
    return character;
}

char *utf8_clean(const char *text) {
    static const char replacement[] = "\xef\xbf\xbd";
    char *clean = malloc(3 * strlen(text) + 1), *to = clean;
    size_t length;
    if (!clean) return NULL;
    for (uint32_t character; (character = utf8_next(text, &length)) || length; text += length) {
        const char *from = character == REPLACEMENT ? replacement : text;
        size_t size = character == REPLACEMENT ? sizeof replacement - 1 : length;
        memcpy(to, from, size);
        to += size;
    }
    *to = 0;
    return clean;
}
