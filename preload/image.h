/*
 * A shared library in memory without the loader: mapped, its names bound to what we give it, nothing of it run. For
 * code that may be needed first inside a hook, where the loader can't be asked: its locks may be held.
 *
 * Async-signal-safe: system calls and memory of ours only. Thread-local variables of the library do not exist.
 */
#ifndef PRELOAD_IMAGE_H
#define PRELOAD_IMAGE_H

#include <stddef.h>

/* A name that the library wants from others. The last of a table has no name and stands for all the rest. */
struct image_import {
    const char *name;
    void (*to)(void);
};

/* A name of the library's own; `to` is a pointer to a function, which is set. */
struct image_export {
    const char *name;
    void *to;
};

/* Returns 0 or -errno: -ENOEXEC for what needs more than this. The memory stays until the process ends. */
int image_load(const char *path, const struct image_import *imports, const struct image_export *exports, size_t count);

#endif
