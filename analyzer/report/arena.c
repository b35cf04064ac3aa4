/*
 * Blocks in a list. See arena.h.
 */
#include "arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../must.h"
#include "../text/printable.h"

#define BLOCK 65536u

struct arena_block {
    struct arena_block *next;
    size_t used, capacity;
    _Alignas(16) char bytes[];
};

struct arena {
    struct arena_block *blocks;
};

struct arena *arena_new(void) {
    return must(calloc(1, sizeof(struct arena)));
}

void arena_free(struct arena *arena) {
    if (!arena) return;
    for (struct arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(arena);
}

static void *take_bytes(struct arena *arena, size_t length) {
    length = (length + 15) & ~(size_t)15;
    struct arena_block *block = arena->blocks;
    if (!block || block->capacity - block->used < length) {
        size_t capacity = length > BLOCK ? length : BLOCK;
        block = must(malloc(sizeof *block + capacity));
        *block = (struct arena_block){.next = arena->blocks, .capacity = capacity};
        arena->blocks = block;
    }
    void *room = block->bytes + block->used;
    block->used += length;
    return memset(room, 0, length);
}

void *arena_take(struct arena *arena, size_t count, size_t size) {
    size_t length;
    if (__builtin_mul_overflow(count, size, &length) || length > SIZE_MAX / 2) abort();
    return take_bytes(arena, length ? length : 1);
}

char *arena_text(struct arena *arena, const char *text) {
    if (!text) return NULL;
    size_t length = strlen(text) + 1;
    return memcpy(take_bytes(arena, length), text, length);
}

char *arena_printable(struct arena *arena, const char *text) {
    char *clean = text ? must(printable(text, strlen(text), PRINTABLE_CODE)) : NULL;
    char *copy = arena_text(arena, clean);
    free(clean);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = take_bytes(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(arguments);
    return text;
}

void *arena_grown(struct arena *arena, void *list, size_t count, size_t size) {
    if (count & (count - 1)) return list; /* full at every power of two */
    void *grown = arena_take(arena, count ? 2 * count : 1, size);
    if (count) memcpy(grown, list, count * size);
    return grown;
}
