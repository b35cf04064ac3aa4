/*
 * Gives back the disk blocks of a trace's slots (FORMAT.md §4) once nobody writes to them any more.
 */
#ifndef LAUNCH_TRIM_H
#define LAUNCH_TRIM_H

/*
 * For a trace whose process has gone, fd open for writing: slots whose every event and record is in frames become holes. A process that ends
 * while other threads run can't do that itself. Those that still hold something stay, for recovery. 0 or -errno; the trace is whole in any case.
 */
int trim_slots(int fd);

#endif
