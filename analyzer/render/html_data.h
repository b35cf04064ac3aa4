/*
 * The JSON report as the HTML report carries it: smaller. Texts, frames and stacks are kept once and referred to by
 * number, points and looks are columns, and of very many sites and findings only those that matter most are kept.
 *
 *   texts   [TEXT…]
 *   frames  [[function, file, line, module, offset, inlined]…]: texts by number, -1 absent; line 0 absent
 *   nodes   [parent, frame, parent, frame…]: a caller and a frame below it; parent -1 at the outermost
 *   a site's stack is the number of its node, -1 without one; curve and residency.looks are {field: [VALUE…]}
 *   left_out {leaks, warnings, sites}: how many
 */
#ifndef RENDER_HTML_DATA_H
#define RENDER_HTML_DATA_H

#include <stdio.h>

#include "../report/report.h"

/* One line of JSON. 0, -ENOMEM, -EIO. */
int html_data_write(FILE *out, const struct report *report);

#endif
