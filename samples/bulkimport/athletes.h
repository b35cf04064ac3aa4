/*
 * Totals for each athlete: an open-addressing table that doubles when it is three quarters full.
 *
 * Any thread; the table has its own lock.
 */
#ifndef SAMPLES_BULKIMPORT_ATHLETES_H
#define SAMPLES_BULKIMPORT_ATHLETES_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct athlete {
    uint32_t id; /* 0: free place */
    uint32_t workouts;
    uint64_t distance_cm;
};

struct athletes {
    pthread_mutex_t lock;
    size_t count, room; /* room is a power of two */
    struct athlete *places;
};

void athletes_init(struct athletes *athletes, size_t room);
void athletes_add(struct athletes *athletes, uint32_t id, uint32_t distance_cm);
void athletes_release(struct athletes *athletes);

#endif
