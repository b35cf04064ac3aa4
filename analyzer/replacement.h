/*
 * A file that is written as a whole or not at all: beside its place, under a name that nobody can foresee, and then
 * renamed. A link is followed; what is no plain file (a device, a pipe) is written to as it is, for renaming would put
 * a file in its place. One thread; commands and whoever writes for them.
 */
#ifndef TIDEMARK_REPLACEMENT_H
#define TIDEMARK_REPLACEMENT_H

#include <stdio.h>
#include <sys/types.h>

struct replacement {
    FILE *file;
    char *path; /* without links; owned */
    char *name; /* under which it is written, NULL: in its place; owned */
};

/*
 * 0, or -errno and nothing to be closed. It gets `mode` less the umask, or less what the file
 * of before did not have.
 */
int replacement_open(struct replacement *out, const char *path, mode_t mode);
/* Puts the file in its place, unless `error`, which is returned then: 0 or -errno. */
int replacement_close(struct replacement *replacement, int error);

#endif
