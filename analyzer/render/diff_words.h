/*
 * What a comparison is called in words, for text and Markdown alike: one line each, written to `out`.
 */
#ifndef RENDER_DIFF_WORDS_H
#define RENDER_DIFF_WORDS_H

#include <stdbool.h>

#include "amount.h"
#include "diff.h"

/* "2 call sites grew, 1 is new; live at the end grew by 93.8 KiB", or that nothing changed beyond noise. */
void diff_headline(FILE *out, const void *comparison);
/* How much work the two did, and what follows for the comparison. */
void diff_work(FILE *out, const void *comparison);
/* In what the two recordings are not alike: program, kernel, libc, allocator, processors. Nothing where they are. */
void diff_unlike(FILE *out, const void *comparison);
bool diff_has_unlike(const struct comparison *comparison);
/* What counted as a change. */
void diff_tolerance(FILE *out, const void *comparison);
void diff_sites(FILE *out, const void *comparison); /* "1 new, 2 grown, 30 the same" */

const char *diff_total_title(const char *name); /* live_bytes_end: "live at the end" */
struct amount diff_total_amount(const struct compared_total *total, int64_t value);
struct amount diff_bytes(int64_t by); /* with a sign; 0: = */
struct amount diff_total_by(const struct compared_total *total);
struct amount diff_factor(double before, double after); /* +12%, ×3.4; absent: a dash */

#endif
