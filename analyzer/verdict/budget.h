/*
 * Budget files: limits for a run, its phases, sites and values, and what is declared about them. INI, one key a line,
 * flush left; read once by a command, applied by the verdict. The keys are rows of tables in budget_keys.c.
 */
#ifndef VERDICT_BUDGET_H
#define VERDICT_BUDGET_H

#include "../report/arena.h"
#include "../report/report.h"
#include "judge.h"
#include "rule_file.h"

struct budget;

/* 0 or -errno; -EINVAL: a line that is none, see `error`. */
int budget_read(const char *path, struct budget **out, struct rule_error *error);
void budget_release(struct budget *budget);

/* Files named in [baseline] and [suppress], beside the budget file if relative; NULL: none. */
const char *budget_baseline(const struct budget *budget);
const char *budget_suppressions(const struct budget *budget);

/* What is declared about a phase: fits judge_input.phase_facts with the budget as context. */
bool budget_phase_facts(void *budget, const char *phase, struct phase_facts *out);

/* Whether a [process] names it: then it is judged, also without phases. Fits build_options.names_process. */
bool budget_names_process(void *budget, const char *exe);

/* Whether it limits sites, and this one: those are measured, however small. Fits build_options.names_site. */
bool budget_names_sites(const struct budget *budget);
bool budget_names_site(void *budget, const struct report_site *site);

/*
 * Ignored findings: the index of the first rule that ignores leaks of this site or of its process at the date of the
 * trace; SIZE_MAX: none.
 */
size_t budget_ignores(const struct budget *budget, const struct report *report, const struct report_site *site);
size_t budget_ignore_count(const struct budget *budget);
/* "[site] line 12: match = cache_.* (known since spring), until 2030-12-31" */
const char *budget_ignore_text(const struct budget *budget, size_t index, struct arena *arena);

/* The lowest max-rss, of the run or of a phase; NAN: none. */
double budget_rss_limit(const struct budget *budget);

struct budget_result {
    struct report_budget *rows;
    size_t row_count;
    bool exceeded, warned, inconclusive;
};
/* Measures every rule on the report; pure but for the arena, which owns the rows. */
void budget_check(const struct budget *budget, const struct report *report, struct arena *arena,
                  struct budget_result *out);

#endif
