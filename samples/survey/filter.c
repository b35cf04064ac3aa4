/*
 * Band filter and gain of the survey workload; see filter.h. Called for every trace, allocates nothing.
 */
#include "survey/filter.h"

#include <math.h>

struct band band_around(double centre, double quality, double rate) {
    double w = 2 * M_PI * centre / rate;
    double alpha = sin(w) / (2 * quality), a0 = 1 + alpha;
    return (struct band){alpha / a0, -alpha / a0, -2 * cos(w) / a0, (1 - alpha) / a0};
}

void band_apply(const struct band *band, float *samples, size_t count) {
    double x1 = 0, x2 = 0, y1 = 0, y2 = 0;
    for (size_t i = 0; i < count; i++) {
        double x = (double)samples[i];
        double y = band->b0 * x + band->b2 * x2 - band->a1 * y1 - band->a2 * y2;
        x2 = x1;
        x1 = x;
        y2 = y1;
        y1 = y;
        samples[i] = (float)y;
    }
}

double mean_square(const float *samples, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)samples[i] * (double)samples[i];
    return count ? sum / (double)count : 0;
}

void gain_apply(float *samples, size_t count) {
    double level = sqrt(mean_square(samples, count));
    if (level == 0) return;
    for (size_t i = 0; i < count; i++) samples[i] = (float)((double)samples[i] / level);
}
