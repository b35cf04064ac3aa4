/*
 * Chunk store of the survey workload; see store.h.
 *
 * Floats are stored byte plane by byte plane (all first bytes, all second bytes…), which makes them compress.
 */
#include "survey/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "common/sample.h"

struct trailer {
    uint64_t chunks, most_floats, stored_bytes, raw_bytes;
};

static void take_memory(struct store *store, unsigned room, size_t most_floats) {
    store->room = room;
    store->most_floats = most_floats;
    store->slots = xcalloc(room, sizeof *store->slots);
    store->shuffled = xmalloc(4 * most_floats);
    store->packed = xmalloc(compressBound(4 * most_floats));
}

void store_create(struct store *store, const char *path, unsigned room, size_t most_floats) {
    *store = (struct store){.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (store->fd < 0) die(path);
    take_memory(store, room, most_floats);
}

void store_open(struct store *store, const char *path) {
    struct trailer trailer;
    *store = (struct store){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (store->fd < 0) die(path);
    off_t at = lseek(store->fd, -(off_t)sizeof trailer, SEEK_END);
    if (pread(store->fd, &trailer, sizeof trailer, at) != sizeof trailer) die(path);
    take_memory(store, (unsigned)trailer.chunks, trailer.most_floats);
    store->chunks = store->room;
    store->stored_bytes = trailer.stored_bytes;
    store->raw_bytes = trailer.raw_bytes;
    size_t size = store->chunks * sizeof *store->slots;
    if (pread(store->fd, store->slots, size, (off_t)store->stored_bytes) != (ssize_t)size) die(path);
}

void store_seal(struct store *store) {
    struct trailer trailer = {store->chunks, store->most_floats, store->stored_bytes, store->raw_bytes};
    size_t size = store->chunks * sizeof *store->slots;
    off_t at = (off_t)store->stored_bytes;
    if (pwrite(store->fd, store->slots, size, at) != (ssize_t)size) die("store table");
    if (pwrite(store->fd, &trailer, sizeof trailer, at + (off_t)size) != sizeof trailer) die("store trailer");
}

static void shuffle(unsigned char *planes, const unsigned char *bytes, size_t floats) {
    for (size_t i = 0; i < floats; i++)
        for (size_t plane = 0; plane < 4; plane++) planes[plane * floats + i] = bytes[4 * i + plane];
}

static void unshuffle(unsigned char *bytes, const unsigned char *planes, size_t floats) {
    for (size_t i = 0; i < floats; i++)
        for (size_t plane = 0; plane < 4; plane++) bytes[4 * i + plane] = planes[plane * floats + i];
}

void store_append(struct store *store, const float *samples, size_t floats) {
    uLongf stored = compressBound(4 * store->most_floats);
    if (store->chunks == store->room) die("store full");
    shuffle(store->shuffled, (const unsigned char *)samples, floats);
    if (compress2(store->packed, &stored, store->shuffled, 4 * floats, 1) != Z_OK) die("compress");
    if (pwrite(store->fd, store->packed, stored, (off_t)store->stored_bytes) != (ssize_t)stored) die("store write");
    store->slots[store->chunks++] = (struct store_slot){store->stored_bytes, (uint32_t)stored, (uint32_t)floats};
    store->stored_bytes += stored;
    store->raw_bytes += 4 * floats;
}

size_t store_read(struct store *store, unsigned chunk, float *samples) {
    const struct store_slot *slot = &store->slots[chunk];
    uLongf raw = 4 * store->most_floats;
    if (pread(store->fd, store->packed, slot->stored, (off_t)slot->offset) != (ssize_t)slot->stored) die("store read");
    if (uncompress(store->shuffled, &raw, store->packed, slot->stored) != Z_OK || raw != 4 * (uLongf)slot->floats)
        die("uncompress");
    unshuffle((unsigned char *)samples, store->shuffled, slot->floats);
    return slot->floats;
}

void store_close(struct store *store) {
    close(store->fd);
    free(store->slots);
    free(store->shuffled);
    free(store->packed);
}
