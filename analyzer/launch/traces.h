/*
 * The trace files of one run, and who wrote a trace.
 */
#ifndef LAUNCH_TRACES_H
#define LAUNCH_TRACES_H

#include <stdint.h>

#include "place.h"

struct trace_identity {
    uint32_t pid;
    char run_id[33]; /* hex */
};

/* Reads it from the header. 0 or -EPROTO when this is no trace of a version we know. */
int trace_identify(int fd, struct trace_identity *out);

/* Calls `visit` with FILE, when it is there, and each *.tmk in FILE.d, in no order. */
void traces_of_run(const struct place *place, void (*visit)(void *self, const char *path), void *self);

#endif
