/*
 * The ending of a counted noun: "1 block", "2 blocks". For whatever writes sentences; pure.
 */
#ifndef TEXT_PLURAL_H
#define TEXT_PLURAL_H

#include <stdint.h>

static inline const char *plural(uint64_t count) { return count == 1 ? "" : "s"; }

#endif
