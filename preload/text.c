/* Text without libc (text.h): used where allocation and locale are out of reach. */
#include "text.h"

#include <string.h>

struct text text_into(char *buffer, size_t size) {
    buffer[0] = 0;
    return (struct text){buffer, buffer, buffer + size - 1, false};
}

void text_put_bytes(struct text *text, const char *bytes, size_t length) {
    if (length > (size_t)(text->end - text->at)) {
        length = (size_t)(text->end - text->at);
        text->full = true;
    }
    memcpy(text->at, bytes, length);
    text->at += length;
    *text->at = 0;
}

void text_put(struct text *text, const char *string) { text_put_bytes(text, string, strlen(string)); }

void text_put_number(struct text *text, uint64_t number) {
    char digits[20];
    size_t count = 0;
    do {
        digits[sizeof digits - ++count] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    text_put_bytes(text, digits + sizeof digits - count, count);
}

bool text_number(const char **at, uint64_t *out) {
    uint64_t number = 0;
    const char *digit = *at;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*digit - '0'), &number))
            return false;
    if (digit == *at) return false;
    *at = digit;
    *out = number;
    return true;
}

uint64_t text_next_number(const char **at) {
    uint64_t number = 0;
    while (**at && (**at < '0' || **at > '9')) (*at)++;
    text_number(at, &number);
    return number;
}

bool text_matches(const char *pattern, const char *string) {
    const char *star = NULL, *resume = NULL;
    while (*string) {
        if (*pattern == '*') {
            star = pattern++;
            resume = string;
        } else if (*pattern == '?' || *pattern == *string) {
            pattern++;
            string++;
        } else if (star) {
            pattern = star + 1;
            string = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return !*pattern;
}

bool text_equal(const char *a, const char *b) { return strcmp(a, b) == 0; }

const char *text_base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
