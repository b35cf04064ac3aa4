/*
 * The comparison of two reports in the forms that people and programs read. Pure functions of the comparison, as those
 * of render.h are of the report. 0 or -errno; a failed write is -EIO.
 */
#ifndef RENDER_DIFF_H
#define RENDER_DIFF_H

#include "../report/compare.h"
#include "render.h"

/* For a terminal; style.sites: changed sites shown, 0: 20. */
int render_diff_text(FILE *out, const struct comparison *comparison, const struct text_style *style);
/* "tidemark-diff/1", see docs/diff.schema.json. */
int render_diff_json(FILE *out, const struct comparison *comparison);
/* A summary for the page of a CI job. */
int render_diff_markdown(FILE *out, const struct comparison *comparison);
/* One file that draws itself in a browser, offline, with a flame graph of the difference. */
int render_diff_html(FILE *out, const struct comparison *comparison);

#endif
