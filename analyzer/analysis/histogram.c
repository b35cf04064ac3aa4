/*
 * Log-linear buckets. See histogram.h.
 */
#include "histogram.h"

#include <stdlib.h>
#include <string.h>

/* Middle of a bucket. */
static double value_of(uint32_t bucket, unsigned bits) {
    if (bucket >> bits == 0) return bucket;
    unsigned octave = (bucket >> bits) - 1;
    double low = (double)((uint64_t)(bucket - (octave << bits)) << octave);
    return low + (double)((uint64_t)1 << octave) / 2 - (octave ? 0 : 0.5);
}

int histogram_reach(struct histogram *h, uint32_t bucket) {
    uint32_t capacity = (bucket | 15u) + 1;
    uint32_t *grown = realloc(h->counts, capacity * sizeof *grown);
    if (!grown) return -ENOMEM;
    memset(grown + h->capacity, 0, (capacity - h->capacity) * sizeof *grown);
    h->counts = grown;
    h->capacity = capacity;
    return 0;
}

void histogram_take(struct histogram *h, uint64_t value) {
    uint32_t bucket = histogram_bucket(value, h->bits);
    if (bucket >= h->capacity || !h->counts[bucket]) return;
    h->counts[bucket]--;
    h->total--;
}

int histogram_merge(struct histogram *into, const struct histogram *from) {
    if (from->capacity > into->capacity && histogram_reach(into, from->capacity - 1)) return -ENOMEM;
    for (uint32_t i = 0; i < from->capacity; i++) {
        uint32_t room = UINT32_MAX - into->counts[i];
        into->counts[i] += from->counts[i] < room ? from->counts[i] : room;
    }
    into->total += from->total;
    if (from->max > into->max) into->max = from->max;
    return 0;
}

double histogram_at(const struct histogram *h, double share) {
    if (share >= 1 || !h->total) return (double)h->max;
    double wanted = share * (double)h->total, seen = 0;
    for (uint32_t i = 0; i < h->capacity; i++) {
        seen += h->counts[i];
        if (seen > wanted || (seen == wanted && share > 0)) {
            double value = value_of(i, h->bits);
            return value < (double)h->max ? value : (double)h->max;
        }
    }
    return (double)h->max;
}

/* 0 for 0, else one more than the logarithm of the bucket's values. */
static uint32_t octave_of(uint32_t bucket, unsigned bits) {
    if (!bucket) return 0;
    if (bucket >> bits) return (bucket >> bits) + bits;
    return 32u - (uint32_t)__builtin_clz(bucket);
}

uint32_t histogram_octaves(const struct histogram *h, uint64_t *counts) {
    uint32_t used = 0;
    memset(counts, 0, HISTOGRAM_OCTAVES * sizeof *counts);
    for (uint32_t i = 0; i < h->capacity; i++) {
        if (!h->counts[i]) continue;
        uint32_t octave = octave_of(i, h->bits);
        counts[octave] += h->counts[i];
        used = octave + 1;
    }
    return used;
}

void histogram_release(struct histogram *h) {
    free(h->counts);
    *h = (struct histogram){.bits = h->bits};
}
