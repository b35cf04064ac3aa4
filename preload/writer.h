/*
 * From rings to frames: encodes what threads have written, appends it, releases the ring. Drains may run in any thread,
 * one at a time per ring; with the journal and the stack nodes written before the events that use them.
 * All functions: signals blocked by the caller unless said otherwise; stack use small (the work runs on stacks of
 * ours).
 */
#ifndef PRELOAD_WRITER_H
#define PRELOAD_WRITER_H

#include <stdbool.h>
#include <stdint.h>

struct thread;

/* A fresh trace: forgets encoders, losses and edges of a parent. 0 or -errno. */
int writer_start(void);

/* Head at which a thread whose ring is drained up to `tail` must call writer_ring_filled. */
uint64_t writer_limit(uint64_t tail);
void writer_ring_filled(struct thread *thread);

/* Keeps every writer from a thread's ring. False: somebody has it and does not move. */
bool writer_ring_lock(struct thread *thread);
void writer_ring_unlock(struct thread *thread);

void writer_drain_thread(struct thread *thread);

/*
 * The rings that are half full, or a quarter, for whoever is `busy` with them anyway: a thread that waits for room then
 * finds it without a sleep of the helper's in between. Returns whether room was made.
 */
bool writer_drain_filled(bool busy);

void writer_drain_journal(void);

/* Everything committed so far, and a watermark for it. */
void writer_drain_all(void);

/* Sees that a watermark comes, where several threads or writers need one. */
void writer_each_second(void);

/* The process has become multi-threaded: the recorder's own thread starts, if configured. */
void writer_threads_began(void);

/* An event could not be recorded. Any context. */
void writer_count_lost(uint64_t events);
/* Writes a LOSS record for losses not yet told. */
void writer_tell_losses(void);

uint64_t writer_events(void); /* in frames */
uint64_t writer_cpu_ns(void); /* spent on draining */

/* Everything recorded so far is in whole frames. */
bool writer_is_drained(void);

/* Releases the pages of all slots that nobody writes any more. */
void writer_punch_idle(void);

#endif
