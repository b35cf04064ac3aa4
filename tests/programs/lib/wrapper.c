/*
 * A second preload that does what such libraries do: finds the next malloc by dlsym at the first call, serves dlsym's
 * own requests from a static buffer, and counts. Stands before or behind the recorder.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

static char early[8192] __attribute__((aligned(16)));
static size_t early_used;
static __thread int resolving;
static void *(*next_malloc)(size_t);
static void *(*next_calloc)(size_t, size_t);
static void *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);
long wrapper_calls;

static void resolve(void) {
    resolving = 1;
    next_malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
    next_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
    next_realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
    next_free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
    (void)dlsym(RTLD_NEXT, "no_such_function");
    (void)dlerror();
    resolving = 0;
}
static void *from_early(size_t size) {
    void *block = early + early_used;
    early_used += (size + 15) & ~(size_t)15;
    return early_used <= sizeof early ? block : NULL;
}
static int is_early(const void *block) {
    return (const char *)block >= early && (const char *)block < early + sizeof early;
}

void *malloc(size_t size) {
    if (resolving) return from_early(size);
    if (!next_free) resolve();
    __atomic_fetch_add(&wrapper_calls, 1, __ATOMIC_RELAXED);
    return next_malloc(size);
}
void *calloc(size_t count, size_t size) {
    if (resolving) return from_early(count * size);
    if (!next_free) resolve();
    return next_calloc(count, size);
}
void *realloc(void *block, size_t size) {
    if (!next_free) resolve();
    if (!is_early(block)) return next_realloc(block, size);
    void *fresh = malloc(size);
    return fresh ? memcpy(fresh, block, size) : NULL;
}
void free(void *block) {
    if (resolving || is_early(block)) return;
    if (!next_free) resolve();
    next_free(block);
}
