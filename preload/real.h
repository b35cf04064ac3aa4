/*
 * The functions whose place the hooks take: the next definition in the look-up order behind libtrace.so.
 *
 * Resolved on the first call of any hook, once. A function that does not exist (operator new in a C program) stays NULL
 * and its hook behaves as the standard says. dlsym itself may allocate: until the real functions are known, blocks come
 * from a small arena of ours, which free() recognises.
 */
#ifndef PRELOAD_REAL_H
#define PRELOAD_REAL_H

#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct real_functions {
#define HOOK(type, name, parameters) type(*name) parameters;
#include "hooks.def"
};
extern struct real_functions real __attribute__((visibility("hidden")));

/* Looks the functions up unless that has been done. Any thread. */
void real_resolve(void);

bool real_is_resolved(void);

/* Blocks for allocations made while the look-up runs; NULL when the arena is full. Zeroed. */
void *real_early_block(size_t size, size_t alignment);
enum { REAL_EARLY_BYTES = 64 << 10 };
extern char real_early[REAL_EARLY_BYTES] __attribute__((visibility("hidden")));
static inline bool real_is_early(const void *block) {
    return (uintptr_t)block - (uintptr_t)real_early < REAL_EARLY_BYTES;
}
size_t real_early_size(const void *block);

/* The C++ operators are the allocator's own, not library code that calls malloc. */
bool real_news_allocate(void);

/* Is this return address inside the allocator's module (and is that not libc)? */
bool real_is_allocator(uintptr_t ip);

/* Path of the module that provides malloc; "" until resolved. */
const char *real_allocator_path(void);

/* Hooks by number, from 0. Which has that name, -1: none. */
enum {
#define HOOK(type, name, parameters) REAL_HOOK_##name,
#include "hooks.def"
    REAL_HOOKS
};
int real_hook(const char *name);
const char *real_name(int hook);
/*
 * Of the function behind it, and of the hook itself: 0 where there is none, or the program has put another in its
 * place.
 */
uintptr_t real_address(int hook);
uintptr_t real_hook_address(int hook);

/* operator new has failed and libstdc++ came with a plugin: the real one, which throws, or NULL. */
void *real_late_new(const char *name);

#endif
