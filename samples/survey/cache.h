/*
 * The chunks last looked at, at most `capacity` of them; the one not used for longest makes room.
 *
 * Owns its chunks. One thread at a time. Capacities are small, so a scan finds a chunk.
 */
#ifndef SAMPLES_SURVEY_CACHE_H
#define SAMPLES_SURVEY_CACHE_H

#include <stdint.h>

#include "survey/store.h"

struct tile {
    unsigned chunk;
    uint64_t used; /* tick of the last look */
    size_t floats;
    float *samples;
};

struct cache {
    struct store *store;
    unsigned capacity, count;
    uint64_t tick, hits, lookups;
    struct tile *tiles;
};

void cache_init(struct cache *cache, struct store *store, unsigned capacity);
/* Valid until the next call. */
const struct tile *cache_look(struct cache *cache, unsigned chunk);
/* Gives chunks back until at most `capacity` are left, and keeps to it. Never grows beyond the first capacity. */
void cache_shrink(struct cache *cache, unsigned capacity);
void cache_release(struct cache *cache);

#endif
