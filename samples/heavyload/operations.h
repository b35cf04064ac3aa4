/*
 * The operations that load the machine: one each for memory, processor and files, and threads that repeat them.
 *
 * Every operation is recorded with its outcome, gives back all that it took, and can run on any thread.
 */
#ifndef SAMPLES_HEAVYLOAD_OPERATIONS_H
#define SAMPLES_HEAVYLOAD_OPERATIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sample.h"

enum { MOST_THREADS = 50 };

/* One operation number `n`; false when it failed. `context` is the crew's. */
typedef bool operate(void *context, uint64_t n);

struct tally {
    uint64_t operations, succeeded, ns;
};

/* What some threads do together: `count` operations, shared out one by one. */
struct crew {
    operate *operation;
    void *context;
    void (*enter)(void *context); /* at the start of each thread; NULL: nothing */
    atomic_uint_fast64_t next;
    uint64_t count;
    atomic_uint_fast64_t succeeded;
};

struct tally crew_run(struct crew *crew, unsigned threads);

/* Takes, fills and checks a block of up to 64 KiB. */
bool operate_memory(void *context, uint64_t n);
/* A block, some arithmetic, and a wait as for a disk or a peer, so that many are under way at once. */
bool operate_request(void *context, uint64_t n);
/* A few tens of microseconds of arithmetic. */
bool operate_processor(void *context, uint64_t n);
/* Writes, reads and removes a file; `context` is the folder. One in ten is refused by design. */
bool operate_file(void *context, uint64_t n);

/* Resident set in bytes, from /proc/self/statm. */
uint64_t resident_bytes(void);

#endif
