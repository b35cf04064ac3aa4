/*
 * The recorder's one gate to zlib; see deflate.h. zlib is linked in statically with hidden symbols and takes its memory
 * from the arena alone: a default zalloc would call the target's malloc, which is being recorded.
 */
#include "deflate.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "huffman.h"

#define WINDOW_BITS 15
#define MEMORY_LEVEL 9 /* fewer blocks with trees of their own: 5 to 8 % of the recorder's time */
/* zlib's documented need for these parameters, and room for its state and for versions that want a little more. */
#define ARENA_BYTES ((1u << (WINDOW_BITS + 2)) + (1u << (MEMORY_LEVEL + 9)) + 65536u)

struct arena {
    z_stream stream;
    struct huffman huffman;
    size_t used;
    _Alignas(64) unsigned char bytes[ARENA_BYTES];
};

static void *arena_take(void *opaque, unsigned items, unsigned size) {
    struct arena *arena = opaque;
    size_t wanted = ((size_t)items * size + 63) & ~(size_t)63;
    if (wanted > sizeof arena->bytes - arena->used) return NULL;
    void *taken = arena->bytes + arena->used;
    arena->used += wanted;
    return taken;
}

static void arena_keep(void *opaque, void *address) {
    (void)opaque;
    (void)address;
}

size_t deflate_size(void) { return sizeof(struct arena); }

int deflate_init(void *memory, int level) {
    struct arena *arena = memory;
    if (level < 0 || level > 9) return -EINVAL;
    arena->used = 0;
    arena->stream = (z_stream){.zalloc = arena_take, .zfree = arena_keep, .opaque = arena};
    return deflateInit2(&arena->stream, level, Z_DEFLATED, -WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK
               ? 0
               : -EINVAL;
}

/* What is still to be written to. */
struct output {
    uint8_t *at, *end;
};

static bool has_room(const struct output *out, size_t length) { return (size_t)(out->end - out->at) >= length; }

static void put_bytes(struct output *out, const void *bytes, size_t length) {
    memcpy(out->at, bytes, length);
    out->at += length;
}

/* Stored blocks, of at most 65535 bytes. */
static bool put_stored(struct output *out, const uint8_t *bytes, size_t length) {
    for (size_t now; length; bytes += now, length -= now) {
        now = length < 65535 ? length : 65535;
        const uint8_t head[5] = {0, (uint8_t)now, (uint8_t)(now >> 8), (uint8_t)~now, (uint8_t)(~now >> 8)};
        if (!has_room(out, sizeof head + now)) return false;
        put_bytes(out, head, sizeof head);
        put_bytes(out, bytes, now);
    }
    return true;
}

static bool put_symbols(struct huffman *huffman, struct output *out, const uint8_t *bytes, size_t length) {
    size_t packed = huffman_plan(huffman, bytes, length);
    if (deflate_is_noise(length, packed)) return put_stored(out, bytes, length);
    if (!has_room(out, packed + HUFFMAN_SLACK)) return false;
    out->at = huffman_put(huffman, bytes, length, out->at);
    return true;
}

/* Where a part stands among those that are put one after the other in the same way. */
struct place {
    bool first, last;
};

/* Repetitions reach back over such parts, but not over others, for zlib knows nothing of them. */
static bool put_matches(z_stream *stream, struct output *out, const uint8_t *bytes, size_t length, struct place place) {
    if (place.first && deflateReset(stream) != Z_OK) return false;
    stream->next_in = (z_const Bytef *)(uintptr_t)bytes;
    stream->avail_in = (uInt)length;
    stream->next_out = out->at;
    stream->avail_out = (uInt)(out->end - out->at);
    int result = deflate(stream, place.last ? Z_SYNC_FLUSH : Z_BLOCK);
    out->at = stream->next_out;
    return result == Z_OK && !stream->avail_in && stream->avail_out;
}

static struct place place_of(const struct deflate_part *parts, size_t count, size_t i) {
    return (struct place){i == 0 || parts[i - 1].way != parts[i].way,
                          i + 1 == count || parts[i + 1].way != parts[i].way};
}

static bool put_part(struct arena *arena, struct output *out, const uint8_t *bytes, struct deflate_part *part,
                     struct place place) {
    uint8_t *start = out->at;
    bool put = part->way == DEFLATE_MATCHES ? put_matches(&arena->stream, out, bytes, part->length, place)
                                            : put_symbols(&arena->huffman, out, bytes, part->length);
    part->packed = (size_t)(out->at - start);
    return put;
}

/* The last block, without any literal, and the checksum of all. */
static bool put_end(struct output *out, const uint8_t *bytes, size_t length) {
    uint32_t sum = (uint32_t)adler32_z(1, bytes, length);
    const uint8_t end[6] = {0x03, 0x00, (uint8_t)(sum >> 24), (uint8_t)(sum >> 16), (uint8_t)(sum >> 8), (uint8_t)sum};
    if (!has_room(out, sizeof end)) return false;
    put_bytes(out, end, sizeof end);
    return true;
}

size_t deflate_parts(void *memory, const uint8_t *bytes, struct deflate_part *parts, size_t count, uint8_t *out,
                     size_t capacity) {
    static const uint8_t head[2] = {0x78, 0x01}; /* a window of 32 KB, no dictionary (RFC 1950) */
    struct arena *arena = memory;
    struct output output = {out, out + capacity};
    const uint8_t *at = bytes;
    if (capacity > UINT32_MAX || capacity < sizeof head) return 0;
    put_bytes(&output, head, sizeof head);
    for (size_t i = 0; i < count; at += parts[i++].length)
        if (!put_part(arena, &output, at, &parts[i], place_of(parts, count, i))) return 0;
    return put_end(&output, bytes, (size_t)(at - bytes)) ? (size_t)(output.at - out) : 0;
}

size_t deflate_bytes(void *memory, const void *bytes, size_t length, uint8_t *out, size_t capacity) {
    struct deflate_part whole = {.length = length};
    return length > UINT32_MAX ? 0 : deflate_parts(memory, bytes, &whole, 1, out, capacity);
}

uint32_t deflate_crc(const void *bytes, size_t length) { return (uint32_t)crc32_z(0, bytes, length); }
