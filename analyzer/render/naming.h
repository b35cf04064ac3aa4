/*
 * How sites and files are called in text: by function and file name where they are known, else by module and offset.
 * Pure.
 */
#ifndef RENDER_NAMING_H
#define RENDER_NAMING_H

#include "../report/report.h"

/* By value, so that it can be used in one expression; cut where it is longer. */
struct naming {
    char text[1024];
};

struct naming name_of_site(const struct report_site *site); /* NULL: "a call site" */
/* For a site whose own function has no name: the nearest caller that has one. NULL: none, or not needed. */
const char *named_caller(const struct report_site *site);
struct naming name_of_frame(const struct report_frame *frame);
/* A source file as CI servers know it: relative to the report's root where it is below that. */
const char *name_of_source(const struct report *report, const char *file);
/*
 * The frame that a person can change: the first one below the root, else the first that has a source file. NULL: none.
 */
const struct report_frame *frame_to_change(const struct report *report, const struct report_site *site);

#endif
