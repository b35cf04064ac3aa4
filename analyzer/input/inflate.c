/*
 * The analyzer's one gate to libdeflate, which decodes two to three times as fast as zlib; see inflate.h. The lengths
 * come from a frame's header, so both are limits here, and a stream that ends early, late or with bytes left over is
 * refused.
 */
#include "inflate.h"

#include <errno.h>
#include <libdeflate.h>
#include <stdlib.h>

#define BEST_COMPRESSION 12

int inflate_bytes(const void *stored, size_t stored_length, uint8_t *raw, size_t raw_length) {
    uint8_t none;
    size_t used;
    struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
    if (!decompressor) return -ENOMEM;
    /* without a place for the length of the result, any other than the expected one is refused */
    enum libdeflate_result result = libdeflate_zlib_decompress_ex(decompressor, stored, stored_length,
                                                                  raw_length ? raw : &none, raw_length, &used, NULL);
    libdeflate_free_decompressor(decompressor);
    return result == LIBDEFLATE_SUCCESS && used == stored_length ? 0 : -EBADMSG;
}

int pack_bytes(const void *raw, size_t raw_length, uint8_t **stored, size_t *stored_length) {
    struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(BEST_COMPRESSION);
    if (!compressor) return -ENOMEM;
    size_t bound = libdeflate_zlib_compress_bound(compressor, raw_length);
    uint8_t *bytes = malloc(bound);
    size_t length = bytes ? libdeflate_zlib_compress(compressor, raw, raw_length, bytes, bound) : 0;
    libdeflate_free_compressor(compressor);
    if (!length) {
        free(bytes);
        return -ENOMEM;
    }
    *stored = bytes;
    *stored_length = length;
    return 0;
}

uint32_t inflate_crc(const void *bytes, size_t length) { return libdeflate_crc32(0, bytes, length); }
