/*
 * The verdict of a run: a pure function of the report's findings and of rules. It reads every part of the report but
 * `verdict`, which it fills; the same report and rules give the same verdict.
 *
 * Result, the worst of: leak, budget, inconclusive, warn, pass; nothing-judged where no phase repeats.
 */
#ifndef VERDICT_VERDICT_H
#define VERDICT_VERDICT_H

#include "../report/report.h"
#include "growth.h"

struct budget;       /* budget.h */
struct baseline;     /* baseline.h */
struct suppressions; /* suppressions.h */

struct verdict_rules {
    const struct budget *budget;             /* NULL: none */
    const struct baseline *baseline;         /* NULL: none */
    bool update_baseline;                    /* every leak is about to be written to it, and so is known */
    const struct suppressions *suppressions; /* NULL: none */
    bool strict;                             /* warnings fail as leaks do, nothing-judged as inconclusive */
    bool allow_inconclusive;                 /* inconclusive passes */
    int64_t leak_exit_code;                  /* negative: 10 */
    int64_t min_rounds; /* repeated phases with fewer rounds are inconclusive; 0 or negative: none asked for */
    const char *hint;   /* what else a person should know, NULL: nothing */
};

/*
 * Fills report->verdict. Findings come from report->sites[].growth, and the counts of
 * what was judged from report->verdict; ignored and suppressed ones are left out of leaks
 * and listed in reasons. Texts are of the report's memory; the rules must live as long.
 */
void verdict_decide(struct report *report, const struct verdict_rules *rules);

/*
 * What RSS did against live bytes between two moments, from the curve: diagnosis "steady", "fragmentation",
 * "retention", "unexplained", "growing", and Theil-Sen rates. Mann-Kendall corrected for ties and autocorrelation.
 * Leaves the phase as it is where the points are too few or too close together to say. `phases`: that the process has.
 */
void verdict_diagnose(struct report_phase *phase, const struct report_point *points, size_t count, size_t phases);

#endif
