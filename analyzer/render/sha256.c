/*
 * SHA-256 as the standard states it: the names of constants and variables are those of FIPS 180-4.
 */
#include "sha256.h"

#include <string.h>

enum { BLOCK = 64, SHA256_SIZE = 32 };

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t x, unsigned n) { return x >> n | x << (32 - n); }

static void schedule(const uint8_t *block, uint32_t W[64]) {
    for (int t = 0; t < 16; t++)
        W[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 | (uint32_t)block[4 * t + 2] << 8 |
               block[4 * t + 3];
    for (int t = 16; t < 64; t++) {
        uint32_t s0 = rotr(W[t - 15], 7) ^ rotr(W[t - 15], 18) ^ W[t - 15] >> 3;
        uint32_t s1 = rotr(W[t - 2], 17) ^ rotr(W[t - 2], 19) ^ W[t - 2] >> 10;
        W[t] = W[t - 16] + s0 + W[t - 7] + s1;
    }
}

static void compress(uint32_t H[8], const uint8_t *block) {
    uint32_t W[64], v[8]; /* v: a to h */
    schedule(block, W);
    memcpy(v, H, sizeof v);
    for (int t = 0; t < 64; t++) {
        uint32_t S1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25), ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
        uint32_t T1 = v[7] + S1 + ch + K[t] + W[t];
        uint32_t S0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22),
                 maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += T1;
        v[0] = T1 + S0 + maj;
    }
    for (int i = 0; i < 8; i++) H[i] += v[i];
}

/* The rest, a one bit, zeros, and the length in bits at the end of a block. */
static void finish(uint32_t H[8], const uint8_t *rest, size_t left, size_t length) {
    uint8_t tail[2 * BLOCK] = {0};
    size_t size = left + 9 <= BLOCK ? BLOCK : 2 * BLOCK;
    if (left) memcpy(tail, rest, left);
    tail[left] = 0x80;
    for (int i = 0; i < 8; i++) tail[size - 1 - (size_t)i] = (uint8_t)((uint64_t)length * 8 >> (8 * i));
    for (size_t at = 0; at < size; at += BLOCK) compress(H, tail + at);
}

static void sha256(const void *bytes, size_t length, uint8_t hash[SHA256_SIZE]) {
    uint32_t H[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const uint8_t *at = bytes;
    size_t left = length;
    for (; left >= BLOCK; at += BLOCK, left -= BLOCK) compress(H, at);
    finish(H, at, left, length);
    for (int i = 0; i < SHA256_SIZE; i++) hash[i] = (uint8_t)(H[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256_base64(const void *bytes, size_t length, char text[SHA256_BASE64_SIZE]) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t hash[SHA256_SIZE + 1] = {0};
    sha256(bytes, length, hash);
    for (int i = 0; i < SHA256_BASE64_SIZE - 2; i++) {
        int bit = 6 * i, at = bit / 8;
        uint32_t two = (uint32_t)hash[at] << 8 | (at + 1 <= SHA256_SIZE ? hash[at + 1] : 0);
        text[i] = digits[two >> (10 - bit % 8) & 63];
    }
    memcpy(text + SHA256_BASE64_SIZE - 2, "=", 2);
}
