/*
 * Frames at the tail of a mapped trace (FORMAT.md §2): the one way in which a file grows, for the recorder and for the
 * writer beside it. Who calls it holds the file's lock. The tail moves only after a frame is completely written.
 */
#ifndef PRELOAD_APPEND_H
#define PRELOAD_APPEND_H

#include "../include/trace_format.h"

#include <stdatomic.h>
#include <stdbool.h>

static inline _Atomic uint64_t *header_word(uint8_t *header, unsigned at) { return (_Atomic uint64_t *)(header + at); }
static inline _Atomic uint32_t *header_half(uint8_t *header, unsigned at) { return (_Atomic uint32_t *)(header + at); }

uint64_t append_tail(uint8_t *header);
/* Release: after what it speaks of. */
void append_move_tail(uint8_t *header, uint64_t tail);

/* Writes the TRACE_FRAME_SIZE bytes of a frame's header. */
void append_encode(const struct trace_frame *frame, uint8_t *bytes);

/* -EFBIG if the file may not reach `end`. */
int append_allows(uint8_t *header, uint64_t end);

/* Where the frame after one that stores so many bytes begins. */
static inline uint64_t append_next(uint64_t tail, uint32_t stored) {
    return (tail + TRACE_FRAME_SIZE + stored + 7) & ~7ull;
}

int append_bytes(int fd, const void *bytes, uint64_t length, uint64_t offset);

/* Writes the frame; its checksum is computed here. 0 or -errno, the file is as before then. */
int append_frame(uint8_t *header, int fd, struct trace_frame *frame, const void *payload);

/* Writes the index of the frames since the last one; `due`: only if that is long ago. 0 or -errno. */
int append_index(uint8_t *header, int fd, bool due);

/*
 * Calls `visit` for each frame from `offset` on, until the tail, a frame that can't be read, or false. Returns where it
 * stopped.
 */
typedef bool (*append_visit)(void *self, const struct trace_frame *frame, uint64_t offset);
uint64_t append_walk(uint8_t *header, int fd, uint64_t offset, append_visit visit, void *self);

#endif
