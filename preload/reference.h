/*
 * The one gate to libunwind: the reference that our walk is checked against, and its fallback.
 *
 * libunwind sees this process as a remote one: its memory through checked reads, its objects through modules.h. It is
 * mapped without the loader, keeps no descriptor, and runs on a stack of ours with signals blocked.
 */
#ifndef PRELOAD_REFERENCE_H
#define PRELOAD_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

/* A frame: where it continues, its stack and frame pointer then. exact: interrupted there, ip is no return address. */
struct unwind_state {
    uintptr_t ip, sp, bp;
    bool exact;
};

/* Called on a stack of ours. Returns false to stop the walk. */
typedef bool (*reference_visit)(void *argument, const struct unwind_state *frame);

/* Finds out where libunwind is; the first walk opens it. Asks the loader: constructor only. Returns 0 or -errno. */
int reference_open(void);

/* Opens it now: soon no file can be opened any more. */
void reference_hurry(void);

/*
 * Process start and child of fork. A child whose parent forked while another thread was inside libunwind gives it up,
 * because libunwind's lock may stay held for ever.
 */
void reference_start(void);

/*
 * Walks outward from `start`, which is not visited itself. Returns 0 when the outermost frame was reached, 1 when
 * `visit` stopped; -errno when libunwind is absent or cannot go on. Async-signal-safe.
 */
int reference_walk(const struct unwind_state *start, reference_visit visit, void *argument);

#endif
