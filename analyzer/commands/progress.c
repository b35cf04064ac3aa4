/*
 * The progress line (progress.h), on stderr, ten times a second at most.
 */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "../nanoseconds.h"
#include "command.h"

#define FIRST_NS INT64_C(500000000)
#define EVERY_NS INT64_C(100000000)

void progress_begin(struct progress *progress, const char *what) {
    bool shown = isatty(STDERR_FILENO) && !said_quietly();
    *progress = (struct progress){.what = what, .next_ns = shown ? ns_now(CLOCK_MONOTONIC) + FIRST_NS : INT64_MAX};
}

void progress_show(struct progress *progress, uint64_t done, uint64_t total) {
    if (progress->next_ns == INT64_MAX) return;
    int64_t now = ns_now(CLOCK_MONOTONIC);
    if (now < progress->next_ns) return;
    progress->next_ns = now + EVERY_NS;
    unsigned percent = total ? (unsigned)((double)done / (double)total * 100) : 0;
    int width = total ? fprintf(stderr, "\r%s: %u%%", progress->what, percent)
                      : fprintf(stderr, "\r%s: %" PRIu64, progress->what, done);
    if (width > progress->width) progress->width = width;
    fflush(stderr);
}

void progress_end(struct progress *progress) {
    if (progress->width > 0) fprintf(stderr, "\r%*s\r", progress->width - 1, "");
    progress->width = 0;
    progress->next_ns = INT64_MAX;
}
