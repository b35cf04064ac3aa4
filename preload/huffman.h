/*
 * Deflate blocks (RFC 1951) of literals alone: bytes by their frequency, repetitions are not looked for.
 *
 * For columns that pack best this way: the same bytes as from zlib's Z_HUFFMAN_ONLY, for a quarter of the instructions,
 * and any inflater reads them. Caller-owned memory, no I/O, no globals: safe inside a hook.
 */
#ifndef PRELOAD_HUFFMAN_H
#define PRELOAD_HUFFMAN_H

#include <stddef.h>
#include <stdint.h>

#define HUFFMAN_LITERALS 257u /* bytes, and the end of the block */
#define HUFFMAN_SLACK 8u      /* bytes behind a block that putting it may touch */

struct huffman_code {
    uint16_t bits; /* the first to be written is the lowest */
    uint8_t length;
};

struct huffman {
    uint32_t counts[4][HUFFMAN_LITERALS];
    struct huffman_code codes[HUFFMAN_LITERALS];
    /* How the lengths of the codes are told: symbols of their own code, and what follows some of them. */
    struct huffman_code length_codes[19];
    uint8_t symbols[HUFFMAN_LITERALS + 2], extras[HUFFMAN_LITERALS + 2];
    uint32_t symbol_count, length_code_count;
};

/* The best code for `length` bytes, at least 1 and below 2^31. Returns how many bytes the block will take. */
size_t huffman_plan(struct huffman *huffman, const uint8_t *bytes, size_t length);

/*
 * The block that was planned, not the last of its stream, at `out`, where a byte begins. Returns the end, where one
 * begins again.
 */
uint8_t *huffman_put(const struct huffman *huffman, const uint8_t *bytes, size_t length, uint8_t *out);

#endif
