/*
 * Shared libraries that few commands need, loaded when one does: what they cost the loader would be paid by every short
 * command otherwise, `tidemark record` before it starts its program among them.
 */
#ifndef TIDEMARK_LIBRARY_H
#define TIDEMARK_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

struct library_call {
    const char *name;
    void *to; /* a pointer to a function, which is set */
};

/* Loads the library for good. False where it, or one of the calls, is missing; then no call may be used. */
bool library_load(const char *name, const struct library_call *calls, size_t count);

#endif
