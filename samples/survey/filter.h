/*
 * Band filter and gain for one trace, in place.
 *
 * The filter is the constant-peak band-pass biquad of Bristow-Johnson's "Cookbook formulae for audio EQ biquad filter
 * coefficients"; the gain brings each trace to unit mean square. Pure functions, any thread.
 */
#ifndef SAMPLES_SURVEY_FILTER_H
#define SAMPLES_SURVEY_FILTER_H

#include <stddef.h>

struct band {
    double b0, b2, a1, a2;
};

/* centre and sampling rate in Hz */
struct band band_around(double centre, double quality, double rate);
void band_apply(const struct band *band, float *samples, size_t count);
void gain_apply(float *samples, size_t count);
double mean_square(const float *samples, size_t count);

#endif
