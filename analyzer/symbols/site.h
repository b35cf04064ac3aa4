/*
 * A name for a call site that another build of the same program gives too.
 *
 * The id is a hash over the functions of the stack, the base names of their modules and which of them were inlined,
 * with recursion folded; no addresses, no line numbers, no folders. Unnamed frames count by module only. Pure
 * functions.
 */
#ifndef SYMBOLS_SITE_H
#define SYMBOLS_SITE_H

#include <stddef.h>

#include "symbols.h"

#define SITE_ID_SIZE 14 /* 13 characters of base 32 and the NUL */

/* `frames` from the call site outwards. */
void site_id(const struct symbol_frame *frames, size_t count, char id[SITE_ID_SIZE]);

/*
 * Drops what recursion repeats: where the same run of up to 16 functions follows itself, one is kept. Returns the new
 * count.
 */
size_t site_fold(struct symbol_frame *frames, size_t count);

#endif
