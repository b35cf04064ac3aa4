/*
 * Which functions merely pass memory on, and what kind of code owns a block: facts about frames, from one table.
 *
 * Used where a stack becomes a call site (the first frame that is no wrapper), and by the verdict, which treats blocks of
 * the runtime, of interpreters and of pools by rules of their own. Pure functions of names; no I/O.
 */
#ifndef SYMBOLS_WRAPPERS_H
#define SYMBOLS_WRAPPERS_H

#include <stdbool.h>
#include <stddef.h>

#include "symbols.h"

enum frame_role {
    FRAME_PLAIN,       /* ordinary code: a call site */
    FRAME_WRAPPER,     /* allocates for its caller: operator new, strdup, xmalloc */
    FRAME_RUNTIME,     /* C or C++ library, or loader, for a purpose of its own that is kept by design */
    FRAME_INTERPRETER, /* an interpreter or a pool: the blocks belong to what it runs */
};

struct frame_class {
    enum frame_role role;
    const char *what; /* FRAME_RUNTIME: what is kept ("stdio buffers"); FRAME_INTERPRETER: whose ("python"); else NULL */
};

/* More wrappers, as globs on function names ("my_alloc*"). Not copied. */
struct wrapper_set {
    const char *const *globs;
    size_t count;
};

/* `function` is demangled and may be NULL; `module` is a base name and may be NULL. `extra` may be NULL. */
struct frame_class classify_frame(const char *function, const char *module, const struct wrapper_set *extra);

struct stack_class {
    size_t site;           /* index of the first frame that is no wrapper; 0 where all are */
    const char *runtime;   /* kept by design: what; NULL: not so */
    const char *owner;     /* interpreter or pool that owns the block; NULL: none */
};

/* Frames innermost first, as symbols_resolve() gives them, one after the other. */
struct stack_class classify_stack(const struct symbol_frame *frames, size_t count, const struct wrapper_set *extra);

#endif
