/*
 * From the name of a phase, or of something in it, to its number: names are compared by content.
 */
#ifndef ANALYSIS_PHASE_NAMES_H
#define ANALYSIS_PHASE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define PHASE_NAMES_NONE SIZE_MAX

struct phase_name {
    const char *name; /* NULL: free slot */
    size_t number;
};

struct phase_names {
    struct phase_name *slots;
    size_t capacity, used;
};

/* PHASE_NAMES_NONE where the name is not known. */
size_t phase_names_find(const struct phase_names *names, const char *name);
/* `name` is kept, not copied, and must not be known yet. 0 or -ENOMEM. */
int phase_names_add(struct phase_names *names, const char *name, size_t number);
void phase_names_release(struct phase_names *names);

#endif
