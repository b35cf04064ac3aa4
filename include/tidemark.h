/*
 * Tidemark: tell the memory recorder what the program is doing.
 *
 * Header-only, for C and C++, no library to link. The first call looks for the recorder (libtrace.so preloaded into
 * this process); without it every call is a load and a branch. All functions may be called from any thread, not from
 * signal handlers. Names are copied, compared by content, and at most 255 bytes long. Nothing here can fail.
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

/* What libtrace.so exports, by name and type: TIDEMARK_CALL(return type, name, value without recorder, parameters, arguments). */
#define TIDEMARK_CALLS(CALL)                                                                                           \
    CALL(void, phase_begin, , (const char *name), (name))                                                              \
    CALL(void, phase_end, , (const char *name), (name))                                                                \
    CALL(void, items, , (uint64_t n), (n))                                                                             \
    CALL(void, items_named, , (const char *name, uint64_t n), (name, n))                                               \
    CALL(void, op_begin, , (const char *name), (name))                                                                 \
    CALL(void, op_end, , (const char *name, bool ok), (name, ok))                                                      \
    CALL(uint64_t, op_start, 0, (const char *name), (name))                                                            \
    CALL(void, op_finish, , (uint64_t id, enum tidemark_status status), (id, status))                                  \
    CALL(void, value, , (const char *name, double v), (name, v))                                                       \
    CALL(void, mark, , (const char *name), (name))                                                                     \
    CALL(void, pause, , (void), ())                                                                                    \
    CALL(void, resume, , (void), ())

#ifndef TIDEMARK_RECORDER
/*
 * The recorder's function, looked up once per translation unit and name; NULL without a recorder. A race of two first
 * calls stores the same value twice.
 */
#define TIDEMARK_DEFINE(type, name, absent, parameters, arguments)                                                     \
    static inline type tidemark_##name parameters {                                                                    \
        static void *found;                                                                                            \
        void *f = __atomic_load_n(&found, __ATOMIC_RELAXED);                                                           \
        if (__builtin_expect(!f, 0)) {                                                                                 \
            f = dlsym((void *)0 /* RTLD_DEFAULT */, "tidemark_" #name);                                                \
            __atomic_store_n(&found, f ? f : (void *)-1, __ATOMIC_RELAXED);                                            \
        }                                                                                                              \
        if (!f || f == (void *)-1) return absent;                                                                      \
        return ((type(*) parameters)f)arguments;                                                                       \
    }
TIDEMARK_CALLS(TIDEMARK_DEFINE)
#undef TIDEMARK_DEFINE
#endif

#ifdef __cplusplus
}
#endif
#endif
