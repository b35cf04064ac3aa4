/* What a class means for the result of a run, by its name in the report. */
#ifndef VERDICT_OUTCOME_H
#define VERDICT_OUTCOME_H

#include "growth.h"

/* GROWTH_PASS for an unknown name. */
enum growth_outcome outcome_of_slug(const char *slug);

#endif
