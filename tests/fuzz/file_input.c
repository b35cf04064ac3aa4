/* A file with these bytes (file_input.h). One with a path of its own: some readers follow no links. */
#include "file_input.h"

#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/tidemark-fuzz.XXXXXX";

static void remove_it(void) { unlink(path); }

const char *file_input(const uint8_t *bytes, size_t length) {
    static int fd = -1;
    if (fd < 0) {
        fd = mkstemp(path);
        atexit(remove_it);
    }
    if (ftruncate(fd, 0) || pwrite(fd, bytes, length, 0) != (ssize_t)length) abort();
    return path;
}
