/* preload/lifecycle.c, which would step aside for the thread sanitizer. */
#pragma weak race_absent
#define __tsan_init race_absent

#include "../../preload/lifecycle.c"
