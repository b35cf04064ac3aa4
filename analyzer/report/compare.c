/*
 * The comparison of two reports. See compare.h; the sites are in compare_sites.c.
 */
#include "compare.h"

#include <math.h>
#include <string.h>

#include "arena.h"
#include "compare_parts.h"
#include "count.h"
#include "finding.h"

const char *change_name(enum change change) {
    static const char *const names[] = {[CHANGE_SAME] = "same", [CHANGE_SHRUNK] = "shrunk", [CHANGE_GROWN] = "grown",
                                        [CHANGE_NEW] = "new",   [CHANGE_GONE] = "gone",     [CHANGE_MOVED] = "moved"};
    return names[change];
}

/* Tolerance. */

static bool differs(double low, double high, double margin, int64_t least) {
    return high - low > margin * fmax(fabs(low), fabs(high)) && high - low > (double)least;
}

enum change compare_within(double low, double high, double after, double margin, int64_t least) {
    if (after > high && differs(high, after, margin, least)) return CHANGE_GROWN;
    return after < low && differs(after, low, margin, least) ? CHANGE_SHRUNK : CHANGE_SAME;
}

static enum change compare_plain(const struct comparison *c, int64_t before, int64_t after, double ratio,
                                 int64_t least) {
    double scaled = (double)before * ratio;
    if (before == REPORT_NONE || after == REPORT_NONE) return CHANGE_SAME;
    return compare_within(fmin((double)before, scaled), fmax((double)before, scaled), (double)after,
                          c->tolerance.margin, least);
}

/* Totals. */

struct total_row {
    const char *name;
    size_t offset; /* in struct report_totals */
    enum { SHOWN, BYTES, RESIDENT } kind;
};

#define ROW(field, kind)                                                                                               \
    { #field, offsetof(struct report_totals, field), kind }
static const struct total_row total_rows[] = {
    ROW(live_bytes_end, BYTES), ROW(peak_live_bytes, BYTES), ROW(peak_rss_bytes, RESIDENT),
    ROW(allocations, SHOWN),    ROW(allocated_bytes, SHOWN), ROW(temporary_allocations, SHOWN),
};
#define TOTALS (sizeof total_rows / sizeof *total_rows)

static int64_t total_of(const struct report *report, const struct total_row *row) {
    int64_t value;
    memcpy(&value, (const char *)&report->totals + row->offset, sizeof value);
    return value;
}

static void compare_totals(struct comparison *c) {
    c->totals = arena_take(c->memory, TOTALS, sizeof *c->totals);
    for (; c->total_count < TOTALS; c->total_count++) {
        const struct total_row *row = &total_rows[c->total_count];
        struct compared_total total = {row->name, total_of(c->before, row), total_of(c->after, row), row->kind != SHOWN,
                                       CHANGE_SAME};
        int64_t least = row->kind == RESIDENT ? c->tolerance.least_rss : c->tolerance.least;
        total.change = compare_plain(c, total.before, total.after, c->work.ratio, least);
        c->grew |= total.judged && total.change == CHANGE_GROWN;
        c->totals[c->total_count] = total;
    }
}

/* Work. */

static int64_t operations_of(const struct report_phase *phase) {
    int64_t sum = 0;
    for (size_t i = 0; i < phase->op_count; i++) sum = report_sum(sum, phase->ops[i].count);
    return sum;
}

static struct compared_work work_of(const struct report_phase *before, const struct report_phase *after) {
    const struct compared_work kinds[] = {
        {"items", before->items, after->items, 1},
        {"operations", operations_of(before), operations_of(after), 1},
        {"rounds", before->rounds, after->rounds, 1},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct compared_work work = kinds[i];
        if (work.before <= 0 || work.after <= 0) continue;
        work.ratio = (double)work.after / (double)work.before;
        return work;
    }
    return (struct compared_work){.ratio = 1};
}

struct compared_work compare_work_in(const struct comparison *c, const char *phase) {
    for (size_t i = 0; phase && i < c->phase_count; i++)
        if (!strcmp(c->phases[i].name, phase) && c->phases[i].work.kind) return c->phases[i].work;
    return c->work;
}

/* What was repeated on purpose says how much work was done: pauses between rounds do not. */
static bool tells_work(const struct compared_phase *phase) {
    if (!phase->work.kind || report_is_between(phase->name)) return false;
    return phase->before->rounds > 1 || phase->after->rounds > 1 || strcmp(phase->work.kind, "rounds");
}

static void choose_work(struct comparison *c) {
    int64_t longest = -1;
    c->work = (struct compared_work){.ratio = 1};
    for (size_t i = 0; i < c->phase_count; i++) {
        const struct compared_phase *phase = &c->phases[i];
        if (!tells_work(phase) || phase->before->duration_ns <= longest) continue;
        longest = phase->before->duration_ns;
        c->work = phase->work;
        c->work_phase = phase->name;
    }
}

/* Phases. */

/* The phase of that name, of several (in a tree of processes) the one at the same place among them. */
static const struct report_phase *counterpart(const struct report *in, const struct report *of, size_t index) {
    const char *name = of->phases[index].name;
    size_t before = 0;
    for (size_t i = 0; i < index; i++) before += !strcmp(of->phases[i].name, name);
    for (size_t i = 0; i < in->phase_count; i++)
        if (!strcmp(in->phases[i].name, name) && before-- == 0) return &in->phases[i];
    return NULL;
}

static double per_unit(int64_t value, int64_t units) {
    return value == REPORT_NONE || units <= 0 ? NAN : (double)value / (double)units;
}

static void add_phase(struct comparison *c, const struct report_phase *before, const struct report_phase *after) {
    const struct report_phase *any = after ? after : before;
    struct compared_phase *phase = ARENA_ADD(c->memory, c->phases, c->phase_count);
    *phase = (struct compared_phase){.name = any->name, .before = before, .after = after, .work.ratio = 1};
    if (before && after) phase->work = work_of(before, after);
    bool by_work = phase->work.kind != NULL;
    phase->kept_before = before ? per_unit(before->retained_bytes, by_work ? phase->work.before : before->rounds) : NAN;
    phase->kept_after = after ? per_unit(after->retained_bytes, by_work ? phase->work.after : after->rounds) : NAN;
    phase->time_before = before ? per_unit(before->duration_ns, by_work ? phase->work.before : before->rounds) : NAN;
    phase->time_after = after ? per_unit(after->duration_ns, by_work ? phase->work.after : after->rounds) : NAN;
}

static void pair_phases(struct comparison *c) {
    for (size_t i = 0; i < c->after->phase_count; i++)
        add_phase(c, counterpart(c->before, c->after, i), &c->after->phases[i]);
    for (size_t i = 0; i < c->before->phase_count; i++)
        if (!counterpart(c->after, c->before, i)) add_phase(c, &c->before->phases[i], NULL);
}

/* What a phase retains need not build up: the first round fills what the others use. */
static enum change change_of_phase(const struct comparison *c, const struct compared_phase *phase) {
    const struct report_phase *before = phase->before, *after = phase->after;
    const struct compare_tolerance *t = &c->tolerance;
    if (!before || !after) return before ? CHANGE_GONE : CHANGE_NEW;
    double ratio = tells_work(phase) ? phase->work.ratio : c->work.ratio;
    const enum change changes[] = {
        compare_plain(c, before->retained_bytes, after->retained_bytes, ratio, t->least),
        compare_plain(c, before->live_peak, after->live_peak, ratio, t->least),
        compare_plain(c, before->rss_peak, after->rss_peak, ratio, t->least_rss),
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        if (changes[i]) return changes[i];
    return CHANGE_SAME;
}

static void compare_phases(struct comparison *c) {
    for (size_t i = 0; i < c->phase_count; i++) {
        c->phases[i].change = change_of_phase(c, &c->phases[i]);
        c->grew |= c->phases[i].change == CHANGE_GROWN;
    }
}

/* Verdicts. */

struct found {
    const struct report_finding *finding;
    bool leak;
};

static bool same_text(const char *a, const char *b) { return a == b || (a && b && !strcmp(a, b)); }

static bool same_site(const char *a, const char *b) {
    return a == b || (a && b && compare_id_length(a) == compare_id_length(b) && !strncmp(a, b, compare_id_length(a)));
}

static struct found find_in(const struct report *report, const struct report_finding *like) {
    const struct report_verdict *v = &report->verdict;
    const struct {
        const struct report_finding *rows;
        size_t count;
        bool leak;
    } lists[] = {{v->leaks, v->leak_count, true}, {v->warnings, v->warning_count, false}};
    for (size_t list = 0; list < 2; list++)
        for (size_t i = 0; i < lists[list].count; i++)
            if (same_site(lists[list].rows[i].site, like->site) && same_text(lists[list].rows[i].phase, like->phase))
                return (struct found){&lists[list].rows[i], lists[list].leak};
    return (struct found){0};
}

static struct compared_finding *add_finding(struct comparison *c, const struct report *report,
                                            const struct report_finding *finding, bool leak) {
    const struct report_site *site = site_of_finding(report, finding);
    struct compared_finding *row = ARENA_ADD(c->memory, c->findings, c->finding_count);
    *row = (struct compared_finding){.leak = leak,
                                     .site = finding->site,
                                     .function = site ? site->function : NULL,
                                     .phase = finding->phase,
                                     .reason = finding->reason};
    return row;
}

/* Sites that differ in the line only are one here. */
static bool is_repeated(const struct report_finding *rows, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (rows[i].site && same_site(rows[i].site, rows[at].site) && same_text(rows[i].phase, rows[at].phase))
            return true;
    return false;
}

static enum change change_of_finding(struct found before, bool leak) {
    if (!before.finding) return CHANGE_NEW;
    return before.leak == leak ? CHANGE_SAME : leak ? CHANGE_GROWN : CHANGE_SHRUNK;
}

static void add_findings_after(struct comparison *c, const struct report_finding *rows, size_t count, bool leak) {
    for (size_t i = 0; i < count; i++) {
        if (is_repeated(rows, i)) continue;
        struct found before = find_in(c->before, &rows[i]);
        struct compared_finding *row = add_finding(c, c->after, &rows[i], leak);
        row->class_before = before.finding ? before.finding->class_slug : NULL;
        row->class_after = rows[i].class_slug;
        row->change = change_of_finding(before, leak);
        c->new_leaks += leak && row->change != CHANGE_SAME;
    }
}

static void add_findings_gone(struct comparison *c, const struct report_finding *rows, size_t count, bool leak) {
    for (size_t i = 0; i < count; i++) {
        if (is_repeated(rows, i) || find_in(c->after, &rows[i]).finding) continue;
        struct compared_finding *row = add_finding(c, c->before, &rows[i], leak);
        row->class_before = rows[i].class_slug;
        row->change = CHANGE_GONE;
    }
}

static void compare_verdicts(struct comparison *c) {
    const struct report_verdict *before = &c->before->verdict, *after = &c->after->verdict;
    add_findings_after(c, after->leaks, after->leak_count, true);
    add_findings_gone(c, before->leaks, before->leak_count, true);
    add_findings_after(c, after->warnings, after->warning_count, false);
    add_findings_gone(c, before->warnings, before->warning_count, false);
    c->grew |= c->new_leaks > 0;
}

struct comparison *compare_reports(const struct report *before, const struct report *after,
                                   const struct compare_tolerance *tolerance, const char *sort) {
    struct arena *memory = arena_new();
    struct comparison *c = arena_take(memory, 1, sizeof *c);
    *c = (struct comparison){.before = before, .after = after, .tolerance = *tolerance, .memory = memory};
    pair_phases(c);
    choose_work(c);
    compare_totals(c);
    compare_phases(c);
    compare_verdicts(c);
    compare_sites(c, sort);
    return c;
}

void comparison_release(struct comparison *comparison) {
    if (comparison) arena_free(comparison->memory);
}
