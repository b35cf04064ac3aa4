/*
 * Tidemark: tell the memory recorder what the program is doing.
 *
 * Header-only, for C and C++ from C90 and C++98 on, no library to link. The first call looks for the recorder
 * (libtrace.so preloaded into this process); without it every call is a load and a branch. All functions may be called
 * from any thread, not from signal handlers. Names are copied, compared by content, and at most 255 bytes long. Nothing
 * here can fail.
 */
#ifndef TIDEMARK_H
#define TIDEMARK_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tidemark_status { TIDEMARK_OK = 0, TIDEMARK_FAILED = 1, TIDEMARK_REJECTED = 2 };

/* What libtrace.so exports: CALL(name, parameters, arguments); GET(return type, name, value without recorder, ...). */
#define TIDEMARK_CALLS(CALL, GET)                                                                                      \
    CALL(phase_begin, (const char *name), (name))                                                                      \
    CALL(phase_end, (const char *name), (name))                                                                        \
    CALL(items, (uint64_t n), (n))                                                                                     \
    CALL(items_named, (const char *name, uint64_t n), (name, n))                                                       \
    CALL(op_begin, (const char *name), (name))                                                                         \
    CALL(op_end, (const char *name, bool ok), (name, ok))                                                              \
    GET(uint64_t, op_start, 0, (const char *name), (name))                                                             \
    CALL(op_finish, (uint64_t id, enum tidemark_status status), (id, status))                                          \
    CALL(value, (const char *name, double v), (name, v))                                                               \
    CALL(mark, (const char *name), (name))                                                                             \
    CALL(pause, (void), ())                                                                                            \
    CALL(resume, (void), ())

#ifndef TIDEMARK_RECORDER
/*
 * Sets f to the recorder's function, looked up once per translation unit and name; -1 without a recorder. A race of two
 * first calls stores the same value twice. ISO C knows no way from dlsym() to a function, ISO C90 no inline: hence
 * __extension__ and __inline__.
 */
#define TIDEMARK_FIND(name)                                                                                            \
    static void *found;                                                                                                \
    void *f = __atomic_load_n(&found, __ATOMIC_RELAXED);                                                               \
    if (__builtin_expect(!f, 0)) {                                                                                     \
        f = dlsym((void *)0 /* RTLD_DEFAULT */, "tidemark_" #name);                                                    \
        if (!f) f = (void *)-1;                                                                                        \
        __atomic_store_n(&found, f, __ATOMIC_RELAXED);                                                                 \
    }
#define TIDEMARK_DEFINE_CALL(name, parameters, arguments)                                                              \
    __extension__ static __inline__ void tidemark_##name parameters {                                                  \
        TIDEMARK_FIND(name)                                                                                            \
        if (f != (void *)-1) (__extension__(void(*) parameters) f) arguments;                                          \
    }
#define TIDEMARK_DEFINE_GET(type, name, absent, parameters, arguments)                                                 \
    __extension__ static __inline__ type tidemark_##name parameters {                                                  \
        TIDEMARK_FIND(name)                                                                                            \
        return f != (void *)-1 ? (__extension__(type(*) parameters) f)arguments : absent;                              \
    }
TIDEMARK_CALLS(TIDEMARK_DEFINE_CALL, TIDEMARK_DEFINE_GET)
#undef TIDEMARK_DEFINE_CALL
#undef TIDEMARK_DEFINE_GET
#undef TIDEMARK_FIND
#endif

#ifdef __cplusplus
}
#endif
#endif
