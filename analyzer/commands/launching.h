/*
 * What run and record share: their options, and one recorded run of a program from inspection to the EXITED record.
 */
#ifndef COMMANDS_LAUNCHING_H
#define COMMANDS_LAUNCHING_H

#include "../launch/inspect.h"
#include "../launch/place.h"
#include "../launch/start.h"
#include "groups.h"

struct launching_values {
    const char *out, *preload, *only, *skip;
    struct output_phase_values {
        const char *from_output;
        bool no_pty;
    } phases;
};
extern const struct option_group launching_options;
extern const struct option_group output_phase_options; /* of `phases` */

struct launched {
    struct place place;
    struct ending ending;
    enum obstacle obstacle; /* why the program itself could not be recorded */
    bool recorded;          /* its trace is at place.file */
    size_t living;          /* recorded processes that it left behind: their traces go on */
    const char *hint;       /* about the phases from the output, NULL: none */
};

/*
 * Runs the program to its end and says what went wrong. Returns 0 when the program ran, whatever became of it; else the
 * exit status for our own failure (125, 126, 127).
 */
int launch(const struct launching_values *values, char **arguments, struct launched *out);

/* Says where the trace is, and what in it is still to come. */
void launched_say(const struct launched *launched);

/* The exit status that stands for the program's end: its code, or 128 + signal. */
int launched_status(const struct launched *launched);

#endif
