/*
 * The JSON of a report and of a comparison as objects, for writers that change them before they write.
 */
#ifndef RENDER_JSON_REPORT_H
#define RENDER_JSON_REPORT_H

#include <jansson.h>

#include "../report/report.h"

/* To be released by the caller; NULL: out of memory. */
json_t *json_of_report(const struct report *report);
struct comparison;
json_t *json_of_comparison(const struct comparison *comparison);

#endif
