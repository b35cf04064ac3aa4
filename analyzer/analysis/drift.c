/*
 * Values in order, in bins whose width doubles when they are full. See drift.h.
 */
#include "drift.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_BINS 6u /* capacities are these, doubled until DRIFT_BINS */

static void double_width(struct drift *drift) {
    for (uint32_t i = 0; i < drift->count / 2; i++) {
        const struct drift_bin *pair = &drift->bins[2 * i];
        drift->bins[i] = (struct drift_bin){pair[0].sum + pair[1].sum, pair[0].count + pair[1].count};
    }
    drift->count /= 2; /* the capacity is even, and they are full */
    drift->width *= 2;
}

static int make_room(struct drift *drift) {
    if (drift->count < drift->capacity) return 0;
    if (drift->capacity == DRIFT_BINS) {
        double_width(drift);
        return 0;
    }
    uint32_t capacity = drift->capacity ? 2 * drift->capacity : FIRST_BINS;
    struct drift_bin *grown = realloc(drift->bins, capacity * sizeof *grown);
    if (!grown) return -ENOMEM;
    drift->bins = grown;
    drift->capacity = capacity;
    return 0;
}

int drift_add(struct drift *drift, double value) {
    if (!drift->width) drift->width = 1;
    if (!drift->count || drift->bins[drift->count - 1].count == drift->width) {
        if (make_room(drift)) return -ENOMEM;
        drift->bins[drift->count++] = (struct drift_bin){0, 0};
    }
    struct drift_bin *bin = &drift->bins[drift->count - 1];
    bin->sum += value;
    bin->count++;
    return 0;
}

size_t drift_third(const struct drift *drift, bool last, double means[DRIFT_BINS / 3]) {
    size_t third = drift->count / 3, from = last ? drift->count - third : 0;
    for (size_t i = 0; i < third; i++) means[i] = drift->bins[from + i].sum / (double)drift->bins[from + i].count;
    return third;
}

void drift_release(struct drift *drift) { free(drift->bins); }
