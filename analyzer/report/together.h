/*
 * Findings that one source line gave, on several stacks: templates, inlined code, many callers. Each is told by itself,
 * and the sum once. Pure; for the renderers that list findings.
 */
#ifndef REPORT_TOGETHER_H
#define REPORT_TOGETHER_H

#include "report.h"

struct together {
    const struct report_site *site; /* the first of them */
    bool one_function;              /* all are of its function; instances of a template are not */
    size_t stacks;
    double bytes_per_round; /* the sum of those that are known */
};

/*
 * What the finding at `index` has in common with those behind it: phase, process and line. False where it has nothing,
 * or is not the first. Hidden findings don't count.
 */
bool together_from(const struct report *report, const struct report_finding *findings, size_t count, size_t index,
                   struct together *out);

#endif
