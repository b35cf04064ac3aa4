/*
 * What DWARF says of an address: the function, the functions inlined there, and their source lines.
 *
 * Functions are tabled once for each compilation unit that is asked for, since walking its tree anew for each address
 * costs milliseconds in large units. Files may be hostile: depths and steps are bounded. Where memory is short, less is
 * known.
 */
#ifndef SYMBOLS_DEBUG_INFO_H
#define SYMBOLS_DEBUG_INFO_H

#include <elfutils/libdw.h>

#include "image.h"

struct debug_info;

/*
 * `bias`: what addresses that are asked for have more than those in `dwarf`, which must live longer. NULL: out of
 * memory.
 */
struct debug_info *debug_info_new(Dwarf *dwarf, Dwarf_Addr bias);
void debug_info_free(struct debug_info *info); /* NULL is fine */

/*
 * Calls emit for each frame at the address, innermost first; the function's own, which is the last, may be without a
 * name. False, and no call, where no compilation unit has the address.
 */
bool debug_info_lookup(struct debug_info *info, Dwarf_Addr address, image_emit *emit, void *context);

#endif
