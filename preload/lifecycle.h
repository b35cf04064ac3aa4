/*
 * The life of a recording: starts with the first hook of a process image, starts anew in a child of fork, ends with the
 * process. One trace per image.
 */
#ifndef PRELOAD_LIFECYCLE_H
#define PRELOAD_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "../include/trace_format.h"

/*
 * A hook found `wanted` switched off. Starts the recording if this process image has none yet (first hook, or first
 * hook in the child of a fork). Returns whether the event is to be recorded after all.
 */
bool lifecycle_wake(uint32_t wanted);

/* The helper thread has something to do. */
bool lifecycle_helper_wanted(void);

/* A frame or slot could not be written: recording stops, the trace says why. */
void lifecycle_failed(int error);

/* Pauses nest: births are not recorded between them. */
void lifecycle_pause(void);
void lifecycle_resume(void);
/* By request from outside. */
void lifecycle_set_recording(bool on);

/* exit has begun: recording goes on. */
void lifecycle_exiting(enum trace_exit how, int status);
/* Nothing of the target runs after this. Other threads may, and are recorded in their rings to the last. */
void lifecycle_end(void);

/* An exec is about to happen; it failed. */
void lifecycle_exec(const char *path);
void lifecycle_exec_failed(int error);

/* This is the process that is recorded, not a vfork child in its memory, nor a fork child that has not woken. */
bool lifecycle_is_self(void);

/*
 * Nothing can be recorded in this process: a sanitizer's runtime or another libc than glibc. Hooks only pass on. Any
 * context.
 */
bool lifecycle_is_foreign(void);

/*
 * The target is about to filter its own system calls (seccomp), in this thread or in all; strictly: to read, write and
 * exit(2), without a clock.
 */
void lifecycle_shut_in(bool all_threads, bool strict);

/* Before a fork, in the parent; after it, in the child: libc's fork handlers. */
void lifecycle_forking(void);
void lifecycle_forked(void);

#endif
