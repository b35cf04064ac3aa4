/*
 * Bytes, times and counts in words for people: three significant digits, 1024-based units, absent as a dash. Pure.
 */
#ifndef RENDER_AMOUNT_H
#define RENDER_AMOUNT_H

#include <stdint.h>

/* A short text by value, so that several fit in one call of printf. */
struct amount {
    char text[32];
};

struct amount amount_bytes(int64_t bytes);     /* 1.04 MiB; REPORT_NONE: a dash */
struct amount amount_bytes_real(double bytes); /* the same; not finite: a dash */
struct amount amount_time(double ns);          /* 12.5 s, 416 ms, 3m 20s */
struct amount amount_time_whole(int64_t ns);
struct amount amount_count(int64_t count);  /* 24000, 1.20 M */
struct amount amount_number(double number); /* 2400, 0.93 */
struct amount amount_share(double share);   /* 97% */

#endif
