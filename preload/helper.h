/*
 * The recorder's own thread: drains rings, takes samples, serves requests while the target runs.
 *
 * It is a bare kernel thread with all signals blocked, not a pthread: glibc's count of threads stays the target's own
 * (the process still ends with its last thread, stdio keeps its single-thread speed), no libc lock is ever held by it,
 * and nothing needs to be parked before fork. It has its own descriptor table holding the trace and /proc files only.
 */
#ifndef PRELOAD_HELPER_H
#define PRELOAD_HELPER_H

#include <stdbool.h>

/* Starts it unless it runs or is held back; without the means (limits, seccomp) things stay inline. Signals blocked. */
void helper_start(void);

/* It started in this process and has not failed. */
bool helper_runs(void);

/* The caller is that thread. */
bool helper_is_me(void);

/* There is work. Any context. */
void helper_wake(void);

/*
 * Ends it, waits until the kernel knows it no more, and keeps it from being started until helper_resume, which makes a
 * new one if `wanted`, with the credentials of then. Returns whether there was one. Signals blocked.
 */
bool helper_stop(void);
void helper_resume(bool wanted);

/* Nothing but this thread makes system calls from now on. */
void helper_quiet(void);

/* In the child of a fork: it has no such thread. */
void helper_forget(void);

#endif
