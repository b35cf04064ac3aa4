/* A file in memory (file_input.h). */
#include "file_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

const char *file_input(const uint8_t *bytes, size_t length) {
    static char path[64];
    static int fd = -1;
    if (fd < 0) fd = memfd_create("input", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (ftruncate(fd, 0) || pwrite(fd, bytes, length, 0) != (ssize_t)length) abort();
    return path;
}
