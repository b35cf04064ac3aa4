/* links: tests/fuzz/file_input.c analyzer/symbols/perf_map.c analyzer/symbols/ranges.c */
/* Names that a JIT compiler wrote (symbols/perf_map.h), and looking addresses up in them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../analyzer/symbols/perf_map.h"
#include "file_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct perf_map *map;
    if (perf_map_read(&map, file_input(bytes, length), 0)) abort(); /* lines that say nothing are passed over */
    const uint64_t addresses[] = {0, 1, 0x1000, 0xfff, UINT64_MAX, (uint64_t)1 << 47};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        const char *name = perf_map_find(map, addresses[i]);
        if (name && strlen(name) > length) abort();
    }
    perf_map_free(map);
    return 0;
}
