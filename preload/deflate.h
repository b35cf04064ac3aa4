/*
 * The recorder's one gate to zlib: payloads of frames as zlib streams, and their checksums.
 *
 * All memory is the caller's: one arena, used for every call, by one thread at a time. No malloc, no I/O, no globals,
 * so it is safe inside a hook.
 */
#ifndef PRELOAD_DEFLATE_H
#define PRELOAD_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of an arena, which is aligned to 64. */
size_t deflate_size(void);

/* Level 0 to 9. Returns 0, or -EINVAL for another level. */
int deflate_init(void *arena, int level);

/* One whole zlib stream (RFC 1950). Returns its length; 0 when `capacity` does not hold it. */
size_t deflate_bytes(void *arena, const void *bytes, size_t length, uint8_t *out, size_t capacity);

/*
 * By repetitions and the frequency of bytes, or by the latter alone, where bytes that it saves hardly anything of are
 * stored.
 */
enum deflate_way { DEFLATE_MATCHES, DEFLATE_SYMBOLS };

/* An eighth less of a column, as where seven bits of a random byte say all, is not worth the time that it takes. */
static inline bool deflate_is_noise(size_t length, size_t packed) { return packed >= length - length / 7; }

struct deflate_part {
    size_t length; /* at least 1 */
    enum deflate_way way;
    size_t packed; /* out: the bytes that it has become */
};

/* The same of consecutive parts, each in its way: one stream for all. */
size_t deflate_parts(void *arena, const uint8_t *bytes, struct deflate_part *parts, size_t count, uint8_t *out,
                     size_t capacity);

/* CRC-32 as in RFC 1952. */
uint32_t deflate_crc(const void *bytes, size_t length);

#endif
