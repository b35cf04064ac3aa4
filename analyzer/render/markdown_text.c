/*
 * Escapes text for Markdown. See markdown_text.h.
 */
#include "markdown_text.h"

#include <stdint.h>
#include <string.h>

#include "../text/utf8.h"

enum { NAME_MAX_CHARACTERS = 200, LOW = 0x20, REPLACEMENT = 0xfffd };

void markdown_put(FILE *out, const char *text) {
    size_t length, count = 0;
    for (uint32_t c; text && count < NAME_MAX_CHARACTERS && ((c = utf8_next(text, &length)) || length);
         text += length, count++) {
        if (c == REPLACEMENT || c < LOW || (c >= 0x7f && c < 0xa0)) fputs("\xef\xbf\xbd", out);
        else if (c < 0x80 && strchr("\\`*_{}[]()#+-.!|<>&~@$:", (int)c)) fprintf(out, "&#%u;", c);
        else fwrite(text, 1, length, out);
    }
}
