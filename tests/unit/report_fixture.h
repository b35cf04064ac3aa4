/*
 * A report made by hand: a program with two phases, one leak, a cache that is none, and everything that a renderer may
 * meet, such as absent numbers, control characters in names and invalid UTF-8.
 */
#ifndef TESTS_REPORT_FIXTURE_H
#define TESTS_REPORT_FIXTURE_H

#include "../../analyzer/report/report.h"

/* Static; not to be released. */
const struct report *report_fixture(void);
/* A report in which everything that can be empty is. */
const struct report *report_fixture_empty(void);

#endif
