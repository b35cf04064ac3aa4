/*
 * Names of phases, operations, values and paths as ids of the trace. Look-ups take no lock; a new name takes one and
 * writes a STRING record. Safe in signal handlers, where a name that would have to be added gets id 0.
 */
#ifndef PRELOAD_STRINGS_H
#define PRELOAD_STRINGS_H

#include <stddef.h>
#include <stdint.h>

/* A fresh trace: ids begin again at 1. */
void strings_start(void);

/* The id of a name of at most 255 bytes; 0 when there is no room. */
uint32_t strings_id(const char *name, size_t length);

#endif
