/*
 * The trace file of this process: header, frames appended at the tail, slots mapped in place (FORMAT.md §1, §2, §4).
 *
 * Appends are serialised by the file's lock, and the tail moves only after a frame is completely written, so whatever
 * moment the process dies at, everything below the tail is whole. Slot pages are really allocated before they are
 * mapped: a full disk is an error code here and never a SIGBUS in a hook. Callers have signals blocked.
 * After the first failure every append returns the same error; nothing is retried.
 */
#ifndef PRELOAD_FILE_H
#define PRELOAD_FILE_H

#include "../include/trace_format.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Creates the trace from a path template (config.h), mapped header and all; cycle_stamps: stamps are those of the cycle
 * counter, not counted. Returns 0 or -errno.
 */
int file_create(const char *template, bool cycle_stamps);

/* Forgets the file without touching it: for the child of a fork, whose parent owns it. */
void file_forget(void);

/* The mapped header, NULL before file_create. */
uint8_t *file_header(void);
const char *file_path(void);

/* Between these two the caller alone appends. -ETIMEDOUT: somebody else has it and does not move. */
int file_lock(void);
void file_unlock(void);

/*
 * Appends one frame, under the lock. `payload` has frame->stored_length bytes; its checksum is computed here.
 * Returns 0, -EFBIG at a size limit, or another -errno.
 */
int file_append_locked(struct trace_frame *frame, const void *payload);

struct file_slot {
    uint8_t *memory; /* mapped payload */
    uint64_t offset; /* of the payload in the file */
    size_t length;
};

/* Appends a slot frame and maps its payload, zeroed. Returns 0 or -errno. */
int file_slot(enum trace_frame_kind kind, uint64_t first, size_t length, struct file_slot *slot);

/*
 * Gives a slot's pages back to the file system; it reads as zeros then. The slot may be used again after file_reserve.
 */
void file_punch(const struct file_slot *slot);
/* The same for all but a ring's or the journal's control page, for when it may go on. */
void file_punch_data(const struct file_slot *slot);
int file_reserve(const struct file_slot *slot);

/* Writes the index of the frames appended since the last one; `due`: only if that is long ago. */
int file_index(bool due);

/* What `use` returns for a descriptor of the trace, or why there is none. */
int file_with_descriptor(int (*use)(void *argument, int fd), void *argument);

void file_close(void);          /* state closed; the descriptor stays */
void file_close_for_good(void); /* and the first slots, which nobody uses any more, are punched */
void file_reopen(void);         /* state open again */

int file_error(void); /* first failure, 0 = none */

/* Moves a descriptor to a number that targets rarely look at; its number then. */
int file_move_high(int fd);

/*
 * For the recorder's own thread, once its descriptor table is its own: keep only our descriptor there, and this one
 * (-1: none).
 */
void file_own_descriptors(int also);

#endif
