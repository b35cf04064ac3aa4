/*
 * The verdict as JUnit XML: a test case for each phase ("PHASE: no leak") and for each rule of the budget. What was not
 * judged is skipped; leaking sites stand in the failure's text, so that names stay the same from run to run.
 */
#ifndef RENDER_JUNIT_H
#define RENDER_JUNIT_H

#include <stdio.h>

#include "../report/report.h"

/* 0 or -errno. */
int render_junit(FILE *out, const struct report *report);

#endif
