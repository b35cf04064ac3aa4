/*
 * What a path calls its file: the part behind its last slash. Pure.
 */
#ifndef TEXT_FILE_NAME_H
#define TEXT_FILE_NAME_H

#include <string.h>

static inline const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

#endif
