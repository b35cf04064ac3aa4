/*
 * Stack nodes on their way into the file (FORMAT.md §7): memory of the nodes slots.
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

/* A node's bytes in its slot; NULL when it has none. */
const uint8_t *nodes_at(uint32_t id);

/* Gives the slots' pages back, for good. */
void nodes_punch(void);

/* The same for pages that hold no node yet; nodes_reserve takes them again, false when the disk has none. */
void nodes_punch_unused(void);
bool nodes_reserve(void);

#endif
