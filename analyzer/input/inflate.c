/*
 * The analyzer's one gate to zlib; see inflate.h. The lengths come from a frame's header, so both are limits here, and
 * a stream that ends early, late or with bytes left over is refused.
 */
#include "inflate.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

int inflate_bytes(const void *stored, size_t stored_length, uint8_t *raw, size_t raw_length) {
    uint8_t none;
    if (stored_length > UINT32_MAX || raw_length > UINT32_MAX) return -EBADMSG;
    z_stream stream = {.next_in = (z_const Bytef *)(uintptr_t)stored,
                       .avail_in = (uInt)stored_length,
                       .next_out = raw_length ? raw : &none,
                       .avail_out = (uInt)raw_length};
    if (inflateInit(&stream) != Z_OK) return -ENOMEM;
    int status = inflate(&stream, Z_FINISH);
    int result = status == Z_STREAM_END && !stream.avail_out && !stream.avail_in ? 0
                 : status == Z_MEM_ERROR                                         ? -ENOMEM
                                                                                 : -EBADMSG;
    inflateEnd(&stream);
    return result;
}

int deflate_bytes(const void *raw, size_t raw_length, uint8_t **stored, size_t *stored_length) {
    uLongf length = compressBound(raw_length);
    uint8_t *bytes = malloc(length);
    int status = bytes ? compress2(bytes, &length, raw, raw_length, Z_BEST_COMPRESSION) : Z_MEM_ERROR;
    if (status != Z_OK) {
        free(bytes);
        return -ENOMEM;
    }
    *stored = bytes;
    *stored_length = length;
    return 0;
}

uint32_t inflate_crc(const void *bytes, size_t length) { return (uint32_t)crc32_z(0, bytes, length); }
