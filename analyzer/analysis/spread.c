/*
 * Running statistics. See spread.h.
 */
#include "spread.h"

#include <math.h>

#define PARTS_BITS 5 /* 32 parts an octave */

void spread_begin(struct spread *spread) { *spread = (struct spread){.histogram.bits = PARTS_BITS}; }

void spread_add(struct spread *spread, uint64_t value) {
    double distance = (double)value - spread->mean;
    if (!spread->count || value < spread->min) spread->min = value;
    spread->count++;
    spread->mean += distance / (double)spread->count;
    spread->squares += distance * ((double)value - spread->mean);
    histogram_add(&spread->histogram, value);
    drift_add(&spread->drift, (double)value);
}

double spread_at(const struct spread *spread, double share) {
    return fmax(histogram_at(&spread->histogram, share), (double)spread->min);
}

double spread_deviation(const struct spread *spread) {
    return spread->count > 1 ? sqrt(spread->squares / (double)(spread->count - 1)) : 0;
}

void spread_release(struct spread *spread) {
    histogram_release(&spread->histogram);
    drift_release(&spread->drift);
}
