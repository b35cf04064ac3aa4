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

enum baseline_answer { BASELINE_NEW, BASELINE_KNOWN, BASELINE_FASTER };
enum baseline_answer baseline_ask(const struct baseline *baseline, const char *site,
                                  const struct report_growth *growth);

#endif
