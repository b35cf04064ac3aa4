/*
 * Numbers as reports hold them: integers that stay at the largest where they would pass it, as those of a trace made to
 * do harm do. Pure; for whatever fills a report.
 */
#ifndef ANALYZER_REPORT_COUNT_H
#define ANALYZER_REPORT_COUNT_H

#include <stdint.h>

static inline int64_t report_count(uint64_t value) { return value > INT64_MAX ? INT64_MAX : (int64_t)value; }

/* Of two that are not REPORT_NONE. */
static inline int64_t report_sum(int64_t a, int64_t b) {
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return a < 0 ? INT64_MIN + 1 : INT64_MAX;
}

static inline void report_add(int64_t *to, uint64_t value) { *to = report_sum(*to, report_count(value)); }

#endif
