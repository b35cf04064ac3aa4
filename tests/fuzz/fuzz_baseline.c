/* links: tests/fuzz/file_input.c analyzer/verdict/baseline.c analyzer/replacement.c analyzer/verdict/outcome.c analyzer/verdict/growth.c analyzer/verdict/growth_selection.c analyzer/verdict/growth_trend.c analyzer/verdict/growth_container.c analyzer/analysis/growth_lives.c analyzer/verdict/statistics.c libs: -ljansson -lm */
/* Baselines (verdict/baseline.h): JSON from a repository, written by hand maybe. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../analyzer/verdict/baseline.h"
#include "file_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct baseline *read;
    struct rule_error where;
    if (baseline_read(file_input(bytes, length), &read, &where)) return 0;
    const struct report_growth growth = {.phase = "load", .class_slug = "leak", .bytes_per_round = 100, .ci_low = 90};
    size_t count = baseline_count(read), found = baseline_find(read, "s1", growth.phase);
    if (found != SIZE_MAX && found >= count) abort();
    for (size_t i = 0; i < count; i++) {
        if (!baseline_function(read, i) || !baseline_phase(read, i)) abort();
        baseline_excuses(read, i, &growth);
    }
    baseline_release(read);
    return 0;
}
