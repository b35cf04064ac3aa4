/*
 * Files that are written as a whole (replacement.h).
 */
#include "replacement.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static mode_t file_mask(void) {
    mode_t mask = umask(0);
    umask(mask);
    return mask;
}

/* `status`: of the file to be replaced, NULL: there is none. */
static int open_beside(struct replacement *out, const struct stat *status, mode_t mode) {
    if (asprintf(&out->name, "%s.XXXXXX", out->path) < 0) {
        out->name = NULL;
        return -ENOMEM;
    }
    int fd = mkostemp(out->name, O_CLOEXEC);
    if (fd < 0) return -errno;
    (void)fchmod(fd, (status ? status->st_mode : ~file_mask()) & mode); /* else the owner's alone */
    out->file = fdopen(fd, "w");
    if (out->file) return 0;
    int error = -errno;
    close(fd);
    unlink(out->name);
    return error;
}

static int open_in_place(struct replacement *out) {
    out->file = fopen(out->path, "we");
    return out->file ? 0 : -errno;
}

static void release(struct replacement *replacement) {
    free(replacement->path);
    free(replacement->name);
    *replacement = (struct replacement){NULL, NULL, NULL};
}

int replacement_open(struct replacement *out, const char *path, mode_t mode) {
    struct stat status;
    char *real = realpath(path, NULL); /* NULL: a new file */
    *out = (struct replacement){.path = real ? real : strdup(path)};
    if (!out->path) return -ENOMEM;
    bool exists = stat(out->path, &status) == 0;
    int error =
        exists && !S_ISREG(status.st_mode) ? open_in_place(out) : open_beside(out, exists ? &status : NULL, mode);
    if (error) release(out);
    return error;
}

int replacement_close(struct replacement *replacement, int error) {
    if (fclose(replacement->file) && !error) error = -errno;
    if (replacement->name && !error && rename(replacement->name, replacement->path)) error = -errno;
    if (replacement->name && error) unlink(replacement->name);
    release(replacement);
    return error;
}
