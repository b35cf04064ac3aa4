/*
 * Samples of the process's memory, written as journal records (FORMAT.md: memory, rollup, and through residency.h the
 * looks). Signals blocked; no allocation.
 */
#ifndef PRELOAD_MEMORY_H
#define PRELOAD_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

struct memory_figures {
    uint64_t rss, cpu_ns;
};

/* statm and processor time, and a look (residency.h) where much has been added since the last. */
struct memory_figures memory_sample(void);

/*
 * A sample and a look at a phase edge or mark, each as long as its kind stays under one part in a hundred of the time.
 */
void memory_edge(void);

/* The same at other moments; what the last one may cost is more, but a process that has not grown ends without. */
void memory_look(void);
void memory_last(void);

/* The sample that the others are compared with: a short process has no time for a look when it starts. */
void memory_first(void);

/*
 * Threads, descriptors and smaps_rollup: slower, so about once a second, rarer when it costs over 1 % of that, and
 * never in the first 10 ms.
 */
void memory_rollup(void);

/* All there are, ours and ended ones that still stand for their process included; 0 where that can't be told. */
uint64_t memory_threads(void);

/* The recorder's own resident bytes. */
uint64_t memory_own_resident(void);

/* A fresh trace. */
void memory_start(void);
/* From now on other processes may share our pages. */
void memory_forked(void);

#endif
