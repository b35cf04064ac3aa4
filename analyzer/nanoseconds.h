/*
 * Time in nanoseconds: of clocks, and of files.
 */
#ifndef TIDEMARK_NANOSECONDS_H
#define TIDEMARK_NANOSECONDS_H

#include <stdint.h>
#include <time.h>

static inline int64_t ns_of(struct timespec time) { return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec; }

static inline int64_t ns_now(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return ns_of(now);
}

#endif
