/*
 * What the recorder does beside recording, each few milliseconds: samples of memory, clocks, requests from outside, and
 * the limits at which a launcher wants the target ended. Done by the hook whose time has come, or by the helper thread.
 * All functions: signals blocked.
 */
#ifndef PRELOAD_TICK_H
#define PRELOAD_TICK_H

#include <stdbool.h>
#include <stdint.h>

/* A fresh process image, started at this stamp and CLOCK_MONOTONIC time: forgets what a parent knew. */
void tick_reset(int pid, uint64_t stamp, uint64_t ns);
/* Its recording begins: hooks tick from now on. */
void tick_start(void);
/* From here on no hook does, until the recording goes on after an exec that failed. */
void tick_no_more(void);

/* From a hook whose time has come. */
void tick(void);

/*
 * The helper thread's: the same, and draining (writer_drain_filled). Returns whether there may be more to do at once.
 */
bool tick_serve(bool busy);

/* Nobody ticks between the two. */
void tick_hold(void);
void tick_release(void);

/* Writes a CLOCK record: the clocks and the stamp at one moment. */
void tick_put_clock(void);

/* SIGTERM now, SIGKILL five seconds later: a limit was passed or somebody asked. */
void tick_stop_target(void);

#endif
