/*
 * The function below which all leaks lie. Pure.
 */
#ifndef VERDICT_BELOW_H
#define VERDICT_BELOW_H

#include "../report/report.h"

/*
 * Of two leaks or more, the innermost function that called all of them; NULL where there is none, or where it says
 * nothing because a quarter or more of the other call sites lie below it too (main, an interpreter's loop). Owned by
 * the report's sites.
 */
const char *leaks_below(const struct report *report);

#endif
