/*
 * Records that the launcher adds to the trace of a process that has gone (FORMAT.md "Records").
 */
#ifndef LAUNCH_APPEND_H
#define LAUNCH_APPEND_H

#include <stddef.h>
#include <stdint.h>

#define APPEND_BYTES_MAX (1u << 20)

/*
 * Appends one frame with these records at the tail of the trace that fd is open on for reading and writing. 0, -EPROTO
 * where it is no trace, -EFBIG, -ENOMEM, or another -errno.
 */
int append_records(int fd, const uint8_t *records, size_t length, uint32_t count);

#endif
