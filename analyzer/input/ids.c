/* Ids in a tree of the C library. See ids.h. */
#include "ids.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>

struct id {
    uint64_t id;
    size_t place;
};

static int compare(const void *a, const void *b) {
    uint64_t left = ((const struct id *)a)->id, right = ((const struct id *)b)->id;
    return (left > right) - (left < right);
}

int ids_put(struct ids *ids, uint64_t id, size_t place) {
    struct id *made = malloc(sizeof *made);
    if (!made) return -ENOMEM;
    *made = (struct id){id, place};
    struct id **node = tsearch(made, &ids->tree, compare);
    if (!node || *node != made) free(made);
    if (!node) return -ENOMEM;
    (*node)->place = place;
    return 0;
}

size_t ids_find(const struct ids *ids, uint64_t id) {
    struct id key = {.id = id}, *const *node = tfind(&key, &ids->tree, compare);
    return node ? (*node)->place : IDS_NONE;
}

void ids_release(struct ids *ids) {
    tdestroy(ids->tree, free);
    ids->tree = NULL;
}
