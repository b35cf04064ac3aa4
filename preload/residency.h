/*
 * Looks at the process's memory: what is mapped, and which pages are resident (FORMAT.md: mapping, residency).
 *
 * Only what changed since the look before is written. Its files in /proc are opened for each look; before the target
 * becomes another user, who may not, one is kept. Where they can't be had (a filter on system calls) there are no looks. Signals blocked; the callers see
 * to it that one thread looks at a time.
 */
#ifndef PRELOAD_RESIDENCY_H
#define PRELOAD_RESIDENCY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Writes mapping and residency records. `shared`: other processes may share our anonymous pages (after a fork), so that
 * pages of zeros can't be told from those. False where not everything could be read and written; the next look then says all.
 */
bool residency_look(bool shared);

/* Bytes resident of the library and of its memory, but for files; 0 where nobody can tell. Some ns for each page of room. */
uint64_t residency_own(bool shared);

/*
 * Around a call that may take the right to see our own pages away: the descriptor that residency_before opened (-1: none) is
 * kept by residency_after if that has become so, else closed.
 */
int residency_before(void);
void residency_after(int fd);
/* The one that is kept, -1: none. */
int residency_descriptor(void);

/* A fresh trace: nothing has been said in it. */
void residency_start(void);

#endif
