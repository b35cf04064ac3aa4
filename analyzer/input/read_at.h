/*
 * Reads all of a range of a file, or nothing that counts.
 */
#ifndef INPUT_READ_AT_H
#define INPUT_READ_AT_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* 0, or -EIO where the file ends before or can't be read. */
static inline int read_at(int fd, uint64_t offset, void *bytes, size_t length) {
    uint8_t *at = bytes;
    while (length) {
        ssize_t got = pread(fd, at, length, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return -EIO;
        at += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return 0;
}

#endif
