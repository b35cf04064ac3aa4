/*
 * The smaller and the larger of two numbers, also where UINT64_MAX says that one is not known.
 */
#ifndef ANALYSIS_EXTREMES_H
#define ANALYSIS_EXTREMES_H

#include <stdint.h>

static inline uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t most(uint64_t a, uint64_t b) { return a > b ? a : b; }
static inline uint64_t most_known(uint64_t a, uint64_t b) {
    return a == UINT64_MAX || b == UINT64_MAX ? least(a, b) : most(a, b);
}

#endif
