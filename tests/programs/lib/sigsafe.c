/*
 * A malloc that may be called from anywhere, signal handlers included: blocks come from one bump pointer and are never
 * used again. Preloaded below the recorder, so that a handler may allocate while a hook of the recorder is interrupted.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA ((size_t)8 << 30)
static _Atomic(char *) arena;
static atomic_size_t used;

static char *arena_start(void) {
    char *start = atomic_load(&arena);
    if (start) return start;
    char *fresh = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (fresh == MAP_FAILED) _exit(98);
    if (atomic_compare_exchange_strong(&arena, &start, fresh)) return fresh;
    munmap(fresh, ARENA);
    return start;
}

static void *take(size_t alignment, size_t size) {
    char *start = arena_start();
    if (size > ARENA / 2) {
        errno = ENOMEM;
        return NULL;
    }
    size_t room = (size + 16 + alignment + 15) & ~(size_t)15;
    uintptr_t at = (uintptr_t)start + atomic_fetch_add(&used, room) + 16;
    if (at + room > (uintptr_t)start + ARENA) _exit(97);
    at = (at + alignment - 1) & ~(uintptr_t)(alignment - 1);
    ((size_t *)at)[-1] = size;
    return (void *)at;
}

void *malloc(size_t size) { return take(16, size); }
void free(void *block) { (void)block; }
void *calloc(size_t count, size_t size) {
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? NULL : take(16, bytes);
}
void *realloc(void *old, size_t size) {
    void *block = take(16, size);
    if (old && block) memcpy(block, old, ((size_t *)old)[-1] < size ? ((size_t *)old)[-1] : size);
    return block;
}
void *memalign(size_t alignment, size_t size) { return take(alignment < 16 ? 16 : alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void **out, size_t alignment, size_t size) {
    *out = memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}
size_t malloc_usable_size(void *block) { return block ? ((size_t *)block)[-1] : 0; }
