/*
 * Huffman's codes for literals; see huffman.h.
 *
 * Lengths by two queues (van Leeuwen 1976): leaves in the order of their counts, and the nodes made of them, which come
 * into being in that order. A code that became too long is shortened, and others lengthened until all fit again.
 */
#include "huffman.h"

#include <string.h>

#define LONGEST 15u       /* of a literal's code */
#define LONGEST_LENGTH 7u /* of a length's code */
#define LENGTHS 19u
#define END 256u /* of the block, among the literals */

enum { REPEAT = 16, ZEROS = 17, MANY_ZEROS = 18 }; /* 3 to 6 times the last length; 3 to 10 zeros; 11 to 138 */
static const uint8_t extra_bits[LENGTHS] = {[REPEAT] = 2, [ZEROS] = 3, [MANY_ZEROS] = 7};

/* The order in which the lengths of the lengths' codes stand, so that those at the end may be left out. */
static const uint8_t order[LENGTHS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

/* ---- lengths of codes ---- */

struct leaf {
    uint32_t count;
    uint16_t symbol;
};

/* By count, the least first: a pass for each byte of the largest. */
static struct leaf *sort(struct leaf *leaves, struct leaf *other, unsigned count, uint32_t largest) {
    for (unsigned shift = 0; shift < 32 && largest >> shift; shift += 8) {
        uint16_t starts[256] = {0}, start = 0;
        for (unsigned i = 0; i < count; i++) starts[leaves[i].count >> shift & 255]++;
        for (unsigned digit = 0; digit < 256; digit++) {
            uint16_t number = starts[digit];
            starts[digit] = start;
            start = (uint16_t)(start + number);
        }
        for (unsigned i = 0; i < count; i++) other[starts[leaves[i].count >> shift & 255]++] = leaves[i];
        struct leaf *sorted = other;
        other = leaves;
        leaves = sorted;
    }
    return leaves;
}

/* How many of the sorted leaves lie at each depth of the tree. */
static void count_depths(const struct leaf *leaves, unsigned count, uint16_t *at_depth) {
    uint32_t weights[HUFFMAN_LITERALS];
    uint16_t parents[HUFFMAN_LITERALS] = {0}, leaf_parents[HUFFMAN_LITERALS] = {0}, depths[HUFFMAN_LITERALS];
    unsigned leaf = 0, node = 0;
    for (unsigned made = 0; made + 1 < count; made++) {
        weights[made] = 0;
        for (unsigned child = 0; child < 2; child++) {
            if (leaf < count && (node == made || leaves[leaf].count <= weights[node])) {
                weights[made] += leaves[leaf].count;
                leaf_parents[leaf++] = (uint16_t)made;
            } else {
                weights[made] += weights[node];
                parents[node++] = (uint16_t)made;
            }
        }
    }
    depths[count - 2] = 0;
    for (unsigned i = count - 2; i-- > 0;) depths[i] = (uint16_t)(depths[parents[i]] + 1);
    for (unsigned i = 0; i < count; i++) at_depth[depths[leaf_parents[i]] + 1]++;
}

/* Codes longer than `limit` become as long as that; shorter ones are lengthened by one, until there is room for all. */
static void limit_depths(uint16_t *at_depth, unsigned limit) {
    uint32_t taken = 0; /* of 2^limit */
    for (unsigned depth = limit + 1; depth < HUFFMAN_LITERALS; depth++) {
        at_depth[limit] = (uint16_t)(at_depth[limit] + at_depth[depth]);
        at_depth[depth] = 0;
    }
    for (unsigned depth = 1; depth <= limit; depth++) taken += (uint32_t)at_depth[depth] << (limit - depth);
    for (; taken > 1u << limit; taken--) {
        unsigned depth = limit - 1;
        while (!at_depth[depth]) depth--;
        /* Its code becomes that of a node, with it and one of the longest below. */
        at_depth[depth]--;
        at_depth[depth + 1] = (uint16_t)(at_depth[depth + 1] + 2);
        at_depth[limit]--;
    }
}

/* Sets the lengths of the codes for symbols of these counts, two of them or more above 0: 0 where it is 0. */
static void choose_lengths(const uint32_t *counts, unsigned symbols, unsigned limit, struct huffman_code *codes) {
    struct leaf memory[2][HUFFMAN_LITERALS];
    uint16_t at_depth[HUFFMAN_LITERALS + 1] = {0};
    uint32_t largest = 0;
    unsigned count = 0;
    for (unsigned symbol = 0; symbol < symbols; symbol++) {
        codes[symbol].length = 0;
        if (!counts[symbol]) continue;
        memory[0][count++] = (struct leaf){counts[symbol], (uint16_t)symbol};
        if (counts[symbol] > largest) largest = counts[symbol];
    }
    const struct leaf *leaf = sort(memory[0], memory[1], count, largest);
    count_depths(leaf, count, at_depth);
    limit_depths(at_depth, limit);
    for (unsigned depth = limit; depth > 0; depth--)
        for (; at_depth[depth]; at_depth[depth]--) codes[leaf++->symbol].length = (uint8_t)depth;
}

/* The lowest `length` bits, at most 16, the other way round. */
static uint16_t reversed(uint32_t bits, unsigned length) {
    bits = (bits >> 1 & 0x5555) | (bits & 0x5555) << 1;
    bits = (bits >> 2 & 0x3333) | (bits & 0x3333) << 2;
    bits = (bits >> 4 & 0x0f0f) | (bits & 0x0f0f) << 4;
    bits = (bits >> 8 & 0x00ff) | (bits & 0x00ff) << 8;
    return (uint16_t)(bits >> (16 - length));
}

/* Codes of one length ascend with their symbols, and all those with their lengths (RFC 1951, 3.2.2). */
static void number_codes(struct huffman_code *codes, unsigned symbols) {
    uint32_t numbers[LONGEST + 2] = {0}, next = 0;
    for (unsigned symbol = 0; symbol < symbols; symbol++) numbers[codes[symbol].length]++;
    numbers[0] = 0;
    for (unsigned length = 1; length <= LONGEST; length++) {
        uint32_t number = numbers[length];
        numbers[length] = next;
        next = (next + number) << 1;
    }
    for (unsigned symbol = 0; symbol < symbols; symbol++)
        codes[symbol].bits = reversed(numbers[codes[symbol].length]++, codes[symbol].length);
}

/* ---- how they are told ---- */

static void tell(struct huffman *h, unsigned symbol, unsigned extra) {
    h->symbols[h->symbol_count] = (uint8_t)symbol;
    h->extras[h->symbol_count++] = (uint8_t)extra;
}

/* So many codes of one length, one after the other. */
static void tell_lengths(struct huffman *h, unsigned length, unsigned count) {
    for (unsigned now; !length && count >= 3; count -= now) {
        now = count < 138 ? count : 138;
        tell(h, now < 11 ? ZEROS : MANY_ZEROS, now < 11 ? now - 3 : now - 11);
    }
    if (!count) return;
    tell(h, length, 0);
    count--;
    for (unsigned now; length && count >= 3; count -= now) {
        now = count < 6 ? count : 6;
        tell(h, REPEAT, now - 3);
    }
    while (count--) tell(h, length, 0);
}

/*
 * Two distances of one bit, which are never used, make a set that every inflater takes. The lengths are never all the
 * same: 257 symbols have no code of one length, and fewer leave some without.
 */
static void tell_codes(struct huffman *h) {
    uint32_t counts[LENGTHS] = {0};
    h->symbol_count = 0;
    for (unsigned symbol = 0, from; (from = symbol) < HUFFMAN_LITERALS;) {
        while (symbol < HUFFMAN_LITERALS && h->codes[symbol].length == h->codes[from].length) symbol++;
        tell_lengths(h, h->codes[from].length, symbol - from);
    }
    tell_lengths(h, 1, 2);
    for (unsigned i = 0; i < h->symbol_count; i++) counts[h->symbols[i]]++;
    choose_lengths(counts, LENGTHS, LONGEST_LENGTH, h->length_codes);
    number_codes(h->length_codes, LENGTHS);
    h->length_code_count = LENGTHS;
    while (!h->length_codes[order[h->length_code_count - 1]].length) h->length_code_count--;
}

/* ---- planning ---- */

/* Four tables, so that a byte that comes again at once does not wait for its last count. */
static void count_bytes(struct huffman *h, const uint8_t *bytes, size_t length) {
    size_t i = 0;
    memset(h->counts, 0, sizeof h->counts);
    for (; i + 4 <= length; i += 4)
#pragma GCC unroll 4
        for (unsigned lane = 0; lane < 4; lane++) h->counts[lane][bytes[i + lane]]++;
    for (; i < length; i++) h->counts[0][bytes[i]]++;
    for (unsigned symbol = 0; symbol < END; symbol++)
        h->counts[0][symbol] += h->counts[1][symbol] + h->counts[2][symbol] + h->counts[3][symbol];
    h->counts[0][END] = 1;
}

static uint64_t bits_of(const struct huffman *h) {
    uint64_t bits = 3 + 5 + 5 + 4 + 3 * h->length_code_count;
    for (unsigned i = 0; i < h->symbol_count; i++)
        bits += h->length_codes[h->symbols[i]].length + (unsigned)extra_bits[h->symbols[i]];
    for (unsigned symbol = 0; symbol < HUFFMAN_LITERALS; symbol++)
        bits += (uint64_t)h->counts[0][symbol] * h->codes[symbol].length;
    return bits;
}

/* The empty stored block at the end: three bits, those up to the next byte, and its length twice. */
size_t huffman_plan(struct huffman *h, const uint8_t *bytes, size_t length) {
    count_bytes(h, bytes, length);
    choose_lengths(h->counts[0], HUFFMAN_LITERALS, LONGEST, h->codes);
    number_codes(h->codes, HUFFMAN_LITERALS);
    tell_codes(h);
    return (size_t)((bits_of(h) + 3 + 7) / 8 + 4);
}

/* ---- writing ---- */

struct bit_writer {
    uint64_t held;
    unsigned count;
    uint8_t *at;
};

static inline void put_bits(struct bit_writer *w, uint64_t bits, unsigned count) {
    w->held |= bits << w->count;
    w->count += count;
}

/* Fewer than eight stay; up to 56 may be put before the next call. */
static inline void flush(struct bit_writer *w) {
    memcpy(w->at, &w->held, sizeof w->held);
    w->at += w->count / 8;
    w->held >>= w->count & ~7u;
    w->count &= 7;
}

static void put_codes(struct bit_writer *w, const struct huffman *h) {
    put_bits(w, 2 << 1, 3); /* not the last block; its codes follow */
    put_bits(w, HUFFMAN_LITERALS - 257, 5);
    put_bits(w, 2 - 1, 5);
    put_bits(w, h->length_code_count - 4, 4);
    flush(w);
    for (unsigned i = 0; i < h->length_code_count; i++, flush(w)) put_bits(w, h->length_codes[order[i]].length, 3);
    for (unsigned i = 0; i < h->symbol_count; i++, flush(w)) {
        const struct huffman_code *code = &h->length_codes[h->symbols[i]];
        put_bits(w, code->bits, code->length);
        put_bits(w, h->extras[i], extra_bits[h->symbols[i]]);
    }
}

static inline void put_literal(struct bit_writer *w, const struct huffman *h, unsigned literal) {
    struct huffman_code code = h->codes[literal];
    put_bits(w, code.bits, code.length);
}

uint8_t *huffman_put(const struct huffman *h, const uint8_t *bytes, size_t length, uint8_t *out) {
    struct bit_writer w = {.at = out};
    size_t i = 0;
    put_codes(&w, h);
    for (; i + 3 <= length; i += 3, flush(&w))
#pragma GCC unroll 3
        for (unsigned next = 0; next < 3; next++) put_literal(&w, h, bytes[i + next]);
    for (; i < length; i++, flush(&w)) put_literal(&w, h, bytes[i]);
    put_literal(&w, h, END);
    flush(&w);
    put_bits(&w, 0, 3); /* an empty stored block, which begins with a byte */
    w.count = (w.count + 7) & ~7u;
    flush(&w);
    static const uint8_t empty[4] = {0x00, 0x00, 0xff, 0xff};
    memcpy(w.at, empty, sizeof empty);
    return w.at + sizeof empty;
}
