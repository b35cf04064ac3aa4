/*
 * Samples of the process's memory, written as journal records (FORMAT.md: memory, rollup).
 * Signals blocked; no allocation.
 */
#ifndef PRELOAD_MEMORY_H
#define PRELOAD_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct memory_figures {
    uint64_t rss, cpu_ns;
};

/* statm and processor time; `edge` marks samples at phase edges. The figures are also given back. */
struct memory_figures memory_sample(bool edge);

/* A sample at a phase edge, as long as these stay under one part in a hundred of the time. */
void memory_edge(void);

/* Threads, descriptors and smaps_rollup: slower, so about once a second, and rarer when it costs over 1 % of that. */
void memory_rollup(void);

/* The recorder's own resident bytes. */
uint64_t memory_own_resident(void);

/* A fresh trace. */
void memory_start(void);

#endif
