/*
 * LRU cache of decompressed chunks of the survey workload; see cache.h.
 */
#include "survey/cache.h"

#include <stdlib.h>

#include "common/sample.h"

void cache_init(struct cache *cache, struct store *store, unsigned capacity) {
    *cache = (struct cache){.store = store, .capacity = capacity, .tiles = xcalloc(capacity, sizeof(struct tile))};
}

static void drop_oldest(struct cache *cache) {
    struct tile *oldest = cache->tiles;
    for (unsigned i = 1; i < cache->count; i++)
        if (cache->tiles[i].used < oldest->used) oldest = &cache->tiles[i];
    free(oldest->samples);
    *oldest = cache->tiles[--cache->count];
}

static struct tile *load_tile(struct cache *cache, unsigned chunk) {
    if (cache->count == cache->capacity) drop_oldest(cache);
    struct tile *tile = &cache->tiles[cache->count++];
    tile->chunk = chunk;
    tile->samples = xmalloc(cache->store->most_floats * sizeof(float));
    tile->floats = store_read(cache->store, chunk, tile->samples);
    return tile;
}

const struct tile *cache_look(struct cache *cache, unsigned chunk) {
    struct tile *found = NULL;
    cache->lookups++;
    for (unsigned i = 0; i < cache->count && !found; i++)
        if (cache->tiles[i].chunk == chunk) found = &cache->tiles[i];
    if (found) cache->hits++;
    else found = load_tile(cache, chunk);
    found->used = ++cache->tick;
    return found;
}

void cache_shrink(struct cache *cache, unsigned capacity) {
    if (capacity < 1) capacity = 1;
    while (cache->count > capacity) drop_oldest(cache);
    if (capacity < cache->capacity) cache->capacity = capacity;
}

void cache_release(struct cache *cache) {
    while (cache->count) drop_oldest(cache);
    free(cache->tiles);
    *cache = (struct cache){0};
}
