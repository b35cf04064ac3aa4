/*
 * Where the traces of one run go: FILE for the program itself, FILE.d for its children, what was there before in .old.
 */
#ifndef LAUNCH_PLACE_H
#define LAUNCH_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct place {
    char file[PATH_MAX];     /* absolute */
    char children[PATH_MAX]; /* FILE.d */
    char run_id[33];         /* 32 hex digits */
    int64_t began_ns;        /* as the kernel stamps files: no file of the run is older */
};

/* A new run id, which begins now. 0 or -errno. */
int place_init(struct place *place);
/* From -o FILE (relative to the working directory). 0, -ENAMETOOLONG or getcwd's error. */
int place_name(struct place *place, const char *file);
/* Moves an old FILE and FILE.d out of the way, makes FILE.d. 0 or -errno, then `failed` names the path. */
int place_prepare(const struct place *place, const char **failed);
/* Removes FILE.d when no child left a trace. */
void place_finish(const struct place *place);

bool place_has_trace(const struct place *place);
bool place_has_children(const struct place *place);

/* The recorder to preload: `wanted` or, when NULL, beside this program, then in its installed places. 0 or -ENOENT. */
int place_recorder(const char *wanted, char *out, size_t capacity);

#endif
