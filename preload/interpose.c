/*
 * The memory hooks: each calls the real function and tells the probe, deaths before, births after (probe.c has the
 * rules). Compiled with frame pointers: PROBE_REGISTERS reads the caller's frame from ours.
 */
#include "probe.h"
#include "real.h"
#include "sys.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default"), noinline))

#define HOOK(type, name, parameters) EXPORT type name parameters;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
#include "hooks.def"
#pragma GCC diagnostic pop

/* The real function, resolved on first use; NULL while the look-up itself runs, or when there is none. */
#define REAL(name) (likely(real.name != NULL) ? real.name : (real_resolve(), real.name))

/* ---- heap ---- */

void *malloc(size_t size) {
    if (unlikely(!REAL(malloc))) return real_early_block(size, 1);
    void *block = real.malloc(size);
    struct unwind_registers registers = PROBE_REGISTERS();
    probe_block(block, size, &registers);
    return block;
}

void *calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) bytes = SIZE_MAX;
    if (unlikely(!REAL(calloc))) return real_early_block(bytes, 1);
    void *block = real.calloc(count, size);
    struct unwind_registers registers = PROBE_REGISTERS();
    probe_block(block, bytes, &registers);
    return block;
}

static void release(void *block) {
    if (!block || unlikely(real_is_early(block))) return;
    if (unlikely(!REAL(free))) return;
    probe_death(TRACE_EVENT_FREE, block);
    real.free(block);
}

void free(void *block) { release(block); }
void cfree(void *block) { release(block); }

void free_sized(void *block, size_t size) {
    if (!REAL(free_sized)) {
        release(block);
        return;
    }
    if (block) probe_death(TRACE_EVENT_FREE, block);
    real.free_sized(block, size);
}

void free_aligned_sized(void *block, size_t alignment, size_t size) {
    if (!REAL(free_aligned_sized)) {
        release(block);
        return;
    }
    if (block) probe_death(TRACE_EVENT_FREE, block);
    real.free_aligned_sized(block, alignment, size);
}

/* A block of the early arena moves to the real heap. */
static void *leave_early(void *block, size_t size, const struct unwind_registers *registers) {
    void *copy = real.malloc ? real.malloc(size) : real_early_block(size, 1);
    if (copy) memcpy(copy, block, real_early_size(block) < size ? real_early_size(block) : size);
    if (real.malloc) probe_block(copy, size, registers);
    return copy;
}

static inline __attribute__((always_inline)) void *resize(void *block, size_t size,
                                                          const struct unwind_registers *registers) {
    if (unlikely(!REAL(realloc)) || unlikely(real_is_early(block))) return leave_early(block, size, registers);
    /* With size 0 some allocators free, some give a minimal block: what comes back tells which. */
    if (block) probe_death(size ? TRACE_EVENT_REALLOC_OUT : TRACE_EVENT_FREE, block);
    void *moved = real.realloc(block, size);
    if (!block || (!size && moved)) probe_block(moved, size, registers);
    else if (size)
        probe_sized(moved ? TRACE_EVENT_REALLOC_IN : TRACE_EVENT_REALLOC_FAIL, 0, moved ? moved : block, size,
                    registers);
    return moved;
}

void *realloc(void *block, size_t size) {
    struct unwind_registers registers = PROBE_REGISTERS();
    return resize(block, size, &registers);
}

#ifdef __clang__ /* does not know of copy, nor asks for it */
#define AS_REALLOC
#else
#define AS_REALLOC , copy(realloc)
#endif
extern __typeof(realloc) own_realloc __attribute__((alias("realloc"), visibility("hidden") AS_REALLOC));

/*
 * As libc's does, it calls the realloc that the program sees, which may be its own, or of a library loaded before us.
 */
void *reallocarray(void *block, size_t count, size_t size) {
    struct unwind_registers registers = PROBE_REGISTERS();
    size_t bytes;
    if (!__builtin_mul_overflow(count, size, &bytes))
        return &realloc == &own_realloc ? resize(block, bytes, &registers) : realloc(block, bytes);
    errno = ENOMEM;
    probe_birth(TRACE_EVENT_ALLOC, TRACE_EVENT_FAILED, NULL, SIZE_MAX, &registers);
    return NULL;
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    if (unlikely(!REAL(posix_memalign))) return (*out = real_early_block(size, alignment)) ? 0 : ENOMEM;
    int error = real.posix_memalign(out, alignment, size);
    struct unwind_registers registers = PROBE_REGISTERS();
    probe_block(error ? NULL : *out, size, &registers);
    return error;
}

#define ALIGNED(name)                                                                                                  \
    void *name(size_t alignment, size_t size) {                                                                        \
        if (unlikely(!REAL(name))) return real_early_block(size, alignment);                                           \
        void *block = real.name(alignment, size);                                                                      \
        struct unwind_registers registers = PROBE_REGISTERS();                                                         \
        probe_block(block, size, &registers);                                                                          \
        return block;                                                                                                  \
    }
ALIGNED(aligned_alloc)
ALIGNED(memalign)

#define PAGED(name)                                                                                                    \
    void *name(size_t size) {                                                                                          \
        if (unlikely(!REAL(name))) return real_early_block(size, 4096);                                                \
        void *block = real.name(size);                                                                                 \
        struct unwind_registers registers = PROBE_REGISTERS();                                                         \
        probe_block(block, size, &registers);                                                                          \
        return block;                                                                                                  \
    }
PAGED(valloc)
PAGED(pvalloc)

/* ---- C++ ---- */

/*
 * libstdc++'s operators call malloc and free through us, with themselves on the stack: they need nothing here. An
 * allocator's own do not. In a program without libstdc++ they come from here until a plugin brings it.
 */
static void *plain_new(size_t size, size_t alignment) {
    if (alignment <= sizeof(max_align_t)) return REAL(malloc) ? real.malloc(size ? size : 1) : NULL;
    void *block = NULL;
    return REAL(posix_memalign) && real.posix_memalign(&block, alignment, size ? size : 1) == 0 ? block : NULL;
}

#define NEW(name, parameters, arguments, alignment, throws)                                                            \
    void *name parameters {                                                                                            \
        if (likely(REAL(name) != NULL) && !real_news_allocate()) return real.name arguments;                           \
        void *block = real.name ? real.name arguments : plain_new(size, alignment);                                    \
        struct unwind_registers registers = PROBE_REGISTERS();                                                         \
        probe_block(block, size, &registers);                                                                          \
        if (unlikely(!block) && throws) {                                                                              \
            void *(*late)parameters = (void *(*)parameters)(uintptr_t)real_late_new(#name);                            \
            if (!late) abort(); /* nothing can throw where there is no C++ runtime */                                  \
            return late arguments;                                                                                     \
        }                                                                                                              \
        return block;                                                                                                  \
    }
NEW(_Znwm, (size_t size), (size), 0, true)
NEW(_Znam, (size_t size), (size), 0, true)
NEW(_ZnwmRKSt9nothrow_t, (size_t size, const void *nothrow), (size, nothrow), 0, false)
NEW(_ZnamRKSt9nothrow_t, (size_t size, const void *nothrow), (size, nothrow), 0, false)
NEW(_ZnwmSt11align_val_t, (size_t size, size_t alignment), (size, alignment), alignment, true)
NEW(_ZnamSt11align_val_t, (size_t size, size_t alignment), (size, alignment), alignment, true)
NEW(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t alignment, const void *nothrow),
    (size, alignment, nothrow), alignment, false)
NEW(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t alignment, const void *nothrow),
    (size, alignment, nothrow), alignment, false)

#define DELETE(name, parameters, arguments)                                                                            \
    void name parameters {                                                                                             \
        if (unlikely(!REAL(name))) {                                                                                   \
            release(block);                                                                                            \
            return;                                                                                                    \
        }                                                                                                              \
        if (real_news_allocate() && block) probe_death(TRACE_EVENT_FREE, block);                                       \
        real.name arguments;                                                                                           \
    }
DELETE(_ZdlPv, (void *block), (block))
DELETE(_ZdaPv, (void *block), (block))
DELETE(_ZdlPvm, (void *block, size_t size), (block, size))
DELETE(_ZdaPvm, (void *block, size_t size), (block, size))
DELETE(_ZdlPvRKSt9nothrow_t, (void *block, const void *nothrow), (block, nothrow))
DELETE(_ZdaPvRKSt9nothrow_t, (void *block, const void *nothrow), (block, nothrow))
DELETE(_ZdlPvSt11align_val_t, (void *block, size_t alignment), (block, alignment))
DELETE(_ZdaPvSt11align_val_t, (void *block, size_t alignment), (block, alignment))
DELETE(_ZdlPvmSt11align_val_t, (void *block, size_t size, size_t alignment), (block, size, alignment))
DELETE(_ZdaPvmSt11align_val_t, (void *block, size_t size, size_t alignment), (block, size, alignment))
DELETE(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t alignment, const void *nothrow),
       (block, alignment, nothrow))
DELETE(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t alignment, const void *nothrow),
       (block, alignment, nothrow))

/*
 * ---- address space ----
 *
 * The kernel is asked directly: an allocator maps memory while it holds its locks, and a look-up then would allocate
 * for the message of a name that it does not find.
 */

static long kernel(long number, long a, long b, long c, long d, long e, long f) {
    long result = sys_pass(number, a, b, c, d, e, f);
    if (likely(result >= 0 || result < -4095)) return result;
    errno = (int)-result;
    return -1;
}

static uint8_t internal(uintptr_t ip) { return real_is_allocator(ip) ? TRACE_EVENT_INTERNAL : 0; }
static uint8_t reserved(int protection) { return protection == PROT_NONE ? TRACE_EVENT_RESERVED : 0; }

#define MAP(name)                                                                                                      \
    void *name(void *address, size_t length, int protection, int flags, int fd, off_t offset) {                        \
        void *mapping = (void *)kernel(SYS_mmap, (long)address, (long)length, protection, flags, fd, offset);          \
        struct unwind_registers registers = PROBE_REGISTERS();                                                         \
        uint8_t kind = internal(registers.ip) | reserved(protection);                                                  \
        if (mapping != MAP_FAILED) probe_birth(TRACE_EVENT_MAP, kind, mapping, length, &registers);                    \
        return mapping;                                                                                                \
    }
MAP(mmap)
MAP(mmap64)

int munmap(void *address, size_t length) {
    struct unwind_registers registers = PROBE_REGISTERS();
    probe_sized(TRACE_EVENT_UNMAP, internal(registers.ip), address, length, &registers);
    int result = (int)kernel(SYS_munmap, (long)address, (long)length, 0, 0, 0, 0);
    if (result) probe_sized(TRACE_EVENT_UNMAP_FAIL, 0, address, length, &registers);
    return result;
}

void *mremap(void *address, size_t old_length, size_t length, int flags, ...) {
    struct unwind_registers registers = PROBE_REGISTERS();
    void *wanted = NULL;
    if (flags & MREMAP_FIXED) {
        va_list arguments;
        va_start(arguments, flags);
        wanted = va_arg(arguments, void *);
        va_end(arguments);
    }
    uint8_t own = internal(registers.ip);
    probe_sized(TRACE_EVENT_REMAP_OUT, own, address, old_length, &registers);
    void *moved = (void *)kernel(SYS_mremap, (long)address, (long)old_length, (long)length, flags, (long)wanted, 0);
    bool failed = moved == MAP_FAILED;
    probe_sized(failed ? TRACE_EVENT_REMAP_FAIL : TRACE_EVENT_REMAP_IN, own, failed ? address : moved,
                failed ? old_length : length, &registers);
    return moved;
}

/* libc's break is libc's to move. Looked up alone: a name that exists costs dlsym no allocation. */
#define ALONE(name) (real.name ? real.name : (__typeof__(real.name))dlsym(RTLD_NEXT, #name))

static void note_break(void *end, intptr_t step, const struct unwind_registers *registers) {
    probe_sized(TRACE_EVENT_BREAK, internal(registers->ip), end, (uint64_t)(int64_t)step, registers);
}

int brk(void *end) {
    struct unwind_registers registers = PROBE_REGISTERS();
    if (!ALONE(brk) || !ALONE(sbrk)) return -1;
    char *before = ALONE(sbrk)(0);
    int result = ALONE(brk)(end);
    if (result == 0) note_break(end, (char *)end - before, &registers);
    return result;
}

void *sbrk(intptr_t step) {
    struct unwind_registers registers = PROBE_REGISTERS();
    if (!ALONE(sbrk)) return (void *)-1;
    char *before = ALONE(sbrk)(step);
    if (before != (void *)-1 && step) note_break(before + step, step, &registers);
    return before;
}

int madvise(void *address, size_t length, int advice) {
    struct unwind_registers registers = PROBE_REGISTERS();
    int result = (int)kernel(SYS_madvise, (long)address, (long)length, advice, 0, 0, 0);
    if (result == 0 && (advice == MADV_DONTNEED || advice == MADV_FREE))
        probe_sized(TRACE_EVENT_ADVISE, internal(registers.ip), address, length, &registers);
    return result;
}
