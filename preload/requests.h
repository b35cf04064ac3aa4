/*
 * Requests from outside the target: the mailbox in the trace's header (FORMAT.md §3). Signals blocked; one at a time.
 */
#ifndef PRELOAD_REQUESTS_H
#define PRELOAD_REQUESTS_H

#include "../include/trace_format.h"

#include <stdbool.h>
#include <stddef.h>

/* Something is waiting: two loads. */
bool requests_wait(void);

/* Serves what is waiting. */
void requests_serve(void);

/* A request that comes from the recorder itself, such as a limit that was passed: recorded, not acted on. */
void requests_note(enum trace_command command, uint32_t flags, uint64_t stamp, const char *name, size_t length);

#endif
