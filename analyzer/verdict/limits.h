/*
 * Limits as budget files write them: sizes, times, rates, shares and numbers; parsed and shown. Pure, and independent
 * of the locale.
 */
#ifndef VERDICT_LIMITS_H
#define VERDICT_LIMITS_H

#include <stdbool.h>

#include "words.h"

enum limit_unit {
    LIMIT_BYTES,            /* 64k, 1.5M, 2G: 1024-based */
    LIMIT_BYTES_PER_SECOND, /* 10M/s */
    LIMIT_TIME,             /* ns; 10ms, 30s, 5m */
    LIMIT_COUNT,
    LIMIT_NUMBER,
    LIMIT_SHARE, /* 15% or 15: 0.15 */
};

/* False: not a limit of this unit. */
bool limit_parse(const char *text, enum limit_unit unit, double *out);
struct quantity_text limit_show(double value, enum limit_unit unit);
/* What a limit of this unit looks like, for error messages. */
const char *limit_expects(enum limit_unit unit);

#endif
