/*
 * How the program ended, as its trace can't know it: the launcher's EXITED record (FORMAT.md "Records").
 */
#ifndef LAUNCH_EXITED_H
#define LAUNCH_EXITED_H

#include "place.h"
#include "start.h"

/*
 * Appends the record to the program's trace, and to those of the later images of the same process (exec), and gives
 * their slots' disk blocks back. Call it when the process has gone. 0, -ENOENT without a trace, -EPROTO for a file that
 * is no trace of this run, or another -errno.
 */
int exited_append(const struct place *place, const struct started *started, const struct ending *ending);

#endif
