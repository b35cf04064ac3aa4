/*
 * preload/thread.c under the thread sanitizer, which ends a thread for itself in the last round of key destructors: the
 * recorder has to be done one round earlier.
 */
#include <limits.h>

#undef PTHREAD_DESTRUCTOR_ITERATIONS
#define PTHREAD_DESTRUCTOR_ITERATIONS 3

#include "../../preload/thread.c"
