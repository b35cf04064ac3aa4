/*
 * The report in the forms that people and programs read. Each renderer is a pure function of the report: it computes
 * nothing that the report does not hold and asks nobody. 0 or -errno; a failed write is -EIO.
 */
#ifndef RENDER_RENDER_H
#define RENDER_RENDER_H

#include <stdbool.h>
#include <stdio.h>

#include "../report/report.h"

struct text_style {
    bool color;
    bool unicode; /* else ASCII only */
    int width;    /* columns; below 80 lines are longer than that */
    size_t sites; /* top sites shown besides the leaks; 0: 10 */
    size_t depth; /* frames shown of a stack; 0: 12 */
};

/*
 * Width of the terminal behind `fd` (100 where there is none) and whether the locale is UTF-8; `color` is the caller's.
 */
struct text_style text_style_for(int fd, bool color);

/* The full report for a terminal. */
int render_text(FILE *out, const struct report *report, const struct text_style *style);
/* The verdict, its reasons and evidence: what `check` says. */
int render_verdict(FILE *out, const struct report *report, const struct text_style *style);
/* What `run` says at the end: the verdict, the worst leaks with their stacks, a line for each phase. */
int render_summary(FILE *out, const struct report *report, const struct text_style *style);

/* "tidemark-report/1", see docs/report.schema.json. */
int render_json(FILE *out, const struct report *report);

/* One file that draws itself in a browser, offline. */
int render_html(FILE *out, const struct report *report);

/* A summary for the page of a CI job. */
int render_markdown(FILE *out, const struct report *report);

#endif
