/*
 * How far long work has come, on a line of the terminal that is rewritten in place: nothing in a pipe, nothing with -q,
 * nothing for work of less than half a second.
 */
#ifndef COMMANDS_PROGRESS_H
#define COMMANDS_PROGRESS_H

#include <stdint.h>

struct progress {
    const char *what; /* "reading trace.tmk" */
    int64_t next_ns;  /* CLOCK_MONOTONIC; INT64_MAX: never shown */
    int width;        /* of the line that stands there */
};

/* `what` must stay. */
void progress_begin(struct progress *progress, const char *what);
/* May be called often; `total` 0 means unknown. */
void progress_show(struct progress *progress, uint64_t done, uint64_t total);
/* Clears the line. */
void progress_end(struct progress *progress);

#endif
