/*
 * What of a report's residency depends on which sites it holds.
 */
#ifndef REPORT_RESIDENCY_ROWS_H
#define REPORT_RESIDENCY_ROWS_H

#include "report.h"

/* After sites were left out or put in another order: where the pins' sites stand, and what the missing ones hold. */
void residency_sites_changed(struct report *report);

#endif
