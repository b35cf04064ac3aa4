/*
 * The ending of a counted noun, alone and with its verb: "1 block", "2 blocks are". For whatever writes sentences;
 * pure.
 */
#ifndef TEXT_PLURAL_H
#define TEXT_PLURAL_H

#include <stdint.h>

static inline const char *plural(uint64_t count) { return count == 1 ? "" : "s"; }
static inline const char *plural_are(uint64_t count) { return count == 1 ? " is" : "s are"; }
static inline const char *plural_were(uint64_t count) { return count == 1 ? " was" : "s were"; }

#endif
