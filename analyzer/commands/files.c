/*
 * Opens and closes what outputs are written to. See files.h.
 */
#include "files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../../include/trace_format.h"
#include "command.h"

bool file_is_stdout(const char *path) { return path && !strcmp(path, "-"); }

bool file_would_replace_trace(const char *path) {
    char magic[sizeof TRACE_MAGIC] = "";
    struct stat facts;
    if (file_is_stdout(path) || stat(path, &facts) || !S_ISREG(facts.st_mode)) return false;
    FILE *file = fopen(path, "re");
    if (!file) return false;
    bool is_trace = fread(magic, 1, sizeof magic - 1, file) && strcmp(magic, TRACE_MAGIC) == 0;
    fclose(file);
    if (is_trace) say("%s: is a trace, and not written over", path);
    return is_trace;
}

FILE *file_open(const char *path) {
    if (file_would_replace_trace(path)) return NULL;
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
