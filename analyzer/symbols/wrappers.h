/*
 * Which frame of a stack is the call site: the first that does not merely pass memory on to its caller.
 *
 * Told by one table of names: operator new and the standard libraries of C, C++ and Rust, strdup and its like, xmalloc
 * and its like, and the allocation layers of well-known programs; users add their own. Pure functions of names.
 */
#ifndef SYMBOLS_WRAPPERS_H
#define SYMBOLS_WRAPPERS_H

#include <stdbool.h>
#include <stddef.h>

#include "symbols.h"

/* More wrappers, as globs on function names ("my_alloc*"). Not copied. */
struct wrapper_set {
    const char *const *globs;
    size_t count;
};

/*
 * Index of the call site. Frames innermost first, as symbols_resolve() gives them, one address after the other. Of a
 * shared library without symbols, that is the innermost function with a name, where there is one. Where nothing but
 * wrappers is left (code that the C library runs for itself), the first that is none by its own name; else 0.
 */
size_t call_site(const struct symbol_frame *frames, size_t count, const struct wrapper_set *extra);

#endif
