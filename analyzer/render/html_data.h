/*
 * The JSON report as the HTML report carries it: smaller. Stacks as html_stacks.h has them, points and looks as columns
 * {field: [VALUE…]}, and of very many sites and findings only those that matter most; left_out {leaks, warnings, sites}
 * says how many are not there. together [{function, file, phase, line, stacks, bytes_per_round}] are the sums of
 * findings that one source line gave (report/together.h), first of leaks.
 */
#ifndef RENDER_HTML_DATA_H
#define RENDER_HTML_DATA_H

#include <stdio.h>

#include "../report/report.h"

/* One line of JSON. 0, -ENOMEM, -EIO. */
int html_data_write(FILE *out, const struct report *report);

#endif
