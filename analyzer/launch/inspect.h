/*
 * Can the recorder be loaded into this program? Looks at the file as the kernel and the loader will, before it is
 * started.
 *
 * Scripts are judged by their interpreter. What can't be read is taken to be fine: the trace that does or does not
 * appear decides in the end. Nothing is printed.
 */
#ifndef LAUNCH_INSPECT_H
#define LAUNCH_INSPECT_H

#include <stdbool.h>

enum obstacle {
    OBSTACLE_NONE,
    OBSTACLE_NOT_FOUND,
    OBSTACLE_NOT_EXECUTABLE,
    OBSTACLE_STATIC,
    OBSTACLE_SET_ID,
    OBSTACLE_CAPABILITIES,
    OBSTACLE_CLASS,
    OBSTACLE_MACHINE,
    OBSTACLE_MUSL,
    OBSTACLE_SANITIZER,
};

struct obstacle_row {
    const char *why;   /* completes "PROGRAM can't be recorded: it ..." */
    bool keep_preload; /* LD_PRELOAD does not disturb it and may reach its children */
};
const struct obstacle_row *obstacle_row(enum obstacle obstacle);

/* `program` as given to execvp; searched in PATH when it has no slash. */
enum obstacle inspect_program(const char *program);

#endif
