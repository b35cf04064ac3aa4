/* links: tests/fuzz/file_input.c analyzer/input/phases_file.c */
/* Phases from a CSV file (input/phases_file.h): what is accepted has names and ends no earlier than it begins. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../analyzer/input/phases_file.h"
#include "file_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct phase_intervals intervals;
    unsigned line;
    if (phases_file_read(file_input(bytes, length), &intervals, &line)) return 0;
    for (size_t i = 0; i < intervals.count; i++)
        if (!intervals.items[i].name || intervals.items[i].end_ns < intervals.items[i].begin_ns) abort();
    phases_file_release(&intervals);
    return 0;
}
