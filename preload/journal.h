/*
 * Records of the whole process (FORMAT.md "Records"): modules, threads, strings, clocks, samples, losses.
 *
 * A record is whole in the mapped journal before journal_put returns, so it survives the death of the process. Safe in
 * hooks and signal handlers: when the same thread was interrupted inside the journal the record is refused with -EBUSY
 * (the caller counts or retries later). Never allocates.
 */
#ifndef PRELOAD_JOURNAL_H
#define PRELOAD_JOURNAL_H

#include "../include/trace_format.h"
#include "../include/trace_wire.h"

struct file_slot;

/* Largest body of one record. */
#define JOURNAL_MAX_BODY 8192u

/* Adds a record. `body` is copied. Returns 0, -EBUSY, -ENOSPC, -EINVAL. */
int journal_put(enum trace_record_kind kind, const void *body, size_t length);

/* In the child of a fork, whose slots are not mapped any more: no record is taken until the start. */
void journal_forget(void);

/* Opens the journal's slot in the trace of this process. Returns 0 or -errno. */
int journal_start(void);

/* Its slot is drained by drain_shared, under the file's lock. */
#define JOURNAL_BYTES_MAX (64u << 10)
bool journal_is_drained(void);

const struct file_slot *journal_slot(void);

#endif
