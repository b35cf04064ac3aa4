/*
 * A report of a program that still runs, for a terminal and for a log. Pure functions of the view: what is shown as a
 * rate is the difference to the view before.
 */
#ifndef RENDER_WATCH_H
#define RENDER_WATCH_H

#include "render.h"

struct watch_view {
    const struct report *now;
    const struct report *before;  /* NULL: the first view */
    int64_t between_ns;           /* time between the two, of the watching clock */
    const char *state;            /* "recording", "the trace is closed" */
    int64_t cost_ns, interval_ns; /* processor time of reading the trace, and how often that is done */
    int rows;                     /* of the terminal; 0: as many as are useful */
    int64_t age_ns, rss_bytes;    /* since `now` was read, and RSS at this moment; 0: it has just been read */
};

/* A screen; each line ends with "clear to its end", so that it can be written over the one before. */
int render_watch_screen(FILE *out, const struct watch_view *view, const struct text_style *style);
/* One line. */
int render_watch_line(FILE *out, const struct watch_view *view, const struct text_style *style);

#endif
