/* Looking up the real functions (real.h). */
#include "real.h"

#include "glibc.h"
#include "text.h"

#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <string.h>

enum { EARLY_HEAD = 16 };

struct real_functions real;

_Alignas(64) char real_early[REAL_EARLY_BYTES];
static _Atomic size_t early_used;

static struct {
    _Atomic int state;    /* 0 not begun, 1 under way, 2 done */
    uintptr_t start, end; /* module of malloc, empty for libc */
    char path[1024];
    bool news_allocate;
} found;

/* Whatever their types are. */
#define HOOK(type, name, parameters) extern const char hook_##name[] __asm__(#name);
#include "hooks.def"

static const struct row {
    const char *name;
    size_t offset;
    const char *hook;
} rows[] = {
#define HOOK(type, name, parameters) {#name, offsetof(struct real_functions, name), hook_##name},
#include "hooks.def"
};

/* The loaded object around an address; lock-free, so usable before and inside the loader. */
#pragma weak _dl_find_object
static bool module_around(const void *address, struct dl_find_object *out) {
    return address && _dl_find_object && _dl_find_object((void *)(uintptr_t)address, out) == 0;
}

static void learn_allocator(void) {
    struct dl_find_object of_malloc, of_exit, of_new;
    if (!module_around((void *)real.malloc, &of_malloc)) return;
    struct text text = text_into(found.path, sizeof found.path);
    if (of_malloc.dlfo_link_map) text_put(&text, of_malloc.dlfo_link_map->l_name);
    bool is_libc = module_around((void *)real._exit, &of_exit) && of_exit.dlfo_map_start == of_malloc.dlfo_map_start;
    if (!is_libc) {
        found.start = (uintptr_t)of_malloc.dlfo_map_start;
        found.end = (uintptr_t)of_malloc.dlfo_map_end;
    }
    found.news_allocate =
        module_around((void *)real._Znwm, &of_new) && of_new.dlfo_map_start == of_malloc.dlfo_map_start;
}

/*
 * ld.so calls no allocator of ours before all objects are relocated, but another library's resolver may; musl's has
 * none.
 */
#pragma weak _r_debug
static bool loader_is_ready(void) { return !gnu_get_libc_version || (&_r_debug && _r_debug.r_state == RT_CONSISTENT); }

/*
 * Published only when complete: dlsym allocates for the message of a name that it does not find, and an allocator
 * entered then would find half of its hooks without their real functions.
 */
void real_resolve(void) {
    static struct real_functions looked_up;
    int fresh = 0;
    if (atomic_load_explicit(&found.state, memory_order_relaxed) == 0 && !loader_is_ready()) return;
    if (!atomic_compare_exchange_strong(&found.state, &fresh, 1)) return;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        void *function = dlsym(RTLD_NEXT, rows[i].name);
        memcpy((char *)&looked_up + rows[i].offset, &function, sizeof function);
    }
    real = looked_up;
    learn_allocator();
    atomic_store_explicit(&found.state, 2, memory_order_release);
}

bool real_is_resolved(void) { return atomic_load_explicit(&found.state, memory_order_acquire) == 2; }
bool real_news_allocate(void) { return found.news_allocate; }
bool real_is_allocator(uintptr_t ip) { return ip >= found.start && ip < found.end; }
const char *real_allocator_path(void) { return found.path; }

int real_hook(const char *name) {
    for (int hook = 0; hook < REAL_HOOKS; hook++)
        if (*rows[hook].name == *name && !strcmp(rows[hook].name, name)) return hook;
    return -1;
}

const char *real_name(int hook) { return rows[hook].name; }

uintptr_t real_address(int hook) {
    uintptr_t function;
    memcpy(&function, (const char *)&real + rows[hook].offset, sizeof function);
    return function;
}

uintptr_t real_hook_address(int hook) {
    struct dl_find_object here, there;
    bool ours = module_around(rows, &here) && module_around(rows[hook].hook, &there) &&
                here.dlfo_map_start == there.dlfo_map_start;
    return ours ? (uintptr_t)rows[hook].hook : 0;
}

void *real_late_new(const char *name) {
    void *library = dlopen("libstdc++.so.6", RTLD_NOLOAD | RTLD_LAZY);
    return library ? dlsym(library, name) : NULL;
}

/* Each block is preceded by its size. */
void *real_early_block(size_t size, size_t alignment) {
    if (alignment < EARLY_HEAD) alignment = EARLY_HEAD;
    if (size > REAL_EARLY_BYTES || alignment > REAL_EARLY_BYTES / 4) return NULL;
    size_t room = EARLY_HEAD + alignment + size;
    size_t at = atomic_fetch_add(&early_used, room);
    if (at + room > REAL_EARLY_BYTES) return NULL;
    uintptr_t block = ((uintptr_t)real_early + at + EARLY_HEAD + alignment - 1) & ~(uintptr_t)(alignment - 1);
    memcpy((char *)block - sizeof size, &size, sizeof size);
    return (void *)block;
}

size_t real_early_size(const void *block) {
    size_t size;
    memcpy(&size, (const char *)block - sizeof size, sizeof size);
    return size;
}
