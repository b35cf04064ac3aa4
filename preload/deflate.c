/*
 * The recorder's one gate to zlib; see deflate.h. zlib is linked in statically with hidden symbols and takes its memory
 * from the arena alone: a default zalloc would call the target's malloc, which is being recorded.
 */
#include "deflate.h"

#include <errno.h>
#include <stdbool.h>
#include <zlib.h>

#define WINDOW_BITS 15
#define MEMORY_LEVEL 9 /* fewer blocks with trees of their own: 5 to 8 % of the recorder's time */
/* zlib's documented need for these parameters, and room for its state and for versions that want a little more. */
#define ARENA_BYTES ((1u << (WINDOW_BITS + 2)) + (1u << (MEMORY_LEVEL + 9)) + 65536u)

struct arena {
    z_stream stream;
    size_t used;
    int level;
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
    arena->level = level;
    arena->stream = (z_stream){.zalloc = arena_take, .zfree = arena_keep, .opaque = arena};
    return deflateInit2(&arena->stream, level, Z_DEFLATED, WINDOW_BITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK
               ? 0
               : -EINVAL;
}

/* As zlib's deflateBound for a stream of any parameters. */
size_t deflate_room(size_t length) { return length + (length >> 3) + (length >> 6) + 64; }

static bool put_part(struct arena *arena, const uint8_t *bytes, struct deflate_part *part, int flush) {
    z_stream *stream = &arena->stream;
    int strategy = part->way == DEFLATE_SYMBOLS ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY;
    uLong before = stream->total_out;
    if (deflateParams(stream, part->way == DEFLATE_STORED ? 0 : arena->level, strategy) != Z_OK) return false;
    stream->next_in = (z_const Bytef *)(uintptr_t)bytes;
    stream->avail_in = (uInt)part->length;
    int result = deflate(stream, flush);
    part->packed = stream->total_out - before;
    return flush == Z_FINISH ? result == Z_STREAM_END : result == Z_OK && !stream->avail_in && stream->avail_out;
}

size_t deflate_parts(void *memory, const uint8_t *bytes, struct deflate_part *parts, size_t count, uint8_t *out,
                     size_t capacity) {
    struct arena *arena = memory;
    if (capacity > UINT32_MAX || deflateReset(&arena->stream) != Z_OK) return 0;
    arena->stream.next_out = out;
    arena->stream.avail_out = (uInt)capacity;
    for (size_t i = 0; i < count; bytes += parts[i++].length)
        if (!put_part(arena, bytes, &parts[i], i + 1 < count ? Z_BLOCK : Z_FINISH)) return 0;
    return capacity - arena->stream.avail_out;
}

size_t deflate_bytes(void *memory, const void *bytes, size_t length, uint8_t *out, size_t capacity) {
    struct deflate_part whole = {.length = length};
    return length > UINT32_MAX ? 0 : deflate_parts(memory, bytes, &whole, 1, out, capacity);
}

uint32_t deflate_crc(const void *bytes, size_t length) { return (uint32_t)crc32_z(0, bytes, length); }
