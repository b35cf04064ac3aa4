/*
 * A number for all files that the answers about an object come from: the file itself, its separate debug information,
 * and the file of common parts of either.
 */
#ifndef SYMBOLS_FINGERPRINT_H
#define SYMBOLS_FINGERPRINT_H

#include <elfutils/libdwfl.h>
#include <stdint.h>

#include "image.h"

/*
 * Of the module's file, and of debug information as it is found by these callbacks. Never 0. Nothing is decompressed or
 * walked: that takes longer than all the rest of a small report.
 */
uint64_t fingerprint(Dwfl_Module *module, const Dwfl_Callbacks *callbacks, const struct image_search *places);

#endif
