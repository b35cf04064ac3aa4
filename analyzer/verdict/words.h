/*
 * Texts of a fixed length that are built piece by piece, and amounts in words, for the sentences of verdicts. Pure.
 */
#ifndef VERDICT_WORDS_H
#define VERDICT_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct words { /* text always ends with NUL; what does not fit is cut */
    char *text;
    size_t size, length;
};

struct words words_begin(char *text, size_t size);
void words_add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct quantity_text {
    char text[32];
};
struct quantity_text words_bytes(double bytes); /* "48 B", "1.04 MiB"; not finite: "unknown" */
struct quantity_text words_time(double ns);     /* "12.5 s", "416 ms" */

#endif
