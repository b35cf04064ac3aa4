/*
 * What of a report is shown: done after the verdict, which never depends on it. Findings stay in the report, but those
 * of sites and phases that are not shown are marked as hidden. Where blocks were chosen (report->chosen), sites then
 * show the numbers of those, and sites without any go.
 */
#ifndef REPORT_FILTER_H
#define REPORT_FILTER_H

#include "report.h"

struct report_filter {
    const char *site;   /* extended regular expression on any function of the stack; NULL: all */
    const char *module; /* glob on the module of the call site; NULL: all */
    const char *phase;  /* glob; NULL: all */
    int64_t round;      /* of these phases, 0: all */
    int64_t top;        /* sites besides those of the verdict; negative: all that there are */
    const char *sort;   /* live, peak, allocated, allocations, temporary, rss; NULL: leaks first, then live */
};

/* 0, or -EINVAL: the regular expression or the sort key. */
int report_show_only(struct report *report, const struct report_filter *filter);
bool report_sorts_by(const char *key); /* whether there is such a sort key */

#endif
