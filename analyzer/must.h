/*
 * Memory that must be there, for structures that grow with the trace: the analyzer may die for want of it.
 */
#ifndef TIDEMARK_MUST_H
#define TIDEMARK_MUST_H

#include <stdlib.h>

/* What malloc(), calloc() or realloc() returned; does not return if that is NULL. */
static inline void *must(void *memory) {
    if (!memory) abort();
    return memory;
}

#endif
