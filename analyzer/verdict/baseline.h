/*
 * Leaks that are known: a JSON file of sites, phases and rates. A new leak fails; a known one only when it has grown
 * faster beyond doubt, that is when the lower bound of its rate exceeds the stored upper bound.
 */
#ifndef VERDICT_BASELINE_H
#define VERDICT_BASELINE_H

#include "../report/report.h"
#include "rule_file.h"

struct baseline;

/* 0 or -errno; -EINVAL: not a baseline, see `error`. */
int baseline_read(const char *path, struct baseline **out, struct rule_error *error);
void baseline_release(struct baseline *baseline);
/* Writes the known leaks of a verdict, through a new file beside it. 0 or -errno. */
int baseline_write(const char *path, const struct report *report);

/* Leaks in the order of the file, from 0. */
size_t baseline_count(const struct baseline *baseline);
/* The one of a site in a phase, or SIZE_MAX. */
size_t baseline_find(const struct baseline *baseline, const char *site, const char *phase);
/* False: it has grown faster. */
bool baseline_excuses(const struct baseline *baseline, size_t index, const struct report_growth *growth);
/* Borrowed; "" where the file has none. */
const char *baseline_phase(const struct baseline *baseline, size_t index);
const char *baseline_function(const struct baseline *baseline, size_t index);

#endif
