/*
 * A comparison in words. See diff_words.h.
 */
#include "diff_words.h"
#include "../text/file_name.h"
#include "../text/plural.h"
#include "naming.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct total_title {
    const char *name, *title;
    bool bytes;
};

static const struct total_title total_titles[] = {
    {"live_bytes_end", "live at the end", true},  {"peak_live_bytes", "peak live", true},
    {"peak_rss_bytes", "peak RSS", true},         {"allocations", "allocations", false},
    {"allocated_bytes", "bytes allocated", true}, {"temporary_allocations", "temporary", false},
};

static const struct total_title *title_of(const char *name) {
    static const struct total_title unknown = {"", "", false};
    for (size_t i = 0; i < sizeof total_titles / sizeof *total_titles; i++)
        if (!strcmp(total_titles[i].name, name)) return &total_titles[i];
    return &unknown;
}

const char *diff_total_title(const char *name) { return title_of(name)->title; }

struct amount diff_total_amount(const struct compared_total *total, int64_t value) {
    return title_of(total->name)->bytes ? amount_bytes(value) : amount_count(value);
}

static struct amount with_sign(struct amount amount, int64_t by) {
    struct amount out = {"="};
    if (by) snprintf(out.text, sizeof out.text, "%s%.30s", by > 0 ? "+" : "-", amount.text);
    return out;
}

struct amount diff_bytes(int64_t by) {
    return with_sign(amount_bytes(llabs(by)), by);
}
static struct amount diff_count(int64_t by) { return with_sign(amount_count(llabs(by)), by); }

struct amount diff_total_by(const struct compared_total *total) {
    if (total->before == REPORT_NONE || total->after == REPORT_NONE) return amount_count(REPORT_NONE);
    int64_t by = total->after - total->before;
    return title_of(total->name)->bytes ? diff_bytes(by) : diff_count(by);
}

struct amount diff_factor(double before, double after) {
    struct amount out = {"–"};
    if (!isfinite(before) || !isfinite(after) || before <= 0 || after < 0) return out;
    double factor = after / before;
    if (fabs(factor - 1) < 0.0005) snprintf(out.text, sizeof out.text, "=");
    else if (factor < 3) snprintf(out.text, sizeof out.text, "%+.3g%%", (factor - 1) * 100);
    else snprintf(out.text, sizeof out.text, "×%.3g", factor);
    return out;
}

/* Headline. */

struct clauses {
    FILE *out;
    size_t count;
};

__attribute__((format(printf, 2, 3))) static void clause(struct clauses *clauses, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (clauses->count++) fputs(", ", clauses->out);
    vfprintf(clauses->out, format, arguments);
    va_end(arguments);
}

static void phase_clauses(struct clauses *clauses, const struct comparison *c) {
    size_t counts[CHANGES] = {0};
    for (size_t i = 0; i < c->phase_count; i++) counts[c->phases[i].change]++;
    if (counts[CHANGE_GROWN]) clause(clauses, "%zu phase%s grew", counts[CHANGE_GROWN], plural(counts[CHANGE_GROWN]));
    if (counts[CHANGE_SHRUNK])
        clause(clauses, "%zu phase%s shrank", counts[CHANGE_SHRUNK], plural(counts[CHANGE_SHRUNK]));
}

void diff_headline(FILE *out, const void *comparison) {
    const struct comparison *c = comparison;
    const size_t *n = c->sites_by_change;
    struct clauses clauses = {out, 0};
    if (c->new_leaks) clause(&clauses, "%zu new leak%s", c->new_leaks, plural(c->new_leaks));
    for (size_t i = 0; i < c->total_count; i++) {
        const struct compared_total *total = &c->totals[i];
        if (total->judged && total->change)
            clause(&clauses, "%s %s", diff_total_title(total->name), diff_total_by(total).text);
    }
    phase_clauses(&clauses, c);
    if (n[CHANGE_NEW]) clause(&clauses, "%zu new call site%s", n[CHANGE_NEW], plural(n[CHANGE_NEW]));
    if (n[CHANGE_GROWN]) clause(&clauses, "%zu call site%s grew", n[CHANGE_GROWN], plural(n[CHANGE_GROWN]));
    if (n[CHANGE_SHRUNK]) clause(&clauses, "%zu shrank", n[CHANGE_SHRUNK]);
    if (n[CHANGE_GONE]) clause(&clauses, "%zu %s gone", n[CHANGE_GONE], n[CHANGE_GONE] == 1 ? "is" : "are");
    if (!clauses.count) fputs("no difference beyond noise", out);
}

void diff_work(FILE *out, const void *comparison) {
    const struct comparison *c = comparison;
    const struct compared_work *w = &c->work;
    if (!w->kind) {
        fputs("nothing says how much work the two did: values are compared as they are", out);
        return;
    }
    fprintf(out, "%s of %s: %s and %s", w->kind, c->work_phase, amount_count(w->before).text,
            amount_count(w->after).text);
    if (w->before == w->after) fputs(", the same work", out);
    else
        fprintf(out,
                ": NEW did %.3g times the work of OLD. What builds up with the work is compared for each of the %s; "
                "other values count only where they changed both as they are and for the work done",
                w->ratio, w->kind);
}

static const char *program_of(const struct report *report) {
    return report->process_count && report->processes[0].exe ? file_name(report->processes[0].exe) : "";
}

static const char *unlike_so_far(const struct clauses *clauses) {
    return clauses->count ? "" : "the two are not alike: ";
}

static void texts_differ(struct clauses *clauses, const char *what, const char *before, const char *after) {
    if (before && after && *before && *after && strcmp(before, after) != 0)
        clause(clauses, "%s%s %s and %s", unlike_so_far(clauses), what, before, after);
}

static void numbers_differ(struct clauses *clauses, const char *what, int64_t before, int64_t after) {
    if (before > 0 && after > 0 && before != after)
        clause(clauses, "%s%s %s and %s", unlike_so_far(clauses), what, amount_count(before).text,
               amount_count(after).text);
}

/* The host's name alone is no difference: each job of a CI server has its own. */
void diff_unlike(FILE *out, const void *comparison) {
    const struct comparison *c = comparison;
    const struct report_system *before = &c->before->system, *after = &c->after->system;
    struct clauses clauses = {out, 0};
    texts_differ(&clauses, "program", program_of(c->before), program_of(c->after));
    texts_differ(&clauses, "kernel", before->kernel, after->kernel);
    texts_differ(&clauses, "libc", before->libc, after->libc);
    texts_differ(&clauses, "allocator", before->allocator, after->allocator);
    numbers_differ(&clauses, "processors:", before->cpus, after->cpus);
    if (clauses.count) fputs("; what differs may come of that", out);
}

bool diff_has_unlike(const struct comparison *c) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return false;
    diff_unlike(out, c);
    fclose(out);
    free(text);
    return size > 0;
}

void diff_tolerance(FILE *out, const void *comparison) {
    const struct comparison *c = comparison;
    fprintf(out, "A change is more than %s of the larger value and more than %s (RSS: %s)",
            amount_share(c->tolerance.margin).text, amount_bytes(c->tolerance.least).text,
            amount_bytes(c->tolerance.least_rss).text);
}

void diff_sites(FILE *out, const void *comparison) {
    static const enum change order[] = {CHANGE_NEW,  CHANGE_GROWN, CHANGE_SHRUNK,
                                        CHANGE_GONE, CHANGE_MOVED, CHANGE_SAME};
    const struct comparison *c = comparison;
    struct clauses clauses = {out, 0};
    for (size_t i = 0; i < CHANGES; i++)
        if (c->sites_by_change[order[i]])
            clause(&clauses, "%zu %s", c->sites_by_change[order[i]],
                   order[i] == CHANGE_SAME ? "the same" : change_name(order[i]));
    if (!clauses.count) fputs("none", out);
}
