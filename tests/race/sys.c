/*
 * preload/sys.c under the thread sanitizer, whose shadow leaves few places of the address space to programs: the
 * recorder's memory lies in one of them.
 */
#include "../../preload/machine_x86_64.h"

#undef MACHINE_OWN_PLACE
#define MACHINE_OWN_PLACE 0x7e9000000000u

#include "../../preload/sys.c"
