/*
 * A trace that this process writes for its target, which it meets in the mapped file alone (FORMAT.md "Writer").
 */
#ifndef BESIDE_ATTENDED_H
#define BESIDE_ATTENDED_H

#include <stdint.h>

struct attended;

/*
 * The trace at `path`, if it is one of the run and its recorder wants a writer. 0, -EAGAIN while it is still being
 * made, or another -errno. Memory is sampled each sample_ms at most. attended_close gives it up, if the recorder has
 * not refused us by then, and frees it.
 */
int attended_open(const char *path, const uint8_t run_id[16], unsigned sample_ms, struct attended **out);
void attended_close(struct attended *trace);

/*
 * Drains until the recorder refuses, the target has gone, something fails, or attended_stop is called by another
 * thread.
 */
void attended_serve(struct attended *trace);
void attended_stop(struct attended *trace);

#endif
