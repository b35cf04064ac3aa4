/* The function below which all leaks lie (below.h). */
#include "below.h"

#include <stdbool.h>
#include <string.h>

enum { TELLING_SHARE = 4 }; /* of the other sites, less than one in so many */

static bool is_same(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

/* A caller, not the site's own function: frame 0 is where the block was asked for. */
static bool lies_below(const struct report_site *site, const struct report_frame *caller) {
    for (size_t i = 1; i < site->depth; i++)
        if (is_same(site->stack[i].function, caller->function) && is_same(site->stack[i].module, caller->module))
            return true;
    return false;
}

static bool is_leaking(const struct report_verdict *verdict, size_t site) {
    for (size_t i = 0; i < verdict->leak_count; i++)
        if (verdict->leaks[i].site_index == site) return true;
    return false;
}

static bool all_leaks_below(const struct report *report, const struct report_frame *caller) {
    for (size_t i = 0; i < report->verdict.leak_count; i++) {
        size_t site = report->verdict.leaks[i].site_index;
        if (site >= report->site_count || !lies_below(&report->sites[site], caller)) return false;
    }
    return true;
}

static bool is_telling(const struct report *report, const struct report_frame *caller) {
    size_t others = 0, below = 0;
    for (size_t i = 0; i < report->site_count; i++) {
        if (is_leaking(&report->verdict, i)) continue;
        others++;
        below += lies_below(&report->sites[i], caller);
    }
    return TELLING_SHARE * below < others;
}

const char *leaks_below(const struct report *report) {
    const struct report_verdict *verdict = &report->verdict;
    size_t first = verdict->leak_count > 1 ? verdict->leaks[0].site_index : report->site_count;
    if (first >= report->site_count) return NULL;
    const struct report_site *site = &report->sites[first];
    for (size_t i = 1; i < site->depth; i++) {
        const struct report_frame *caller = &site->stack[i];
        if (!caller->function || !all_leaks_below(report, caller)) continue;
        return strcmp(caller->function, "main") != 0 && is_telling(report, caller) ? caller->function : NULL;
    }
    return NULL;
}
