/*
 * The verdict as annotations of a GitHub Actions job: one workflow command a line for each leak, warning and broken
 * rule.
 */
#ifndef RENDER_GITHUB_H
#define RENDER_GITHUB_H

#include <stdio.h>

#include "../report/report.h"

/* 0 or -errno. */
int render_github(FILE *out, const struct report *report);

#endif
