/*
 * A report made by hand for the tests of verdicts and budgets, so that every expectation can be read off it: one leak
 * in the phase `load`, three sizes of an import, and a curve of RSS that rises, falls and climbs. Tests change it as
 * they need.
 */
#ifndef TESTS_VERDICT_FIXTURE_H
#define TESTS_VERDICT_FIXTURE_H

#include "../../analyzer/report/report.h"
#include "../../analyzer/verdict/budget.h"

enum { MIB = 1048576 };

extern struct report report; /* of all that follows */
extern struct report_growth growths[2];
extern struct report_site site;
extern struct report_phase phases[6];
extern struct report_point curve[60]; /* one a second */
extern struct report_process process;

/* As it was; before each test. */
int set_up(void **state);

/* A file of this text, to be unlinked; its name, until the next call. */
const char *file_of(const char *text);
/* The budget of this text, to be released; the test fails if it is not good. */
struct budget *budget_of(const char *text);

#endif
