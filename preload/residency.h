/*
 * Looks at the process's memory: what is mapped, and which pages are resident (FORMAT.md: mapping, residency).
 *
 * Only what changed since the look before is written. Its files in /proc are opened for each look (pagemap.h keeps one
 * where that must be); where they can't be had (a filter on system calls) there are no looks. Signals blocked; the
 * callers see to it that one thread looks at a time.
 */
#ifndef PRELOAD_RESIDENCY_H
#define PRELOAD_RESIDENCY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Writes mapping and residency records. `shared`: other processes may share our anonymous pages (after a fork), so that
 * pages of zeros can't be told from those. False where not everything could be read and written; the next look then
 * says all.
 */
bool residency_look(bool shared);

/* A fresh trace: nothing has been said in it. */
void residency_start(void);

#endif
