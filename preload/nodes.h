/*
 * Stack nodes on their way into the file (FORMAT.md §7): memory of the nodes slots, and the payload of nodes frames.
 */
#ifndef PRELOAD_NODES_H
#define PRELOAD_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Forgets the slots of a parent. */
void nodes_start(void);

/* A stackid_extent: makes and maps the next nodes slot. Any context; NULL when the file has no room. */
void *nodes_extent(uint32_t first);

/*
 * Under the file's lock: the payload of the next nodes frame, at most `capacity` bytes; returns its length, 0 when nothing
 * is pending, with the ids it covers in [*first, *end). nodes_drained moves on once the frame is written.
 */
size_t nodes_pending(uint8_t *raw, size_t capacity, uint64_t *first, uint32_t *end);
void nodes_drained(uint32_t end);

/* Gives the slots' pages back, for good. */
void nodes_punch(void);

/* The same for pages that hold no node yet; nodes_reserve takes them again, false when the disk has none. */
void nodes_punch_unused(void);
bool nodes_reserve(void);

#endif
