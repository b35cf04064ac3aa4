/*
 * Where the rows with certain ids stand in a table whose order is another one. Ids come from a file, in any order and
 * of any size, so this is a tree (tsearch): what it costs follows the rows alone.
 */
#ifndef INPUT_IDS_H
#define INPUT_IDS_H

#include <stddef.h>
#include <stdint.h>

#define IDS_NONE SIZE_MAX

/* Zeroed before the first use. */
struct ids {
    void *tree;
};

/* A later place of the same id takes over. 0 or -ENOMEM. */
int ids_put(struct ids *ids, uint64_t id, size_t place);
/* IDS_NONE where there is none. */
size_t ids_find(const struct ids *ids, uint64_t id);
void ids_release(struct ids *ids);

#endif
