/*
 * The parts that the text report, the summary and the verdict are put together from. Each ends with an empty line, or
 * writes nothing where the report has nothing to say.
 */
#ifndef RENDER_SECTIONS_H
#define RENDER_SECTIONS_H

#include "pen.h"

void section_verdict(struct pen *pen, const struct report *report); /* the first words, reasons and hints */
void section_about(struct pen *pen, const struct report *report);   /* what was recorded, totals */
void section_phases(struct pen *pen, const struct report *report, bool details);
/* Leaks or warnings, at most `most` of them, with evidence and stack. */
void section_leaks(struct pen *pen, const struct report *report, size_t most);
void section_warnings(struct pen *pen, const struct report *report, size_t most);
void section_budgets(struct pen *pen, const struct report *report, bool failed_only);
void section_sites(struct pen *pen, const struct report *report);
/* A line of the functions that call a site, from this column on; nothing where none has a name. */
void section_callers(struct pen *pen, const struct report_site *site, int column);
void section_residency(struct pen *pen, const struct report *report); /* who holds the resident pages */
void section_processes(struct pen *pen, const struct report *report);
void section_doubts(struct pen *pen, const struct report *report);

#endif
