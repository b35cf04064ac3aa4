/*
 * Names that a just-in-time compiler wrote for perf: lines of START SIZE NAME, in hex. Later lines win, since code
 * moves.
 */
#ifndef SYMBOLS_PERF_MAP_H
#define SYMBOLS_PERF_MAP_H

#include <stdint.h>

struct perf_map;

/*
 * 0 or -errno. Lines that are not of that form are skipped; -EFBIG above 256 MiB; -ESTALE when it was last written
 * before `since` (ns of CLOCK_REALTIME), so by an earlier process with that pid.
 */
int perf_map_read(struct perf_map **out, const char *path, uint64_t since);
/* NULL: unknown. */
const char *perf_map_find(struct perf_map *map, uint64_t address);
void perf_map_free(struct perf_map *map); /* NULL is fine */

#endif
