/*
 * Malloc'd lists that grow by one element at a time. They are full at every power of two, so that nobody keeps how much
 * room there is; each must grow so from its first element on. Elements may be taken off again, and are gone then. In an
 * arena: report/arena.h.
 */
#ifndef TIDEMARK_LIST_H
#define TIDEMARK_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more of `size` bytes; `list`: where the pointer to the first is. False: no memory, all is as before. */
static inline bool list_make_room(void *list, size_t count, size_t size) {
    void *items, *grown;
    if (count & (count - 1)) return true;
    memcpy(&items, list, sizeof items);
    grown = reallocarray(items, count ? 2 * count : 1, size);
    if (grown) memcpy(list, &grown, sizeof grown);
    return grown;
}

/* A new element at the end of the list, not set; NULL: out of memory. */
#define LIST_ADD(list, count) (list_make_room(&(list), (count), sizeof *(list)) ? &(list)[(count)++] : NULL)

#endif
