/*
 * Phases from what the program prints: its stdout comes to us, goes on to our stdout byte for byte, and its lines are
 * turned into edges that are posted to every process of the run that is being recorded.
 */
#ifndef LAUNCH_OUTPUT_H
#define LAUNCH_OUTPUT_H

#include <stdbool.h>

#include "place.h"
#include "start.h"

struct output;

/*
 * `pattern` as of edges_new. With `pty` the program writes to a pseudo-terminal, so that it keeps its output
 * line-buffered, unless the pattern is a preset: test runners write each line at once. Else to a pipe, through which
 * each write waits for the one before it to be read. `place` must stay. 0 or -errno; `problem` then may say what is
 * wrong with the pattern.
 */
int output_open(const char *pattern, bool pty, const struct place *place, struct output **out, const char **problem);
int output_child_fd(const struct output *output); /* what becomes the program's stdout */
void output_started(struct output *output);       /* the program has it now; we give it up */
struct pump output_pump(struct output *output);
/* What is to be said about the phases of a program run as these words (edges_hint); NULL: nothing. */
const char *output_hint(const struct output *output, char *const *arguments);
void output_ended(struct output *output); /* the program has gone: edges that still wait go into its trace */
void output_close(struct output *output); /* may be NULL */

#endif
