/*
 * See together.h. Where no source line is known, nothing is put together: a function alone may allocate in many places.
 */
#include "together.h"

#include <math.h>
#include <string.h>

#include "finding.h"

#define MOST_COMPARED 4096u /* each with each */

static bool same(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

static bool of_one_line(const struct report *report, const struct report_finding *a, const struct report_finding *b) {
    const struct report_site *one = site_of_finding(report, a), *other = site_of_finding(report, b);
    if (!one || !other || a->hidden || b->hidden || !one->file || one->line <= 0) return false;
    return one->line == other->line && one->process_index == other->process_index && same(one->file, other->file) &&
           same(a->phase, b->phase);
}

static void add(struct together *together, const struct report_site *site, const struct report_growth *growth) {
    together->stacks++;
    together->one_function &= same(site->function, together->site->function);
    if (growth && isfinite(growth->bytes_per_round)) together->bytes_per_round += growth->bytes_per_round;
}

bool together_from(const struct report *report, const struct report_finding *findings, size_t count, size_t index,
                   struct together *out) {
    if (index >= MOST_COMPARED) return false;
    *out = (struct together){.site = site_of_finding(report, &findings[index]), .one_function = true};
    for (size_t i = 0; i < count && i < MOST_COMPARED; i++) {
        if (!of_one_line(report, &findings[index], &findings[i])) continue;
        if (i < index) return false;
        const struct report_site *site = site_of_finding(report, &findings[i]);
        add(out, site, growth_of_finding(site, &findings[i]));
    }
    return out->stacks > 1;
}
