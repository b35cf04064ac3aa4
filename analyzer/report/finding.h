/*
 * What a finding is about: its site in the report, and what that did in the finding's phase. Pure.
 */
#ifndef REPORT_FINDING_H
#define REPORT_FINDING_H

#include <string.h>

#include "report.h"

/* NULL: of the process, or not shown. */
static inline const struct report_site *site_of_finding(const struct report *report,
                                                        const struct report_finding *finding) {
    return finding->site_index < report->site_count ? &report->sites[finding->site_index] : NULL;
}

/* NULL: none. `site` may be NULL. */
static inline const struct report_growth *growth_of_finding(const struct report_site *site,
                                                            const struct report_finding *finding) {
    for (size_t i = 0; site && i < site->growth_count; i++) {
        const char *phase = site->growth[i].phase;
        if (phase && finding->phase && strcmp(phase, finding->phase) == 0) return &site->growth[i];
    }
    return NULL;
}

#endif
