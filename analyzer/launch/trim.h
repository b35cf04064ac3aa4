/*
 * Gives back the disk blocks of a trace's slots (FORMAT.md §4) once nobody writes to them any more.
 */
#ifndef LAUNCH_TRIM_H
#define LAUNCH_TRIM_H

/*
 * For a trace whose process has gone, fd open for writing: slots whose every event and record is in frames become
 * holes. A process that ends while other threads run can't do that itself. Those that hold something that no frame does
 * stay, for recovery. 0 or -errno: then some are as they were.
 */
int trim_slots(int fd);

#endif
