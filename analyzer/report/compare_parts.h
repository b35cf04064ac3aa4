/*
 * What the two halves of a comparison share: compare.c and compare_sites.c.
 */
#ifndef REPORT_COMPARE_PARTS_H
#define REPORT_COMPARE_PARTS_H

#include "compare.h"

/* GROWN above `high`, SHRUNK below `low`, each by more than the tolerance. */
enum change compare_within(double low, double high, double after, double margin, int64_t least);
/* The work done in this phase, or that of the whole comparison. */
struct compared_work compare_work_in(const struct comparison *c, const char *phase);
/* Length of a site id without the number behind the dot, which depends on the order of sites. */
size_t compare_id_length(const char *id);

void compare_sites(struct comparison *c, const char *sort);

#endif
