/*
 * What the recorder calls of glibc alone. It is weak, as all over the recorder, so that another libc's loader takes us
 * too and hooks only pass on (lifecycle_is_foreign).
 */
#ifndef PRELOAD_GLIBC_H
#define PRELOAD_GLIBC_H

#include <gnu/libc-version.h>
#include <stdbool.h>

#pragma weak gnu_get_libc_version
/* pthread_atfork and at_quick_exit are linked into us statically, and stand on these. */
#pragma weak __register_atfork
#pragma weak __cxa_at_quick_exit
extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *dso);
extern int __cxa_at_quick_exit(void (*call)(void *), void *dso);
extern void *__dso_handle;

static inline bool glibc_is_there(void) { return gnu_get_libc_version && __register_atfork && __cxa_at_quick_exit; }

#endif
