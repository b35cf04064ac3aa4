/*
 * Who owns the blocks that a stack allocates, told by the functions and modules on it: tables of what the C and C++
 * libraries, the loader, interpreters and pools keep by design.
 */
#ifndef VERDICT_OWNERS_H
#define VERDICT_OWNERS_H

#include "../analysis/growth_evidence.h"

struct owner_frame {
    const char *function; /* demangled or not; NULL: unknown */
    const char *module;   /* file name without folders; NULL: unknown */
};

/* Frames from the allocation outwards. `internal`: a mapping that the allocator made. */
enum growth_owner growth_owner_of(const struct owner_frame *frames, size_t count, bool internal);

#endif
