/* links: tests/fuzz/file_input.c analyzer/verdict/budget.c analyzer/verdict/budget_keys.c analyzer/verdict/budget_check.c analyzer/verdict/limits.c analyzer/verdict/words.c analyzer/verdict/outcome.c analyzer/verdict/statistics.c analyzer/verdict/growth.c analyzer/verdict/growth_selection.c analyzer/verdict/growth_trend.c analyzer/verdict/growth_container.c analyzer/analysis/growth_lives.c analyzer/verdict/owners.c analyzer/report/arena.c tests/unit/report_fixture.c analyzer/text/utf8.c analyzer/text/printable.c libs: -linih -lm */
/* Budget files (verdict/budget.h), and what they say of a report made by hand. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../analyzer/verdict/budget.h"
#include "../unit/report_fixture.h"
#include "file_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    struct budget *read;
    struct rule_error where;
    struct phase_facts facts = {.builds = false};
    struct budget_result result;
    if (budget_read(file_input(bytes, length), &read, &where)) return 0;
    const struct report *report = report_fixture();
    struct arena *arena = arena_new();
    budget_phase_facts(read, "load", &facts);
    for (size_t i = 0; i < report->site_count; i++)
        if (budget_ignores(read, report, &report->sites[i]) + 1 > budget_ignore_count(read)) abort();
    for (size_t i = 0; i < budget_ignore_count(read); i++)
        if (!budget_ignore_text(read, i, arena)) abort();
    budget_check(read, report, arena, &result);
    arena_free(arena);
    budget_release(read);
    return 0;
}
