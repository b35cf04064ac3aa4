/*
 * Numbers for things that a format lists once and then names by number: strings, frames, nodes of a tree. What tells
 * them apart is made into a text, the key. One thread; memory for each key until the end.
 */
#ifndef EXPORT_NUMBERING_H
#define EXPORT_NUMBERING_H

#include <stdbool.h>
#include <stdint.h>

struct numbering { /* zeroed: empty */
    void *tree;
    uint64_t count;
    bool failed; /* out of memory at some time */
};

/* The number of a key, from 1; *fresh: it has just been given. 0: out of memory. */
uint64_t numbering_of(struct numbering *numbering, bool *fresh, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Whether every key got its number. */
bool numbering_end(struct numbering *numbering);

#endif
