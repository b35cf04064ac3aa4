/*
 * Names kept from one run to the next: one file for each build-id, in $XDG_CACHE_HOME/tidemark or ~/.cache/tidemark
 * (docs/symbols.md). What it holds is only taken where the fingerprint is that of the files at hand, and where its
 * checksum is right; anything else counts as absent. Files are private, appear whole or not at all, and the oldest go
 * when all together take more than CACHE_BYTES_MAX. Errors are silent: without a cache all is as before, only slower.
 */
#ifndef SYMBOLS_CACHE_H
#define SYMBOLS_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CACHE_FILE_MAX (16u << 20)
#define CACHE_BYTES_MAX (128u << 20)

struct cache;

/* NULL: there is none, because TIDEMARK_CACHE is "off", no home is known, or the folder is not this user's alone. */
struct cache *cache_open(void);
void cache_close(struct cache *cache); /* NULL is fine */

struct cache_key {
    const uint8_t *build_id;
    size_t build_id_length;
    uint64_t fingerprint; /* of the files that the names come from */
};

/* The bytes kept under the key, malloc'd; NULL: none. */
uint8_t *cache_read(struct cache *cache, const struct cache_key *key, size_t *length);
/* In place of what is kept for this build-id. More than CACHE_FILE_MAX is not kept. */
void cache_write(struct cache *cache, const struct cache_key *key, const void *bytes, size_t length);

#endif
