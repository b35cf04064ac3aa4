/*
 * The JSON report as an object, for writers that change it before they write it.
 */
#ifndef RENDER_JSON_REPORT_H
#define RENDER_JSON_REPORT_H

#include <jansson.h>

#include "../report/report.h"

/* To be released by the caller; NULL: out of memory. */
json_t *json_of_report(const struct report *report);

#endif
