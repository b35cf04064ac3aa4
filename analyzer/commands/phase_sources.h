/*
 * Phases that the command line gives to a trace: from a file of times, or from functions on the stacks.
 */
#ifndef COMMANDS_PHASE_SOURCES_H
#define COMMANDS_PHASE_SOURCES_H

#include "../input/phases_file.h"
#include "../report/by_function.h"
#include "groups.h"

struct phase_sources {
    struct phase_intervals intervals;
    struct function_phases functions;
};

/*
 * 0, or the exit status of a failure after saying why. `input` may be NULL. What was read is to be released then, too.
 */
int phase_sources_read(const struct input_values *input, struct phase_sources *out);
void phase_sources_release(struct phase_sources *sources);

#endif
