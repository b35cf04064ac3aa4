/*
 * The report as text: which sections, in which order. The verdict comes first; what may spoil it comes last, and is
 * never left out; of many doubts the first, which are of losses, stand for all.
 */
#include "chart.h"
#include "sections.h"

enum { SUMMARY_LEAKS = 3, SUMMARY_WARNINGS = 1, LEAKS = 20, WARNINGS = 10 };

static size_t warnings_shown(const struct text_style *style) { return style->sites ? style->sites : WARNINGS; }

/* A program that leaks at a thousand call sites has a few causes; who asks for less than the usual still wants them. */
static size_t leaks_shown(const struct text_style *style) { return style->sites > LEAKS ? style->sites : LEAKS; }

int render_text(FILE *out, const struct report *report, const struct text_style *style) {
    struct pen pen = pen_for(out, style);
    section_verdict(&pen, report);
    section_about(&pen, report);
    chart_draw(&pen, report);
    section_phases(&pen, report, true);
    section_leaks(&pen, report, leaks_shown(style));
    section_warnings(&pen, report, warnings_shown(style));
    section_budgets(&pen, report, false);
    section_sites(&pen, report);
    section_residency(&pen, report);
    section_processes(&pen, report);
    section_doubts(&pen, report);
    return pen_done(&pen);
}

int render_summary(FILE *out, const struct report *report, const struct text_style *style) {
    struct pen pen = pen_for(out, style);
    section_leaks(&pen, report, SUMMARY_LEAKS);
    section_warnings(&pen, report, SUMMARY_WARNINGS);
    section_budgets(&pen, report, true);
    section_phases(&pen, report, false);
    section_doubts(&pen, report);
    section_verdict(&pen, report);
    return pen_done(&pen);
}

int render_verdict(FILE *out, const struct report *report, const struct text_style *style) {
    struct pen pen = pen_for(out, style);
    section_verdict(&pen, report);
    section_leaks(&pen, report, leaks_shown(style));
    section_warnings(&pen, report, warnings_shown(style));
    section_budgets(&pen, report, false);
    section_doubts(&pen, report);
    return pen_done(&pen);
}
