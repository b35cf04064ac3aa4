/*
 * The writer process beside the recorded programs: it takes the recorders' compression and writing off them, and
 * nothing else depends on it.
 */
#ifndef LAUNCH_WRITER_H
#define LAUNCH_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "place.h"

/* A program that ends before needs none: it encodes for itself what fits into its rings. */
#define WRITER_AFTER_MS 6

struct writer {
    const char *path; /* NULL: none is wanted, or it was started */
    const struct place *place;
    int64_t sample_ns; /* between samples of memory, at least */
    pid_t pid;         /* 0: none */
    int hold;          /* it ends when this is closed */
};

/* The environment leaves the choice to us, and the program stands beside the recorder: its path goes into `out`. */
bool writer_find(const char *recorder, char *out, size_t capacity);

/* Starts it for the traces at its place; without it every recorder writes for itself. */
void writer_start(struct writer *writer);
/* It finishes what it has begun, and touches no trace any more when this returns. */
void writer_end(struct writer *writer);

#endif
