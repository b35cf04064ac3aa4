/*
 * A histogram of times or sizes with a bounded relative error: octaves split in equal parts (as HDR histograms do).
 *
 * Memory follows the largest value seen: 64 octaves at most, 1 << bits counters each, made when first needed.
 */
#ifndef ANALYSIS_HISTOGRAM_H
#define ANALYSIS_HISTOGRAM_H

#include <errno.h>
#include <stdint.h>

struct histogram {
    uint32_t *counts;
    uint32_t capacity;
    uint8_t bits; /* an octave has 1 << bits parts: relative error at most 1 / (2 << bits) */
    uint64_t total, max;
};

/* The counter of a value. */
static inline uint32_t histogram_bucket(uint64_t value, unsigned bits) {
    if (value >> bits == 0) return (uint32_t)value;
    unsigned octave = 63u - (unsigned)__builtin_clzll(value) - bits;
    return (octave << bits) + (uint32_t)(value >> octave);
}
int histogram_reach(struct histogram *histogram, uint32_t bucket); /* makes room for it */

/* 0 or -ENOMEM (the value is then not counted). */
static inline int histogram_add(struct histogram *histogram, uint64_t value) {
    uint32_t bucket = histogram_bucket(value, histogram->bits);
    if (bucket >= histogram->capacity && histogram_reach(histogram, bucket)) return -ENOMEM;
    if (histogram->counts[bucket] < UINT32_MAX) histogram->counts[bucket]++;
    histogram->total++;
    if (value > histogram->max) histogram->max = value;
    return 0;
}
/* Takes one value out that was added before. The maximum stays. */
void histogram_take(struct histogram *histogram, uint64_t value);
/* Adds the other's values; both have the same bits. 0 or -ENOMEM. */
int histogram_merge(struct histogram *into, const struct histogram *from);
/* The value below which `share` (0..1) of the values lie, about; the exact maximum for 1; 0 if there are none. */
double histogram_at(const struct histogram *histogram, double share);
#define HISTOGRAM_OCTAVES 65u
/*
 * Counts of 0, of 1, of 2 and 3, of 4 to 7, and so on: HISTOGRAM_OCTAVES of them. Returns how many come up to the last
 * that is not 0.
 */
uint32_t histogram_octaves(const struct histogram *histogram, uint64_t *counts);
/* In which of these a value is. */
static inline unsigned histogram_octave(uint64_t value) { return value ? 64u - (unsigned)__builtin_clzll(value) : 0; }
void histogram_release(struct histogram *histogram);

#endif
