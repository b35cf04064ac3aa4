/*
 * The process around the heap: who it is (PROCESS record), whom it starts, how it ends.
 */
#ifndef PRELOAD_PROCESS_H
#define PRELOAD_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Writes the PROCESS record. `parent_trace` and `split` (the parent's stamp) are for the child of a fork. Signals
 * blocked.
 */
void process_describe(bool forked, uint64_t split, const char *parent_trace);

/* Operations of the API in flight. */
uint64_t process_operations(void);

enum process_start { PROCESS_FORK = 1, PROCESS_VFORK, PROCESS_SPAWN, PROCESS_EXEC };

#endif
