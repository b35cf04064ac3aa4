/* links: preload/deflate.c preload/huffman.c libs: -lz -ldeflate */
/*
 * Blocks of literals (preload/huffman.c), and the streams that hold them (preload/deflate.c): what two inflaters make
 * of them is what went in, whatever the frequencies are.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libdeflate.h>
#include <zlib.h>

#include "../../preload/deflate.h"
#include "../../preload/huffman.h"

#define MOST 300000u
static uint8_t bytes[MOST], packed[2 * MOST], again[MOST];
static struct huffman plan;

static uint64_t next_random(uint64_t *state) {
    return (*state = *state * 6364136223846793005u + 1442695040888963407u) >> 33;
}

static void check_stream(const uint8_t *stream, size_t stream_length, size_t length) {
    uLongf out = length;
    assert_int_equal(Z_OK, uncompress(again, &out, stream, stream_length));
    assert_int_equal(length, out);
    assert_memory_equal(bytes, again, length);
    memset(again, 0, length);
    struct libdeflate_decompressor *other = libdeflate_alloc_decompressor();
    assert_int_equal(LIBDEFLATE_SUCCESS, libdeflate_zlib_decompress(other, stream, stream_length, again, length, NULL));
    assert_memory_equal(bytes, again, length);
    libdeflate_free_decompressor(other);
}

/* As a raw stream, which ends with an empty block of fixed codes. Returns the length of the block. */
static size_t check_block(size_t length) {
    size_t planned = huffman_plan(&plan, bytes, length);
    uint8_t *end = huffman_put(&plan, bytes, length, packed);
    assert_int_equal(planned, end - packed);
    memcpy(end, "\x03\x00", 2);
    z_stream in = {.next_in = packed, .avail_in = (uInt)(planned + 2), .next_out = again, .avail_out = MOST};
    assert_int_equal(Z_OK, inflateInit2(&in, -15));
    assert_int_equal(Z_STREAM_END, inflate(&in, Z_FINISH));
    assert_int_equal(length, in.total_out);
    assert_memory_equal(bytes, again, length);
    inflateEnd(&in);
    return planned;
}

static void short_blocks_come_back(void **state) {
    (void)state;
    uint64_t seed = 1;
    for (unsigned values = 1; values <= 256; values *= 2)
        for (size_t length = 1; length < 600; length += 1 + length / 8) {
            for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(255 - next_random(&seed) % values);
            check_block(length);
        }
}

static void one_byte_only(void **state) {
    (void)state;
    for (unsigned value = 0; value < 256; value += 51) {
        memset(bytes, (int)value, 70000);
        assert_true(check_block(70000) < 70000 / 8 + 40);
    }
}

/* Counts that follow Fibonacci's numbers make the deepest tree: 26 levels here, of which deflate allows 15. */
static void codes_are_limited(void **state) {
    (void)state;
    size_t length = 0, before = 1, count = 1;
    for (unsigned symbol = 0; length + count < MOST; symbol++) {
        memset(bytes + length, (int)symbol, count);
        length += count;
        size_t sum = before + count;
        before = count;
        count = sum;
    }
    check_block(length);
    unsigned longest = 0;
    uint32_t room = 0;
    for (unsigned symbol = 0; symbol < HUFFMAN_LITERALS; symbol++) {
        unsigned bits = plan.codes[symbol].length;
        if (bits > longest) longest = bits;
        if (bits) room += 1u << (15 - bits);
    }
    assert_int_equal(15, longest);
    assert_int_equal(1u << 15, room);
}

/* Entropy is the least that any code reaches; Huffman's is within a bit of it, and far nearer for such counts. */
static void codes_are_good(void **state) {
    (void)state;
    const size_t length = 100000;
    uint64_t seed = 3, counts[256] = {0};
    double bits = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned zeros = (unsigned)__builtin_ctzll(next_random(&seed) | 1u << 30);
        bytes[i] = (uint8_t)(zeros * 5 + next_random(&seed) % 3);
        counts[bytes[i]]++;
    }
    for (unsigned symbol = 0; symbol < 256; symbol++)
        if (counts[symbol]) bits -= (double)counts[symbol] * log2((double)counts[symbol] / (double)length);
    size_t block = check_block(length);
    assert_true((double)block * 8 >= bits);
    assert_true((double)block * 8 < 1.03 * bits + 800);
}

static void fill(size_t from, size_t length, unsigned kind, uint64_t *seed) {
    for (size_t i = from; i < from + length; i++) {
        uint64_t random = next_random(seed);
        bytes[i] = (uint8_t)(kind == 0 ? random : kind == 1 ? random % 11 : i / 7);
    }
}

/* Noise, bytes with a code of their own, and repetitions, in any order: one stream. */
static void parts_make_one_stream(void **state) {
    (void)state;
    void *arena = aligned_alloc(64, (deflate_size() + 63) / 64 * 64);
    assert_int_equal(0, deflate_init(arena, 1));
    uint64_t seed = 7;
    for (unsigned round = 0; round < 200; round++) {
        struct deflate_part parts[6];
        size_t length = 0, count = 1 + next_random(&seed) % 6, told = 8;
        for (size_t i = 0; i < count; i++) {
            parts[i] = (struct deflate_part){.length = 1 + next_random(&seed) % (round % 8 ? 3000 : 40000),
                                             .way = next_random(&seed) % 2 ? DEFLATE_MATCHES : DEFLATE_SYMBOLS};
            fill(length, parts[i].length, (unsigned)(next_random(&seed) % 3), &seed);
            length += parts[i].length;
        }
        size_t stream = deflate_parts(arena, bytes, parts, count, packed, sizeof packed);
        assert_true(stream > 0);
        check_stream(packed, stream, length);
        for (size_t i = 0; i < count; i++) told += parts[i].packed;
        assert_int_equal(stream, told);
        assert_int_equal(0, deflate_parts(arena, bytes, parts, count, packed, stream / 2));
    }
    free(arena);
}

static void noise_is_stored(void **state) {
    (void)state;
    void *arena = aligned_alloc(64, (deflate_size() + 63) / 64 * 64);
    assert_int_equal(0, deflate_init(arena, 1));
    uint64_t seed = 9;
    struct deflate_part part = {.length = 200000, .way = DEFLATE_SYMBOLS};
    fill(0, part.length, 0, &seed);
    size_t stream = deflate_parts(arena, bytes, &part, 1, packed, sizeof packed);
    check_stream(packed, stream, part.length);
    assert_int_equal(200000 + 4 * 5, part.packed); /* four blocks with five bytes of their own */
    free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_blocks_come_back), cmocka_unit_test(one_byte_only),
        cmocka_unit_test(codes_are_limited),      cmocka_unit_test(codes_are_good),
        cmocka_unit_test(parts_make_one_stream),  cmocka_unit_test(noise_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
