/*
 * The memory curve of the text report: live bytes in front of RSS, with the phases as bands below.
 */
#ifndef RENDER_CHART_H
#define RENDER_CHART_H

#include "pen.h"

void chart_draw(struct pen *pen, const struct report *report);

#endif
