/* The verdict as SARIF 2.1.0 (OASIS), for code scanning: a result for each leak, warning and broken rule. */
#ifndef RENDER_SARIF_H
#define RENDER_SARIF_H

#include <stdio.h>

#include "../report/report.h"

/* 0 or -errno. */
int render_sarif(FILE *out, const struct report *report);

#endif
