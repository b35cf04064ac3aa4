/*
 * Keys in a tree of the C library. See numbering.h.
 */
#include "numbering.h"

#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct numbered {
    char *key;
    uint64_t number;
};

static int compare(const void *a, const void *b) {
    return strcmp(((const struct numbered *)a)->key, ((const struct numbered *)b)->key);
}

static void release(void *node) {
    struct numbered *item = node;
    free(item->key);
    free(item);
}

/* The item of this key, which it owns; NULL: out of memory. */
static struct numbered *item_of(struct numbering *numbering, char *key) {
    struct numbered *item = key ? malloc(sizeof *item) : NULL;
    if (item) *item = (struct numbered){key, 0};
    struct numbered **node = item ? tsearch(item, &numbering->tree, compare) : NULL;
    if (node && *node == item) return item;
    free(item);
    free(key);
    return node ? *node : NULL;
}

uint64_t numbering_of(struct numbering *numbering, bool *fresh, const char *format, ...) {
    char *key;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&key, format, arguments) < 0) key = NULL;
    va_end(arguments);
    struct numbered *item = item_of(numbering, key);
    *fresh = item && !item->number;
    if (*fresh) item->number = ++numbering->count;
    numbering->failed |= !item;
    return item ? item->number : 0;
}

bool numbering_end(struct numbering *numbering) {
    tdestroy(numbering->tree, release);
    return !numbering->failed;
}
