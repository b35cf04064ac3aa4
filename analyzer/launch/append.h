/*
 * Frames of the trace of a process that has gone: records that the launcher adds, and those that lie there (FORMAT.md
 * §2, "Records").
 */
#ifndef LAUNCH_APPEND_H
#define LAUNCH_APPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/trace_format.h"

#define APPEND_BYTES_MAX (1u << 20)

/*
 * Appends one frame with these records at the tail of the trace that fd is open on for reading and writing. 0, -EPROTO
 * where it is no trace, -EFBIG, -ENOMEM, or another -errno.
 */
int append_records(int fd, const uint8_t *records, size_t length, uint32_t count);

/* The header of the frame at `at`. False where none lies whole below the tail. */
bool append_read_frame(int fd, uint64_t at, uint64_t tail, struct trace_frame *out);

#endif
