/*
 * The end of an output: whether all of it was written, and if not, why.
 */
#ifndef TIDEMARK_STREAM_H
#define TIDEMARK_STREAM_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * 0 or -errno. What failed before fails again here, as a full disk does; -EIO where it does not, and the reason is
 * gone.
 */
static inline int stream_end(FILE *out) {
    if (fflush(out)) return errno ? -errno : -EIO;
    return ferror(out) ? -EIO : 0;
}

/* The same behind one big write, which keeps nothing that could fail again: errno was 0 before it. */
static inline int stream_after(FILE *out, bool failed) {
    int why = failed && errno ? -errno : -EIO, error = stream_end(out);
    return failed ? why : error;
}

#endif
