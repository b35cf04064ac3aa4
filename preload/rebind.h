/*
 * Objects loaded with RTLD_DEEPBIND look names up in their own libraries first, and so find libc's malloc instead of
 * the hooks, as if nothing were preloaded: httpd's modules and PHP's extensions do. Their references are bound to the
 * hooks once they are loaded; what their constructors called before stays unseen.
 *
 * Takes the loader's locks: where the program itself may call dlopen(3).
 */
#ifndef PRELOAD_REBIND_H
#define PRELOAD_REBIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether dlopen(path, mode) called from `caller` is such a one, and would do the same when called from here: search
 * paths of the caller's object, which are all that tells callers apart, play no part in it.
 */
bool rebind_concerns(const char *path, int mode, uintptr_t caller);

/* Objects that are loaded: what comes behind so many in the loader's list is loaded later. */
size_t rebind_count(void);
/* dlopen has returned `handle`, and so many were there before. */
void rebind_behind(void *handle, size_t count);

#endif
