/*
 * Site ids: 64 bits of FNV-1a (Fowler, Noll, Vo) in the base 32 of RFC 4648, lower case. The ids are names, not
 * signatures: two sites of one program get the same one with a chance of about n^2 / 2^65.
 */
#include "site.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { FOLD_MAX = 16 };
#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

static bool same_text(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

static bool same_function(const struct symbol_frame *a, const struct symbol_frame *b) {
    if (!a->function || !b->function)
        return a->function == b->function && a->offset == b->offset && same_text(a->module, b->module);
    return same_text(a->function, b->function) && same_text(a->module, b->module);
}

static bool same_run(const struct symbol_frame *a, const struct symbol_frame *b, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (!same_function(&a[i], &b[i])) return false;
    return true;
}

/* Length of the shortest run at the end of `kept` that the next frames repeat; 0: none. */
static size_t repeated(const struct symbol_frame *kept, size_t kept_count, const struct symbol_frame *next,
                       size_t left) {
    for (size_t length = 1; length <= FOLD_MAX && length <= kept_count && length <= left; length++)
        if (same_run(kept + kept_count - length, next, length)) return length;
    return 0;
}

size_t site_fold(struct symbol_frame *frames, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count;) {
        size_t run = repeated(frames, kept, frames + i, count - i);
        if (run) i += run;
        else frames[kept++] = frames[i++];
    }
    return kept;
}

static uint64_t mix(uint64_t hash, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) hash = (hash ^ (uint8_t)text[i]) * FNV_PRIME;
    return (hash ^ 0xff) * FNV_PRIME; /* no byte of UTF-8: ends the text */
}

static uint64_t mix_text(uint64_t hash, const char *text) { return mix(hash, text, text ? strlen(text) : 0); }

/* Without the version: libz.so.1.2.13 and libz.so.1.3 are one. */
static uint64_t mix_module(uint64_t hash, const char *module) {
    const char *version = module ? strstr(module, ".so.") : NULL;
    return version ? mix(hash, module, (size_t)(version - module) + 3) : mix_text(hash, module);
}

void site_id(const struct symbol_frame *frames, size_t count, char id[SITE_ID_SIZE]) {
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint64_t hash = FNV_OFFSET;
    for (size_t i = 0; i < count; i++) {
        hash = mix_text(hash, frames[i].function);
        hash = mix_module(hash, frames[i].module);
        hash = mix_text(hash, frames[i].inlined ? "inlined" : NULL);
    }
    for (size_t i = 0; i < SITE_ID_SIZE - 1; i++, hash >>= 5) id[i] = digits[hash & 31];
    id[SITE_ID_SIZE - 1] = 0;
}
