/*
 * What goes wrong in a pipeline, and whether everything acknowledged is still there afterwards.
 *
 * Each function is one phase of its own, reports what it found as values, and prints one line. The process has one
 * thread when they are called, since the first one forks.
 */
#ifndef SAMPLES_PIPELINE_CHAOS_H
#define SAMPLES_PIPELINE_CHAOS_H

#include <stddef.h>

/* A child writes batches and is killed after at least `batches` acknowledged ones; another child recovers them. */
void chaos_kill(const char *folder, unsigned batches, size_t rows_in_batch);
/* The sink refuses three times; the batch is tried again, ever later. */
void chaos_refusal(size_t rows_in_batch);
/* Three dependencies are down at once; batches wait, and go out when all three are back. */
void chaos_outage(unsigned batches, size_t rows_in_batch);

#endif
