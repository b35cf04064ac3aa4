/* links: tests/fuzz/file_input.c analyzer/verdict/suppressions.c */
/* Suppressions (verdict/suppressions.h), matched against sites with names of all sorts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../analyzer/report/report.h"
#include "../../analyzer/verdict/suppressions.h"
#include "file_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static struct report_frame frames[] = {{.function = "keep_row", .file = "src/rows.c", .module = "libapp.so"},
                                           {.module = "libapp.so"},
                                           {.function = "std::vector<int>::push_back", .module = "app"}};
    static const struct report_site site = {.id = "s1", .stack = frames, .depth = 3};
    struct suppressions *read;
    struct rule_error where;
    if (suppressions_read(file_input(bytes, length), &read, &where)) return 0;
    if (suppressions_match(read, &site) + 1 > suppressions_count(read)) abort(); /* SIZE_MAX: none */
    for (size_t i = 0; i < suppressions_count(read); i++)
        if (!suppressions_pattern(read, i)) abort();
    suppressions_release(read);
    return 0;
}
