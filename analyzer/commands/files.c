/*
 * Opens and closes what outputs are written to. See files.h.
 */
#include "files.h"

#include <errno.h>
#include <string.h>

#include "command.h"

bool file_is_stdout(const char *path) { return path && !strcmp(path, "-"); }

FILE *file_open(const char *path) {
    FILE *file = file_is_stdout(path) ? stdout : fopen(path, "we");
    if (!file) say("%s: can't be written: %s", path, strerror(errno));
    return file;
}

int file_close(FILE *file, const char *path, int error) {
    if (fflush(file) && !error) error = -errno;
    if (!file_is_stdout(path) && fclose(file) && !error) error = -errno;
    if (error) say("%s: can't be written: %s", file_is_stdout(path) ? "stdout" : path, strerror(-error));
    return error ? STATUS_INTERNAL : 0;
}
