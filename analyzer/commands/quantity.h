/*
 * Sizes, times and counts as users type them. Pure functions: no I/O, no globals, independent of the locale.
 */
#ifndef COMMANDS_QUANTITY_H
#define COMMANDS_QUANTITY_H

#include <stdint.h>

/*
 * "64k", "1.5M", "2G", "100" (bytes), also "KiB", "MB" and so on; 1024-based. 0 or -EINVAL, -ERANGE; `out` set on
 * success.
 */
int quantity_size(const char *text, int64_t *out);
/* "500us", "10ms", "30s", "5m", "2h"; a bare number is seconds. Result in ns. 0 or -EINVAL, -ERANGE. */
int quantity_time(const char *text, int64_t *out);
/* A whole number from 0. 0 or -EINVAL, -ERANGE. */
int quantity_count(const char *text, int64_t *out);

#endif
