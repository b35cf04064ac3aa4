/*
 * A store of equally shaped chunks of floats, each compressed on its own with zlib.
 *
 * The file holds the chunks one after the other, then the table of their places and a trailer. The table's size is
 * fixed when the store is made, so that filling it needs no more memory than one chunk. One thread at a time.
 */
#ifndef SAMPLES_SURVEY_STORE_H
#define SAMPLES_SURVEY_STORE_H

#include <stddef.h>
#include <stdint.h>

struct store_slot {
    uint64_t offset;
    uint32_t stored, floats;
};

struct store {
    int fd;
    unsigned chunks, room;
    uint64_t stored_bytes, raw_bytes;
    size_t most_floats; /* in one chunk */
    struct store_slot *slots;
    unsigned char *shuffled, *packed; /* scratch */
};

void store_create(struct store *store, const char *path, unsigned room, size_t most_floats);
/* A store that was sealed. */
void store_open(struct store *store, const char *path);
void store_append(struct store *store, const float *samples, size_t floats);
/* Returns the number of floats; `samples` has room for most_floats. */
size_t store_read(struct store *store, unsigned chunk, float *samples);
/* Writes table and trailer; nothing can be appended afterwards. */
void store_seal(struct store *store);
void store_close(struct store *store);

#endif
