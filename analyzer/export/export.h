/*
 * The report in the formats of other tools. Each format is a row of one table and a pure function of the report, which
 * should hold all sites with whole stacks. 0 or -errno; a failed write is -EIO.
 */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "../report/report.h"

/* What a stack is worth, for the formats that show one number at a time. */
struct export_metric {
    const char *name, *title, *unit; /* unit: bytes or count */
    size_t offset;                   /* of an int64_t in struct report_site */
};

struct export_options {
    const struct export_metric *metric;
    const char *table; /* csv: which; NULL: sites */
};

struct export_format {
    const char *name, *what;
    bool binary; /* not for a terminal */
    int (*write)(FILE *out, const struct report *report, const struct export_options *options);
};

/* NULL: unknown. Both tables end with a NULL name. */
const struct export_format *export_format(const char *name);
const struct export_metric *export_metric(const char *name);
extern const struct export_format export_formats[];
extern const struct export_metric export_metrics[]; /* the first is the default */

/* REPORT_NONE and negative values are 0. */
int64_t export_value(const struct report_site *site, const struct export_metric *metric);
/* Name of a frame for people: its function, or its module, or "?". */
const char *export_frame_name(const struct report_frame *frame);
/* 0, or -EIO after a failed write. */
int export_flush(FILE *out);

int export_folded(FILE *out, const struct report *report, const struct export_options *options);
int export_pprof(FILE *out, const struct report *report, const struct export_options *options);
int export_massif(FILE *out, const struct report *report, const struct export_options *options);
int export_speedscope(FILE *out, const struct report *report, const struct export_options *options);
int export_callgrind(FILE *out, const struct report *report, const struct export_options *options);
int export_heaptrack(FILE *out, const struct report *report, const struct export_options *options);
int export_perfetto(FILE *out, const struct report *report, const struct export_options *options);
int export_csv(FILE *out, const struct report *report, const struct export_options *options);
int export_sqlite(FILE *out, const struct report *report, const struct export_options *options);
int export_openmetrics(FILE *out, const struct report *report, const struct export_options *options);

#endif
