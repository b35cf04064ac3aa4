/*
 * Finds the file of a recorded object, and accepts it only if its build-id is the recorded one: at its path, below the
 * sysroot, in the folders that the user named, in the trees of build-ids, and from debuginfod where DEBUGINFOD_URLS
 * names servers.
 *
 * Files may be hostile: of one that is looked at, the note of its build-id is read. One thread at a time.
 */
#ifndef SYMBOLS_OBJECT_FILE_H
#define SYMBOLS_OBJECT_FILE_H

#include "image.h"

struct object_file {
    char *path; /* malloc'd */
    int fd;     /* -1: none */
};

/* IMAGE_OPEN, and `out` is the caller's to release; else what was wrong with the files that were met. */
enum image_state object_file_find(struct object_file *out, const struct image_source *source,
                                  const struct image_search *places);
/*
 * The one that the file `from` refers to as its `source`: its path may be relative to the folder of `from`. No servers
 * are asked.
 */
enum image_state object_file_beside(struct object_file *out, const char *from, const struct image_source *source,
                                    const struct image_search *places);
/* Closes the descriptor unless it is -1, and frees the path. */
void object_file_release(struct object_file *file);

#endif
