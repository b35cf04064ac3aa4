/*
 * Phases that grow at call sites of which nothing can be said yet: no pass, though no site is known to grow. Pure.
 */
#ifndef VERDICT_UNJUDGED_H
#define VERDICT_UNJUDGED_H

#include "../report/report.h"

/*
 * Whether the live bytes at the ends of the phase's rounds, or of a suite's tests, still rise in their second half,
 * notably, and blocks of sites that were not judged can hold most of it. `rise`: bytes, from the phase's begin to the
 * line at its last round.
 */
bool unjudged_growth(const struct report *report, const struct report_phase *phase, double *rise);

#endif
