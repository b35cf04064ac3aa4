/*
 * Files that commands write besides their text: "-" is stdout. Says itself what went wrong.
 */
#ifndef COMMANDS_FILES_H
#define COMMANDS_FILES_H

#include <stdbool.h>
#include <stdio.h>

bool file_is_stdout(const char *path); /* false for NULL */
/* Whether a trace is there, which may be all that is left of a run; says so. */
bool file_would_replace_trace(const char *path);
/* NULL: it can't be written, which was said. */
FILE *file_open(const char *path);
/* `error` is what writing gave. 0, or STATUS_INTERNAL after saying why. */
int file_close(FILE *file, const char *path, int error);

#endif
