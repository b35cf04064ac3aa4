/*
 * Whether a program that is about to be started can load libtrace.so. Async-signal-safe: also used in vfork children.
 */
#ifndef PRELOAD_TARGET_ELF_H
#define PRELOAD_TARGET_ELF_H

#include <stdbool.h>
#include <stddef.h>

/* NULL when it can, or when that can't be told (the loader will then say); else why not, in a few words. */
const char *target_elf_refusal(const char *path);

/* Whether a loader would look for a library at this path in vain, and complain. */
bool target_elf_is_missing(const char *library);

/*
 * The first file of that name in PATH, as execvp finds it; returns `file` itself when it has a slash or none is found.
 */
const char *target_elf_find(const char *file, char *out, size_t capacity);

#endif
