/*
 * Applies a budget to a report: measures each rule wherever it matches, compares, and words the rows. Rules that match
 * nothing are inconclusive unless they are optional, with the nearest names.
 */
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../text/file_name.h"
#include "budget_rules.h"

struct check {
    const struct budget *budget;
    const struct report *report;
    struct arena *arena;
    struct budget_result *out;
};

enum state { STATE_OK, STATE_EXCEEDED, STATE_WARN, STATE_NOT_JUDGED };
static const char *const state_names[] = {"ok", "exceeded", "warn", "not-judged"};

static struct report_budget *add_row(struct check *check, const char *rule, const char *phase, const char *limit,
                                     const char *value, enum state state) {
    struct report_budget *row = ARENA_ADD(check->arena, check->out->rows, check->out->row_count);
    *row = (struct report_budget){rule, phase,           limit,         value, state == STATE_OK, state_names[state],
                                  NULL, .measured = NAN, .allowed = NAN};
    check->out->exceeded |= state == STATE_EXCEEDED;
    check->out->warned |= state == STATE_WARN;
    check->out->inconclusive |= state == STATE_NOT_JUDGED;
    return row;
}

/* The numbers behind what a row shows. */
static void set_numbers(struct report_budget *row, enum limit_unit unit, double measured, double allowed) {
    static const char *const names[] = {[LIMIT_BYTES] = "bytes",   [LIMIT_BYTES_PER_SECOND] = "bytes/s",
                                        [LIMIT_TIME] = "ns",       [LIMIT_COUNT] = "count",
                                        [LIMIT_NUMBER] = "number", [LIMIT_SHARE] = "share"};
    row->unit = names[unit];
    row->measured = measured;
    row->allowed = allowed;
}

static bool holds(double value, double limit, enum comparison comparison) {
    switch (comparison) {
    case AT_MOST: return value <= limit;
    case AT_LEAST: return value >= limit;
    case EQUAL: return value == limit;
    default: return value != 0;
    }
}

static const char *sign_of(enum comparison comparison) {
    static const char *const signs[] = {"<= ", ">= ", "= ", ""};
    return signs[comparison];
}

static const char *rule_name(const struct check *check, const struct budget_section *section,
                             const struct budget_rule *rule) {
    return arena_format(check->arena, "[%s] %s%s%s%s", section_names[section->kind], rule->warn ? "warn-" : "",
                        rule->row->key, rule->name ? " " : "", rule->name ? rule->name : "");
}

static const char *shown_limit(const struct check *check, const struct budget_rule *rule) {
    if (rule->comparison == HOLDS) return arena_text(check->arena, rule->text);
    return arena_format(check->arena, "%s%s", sign_of(rule->comparison), limit_show(rule->limit, rule->row->unit).text);
}

static const char *shown_value(const struct check *check, const struct budget_rule *rule, double value,
                               const char *note) {
    if (isnan(value)) return note ? note : "unknown";
    if (rule->comparison == HOLDS) return note ? note : value != 0 ? "yes" : "no";
    struct quantity_text text = limit_show(value, rule->row->unit);
    return note ? arena_format(check->arena, "%s (%s)", text.text, note) : arena_text(check->arena, text.text);
}

static enum state state_of(double value, const struct budget_rule *rule) {
    if (isnan(value)) return rule->warn ? STATE_WARN : STATE_NOT_JUDGED;
    if (holds(value, rule->limit, rule->comparison)) return STATE_OK;
    return rule->warn ? STATE_WARN : STATE_EXCEEDED;
}

static void judge_value(struct check *check, const struct budget_section *section, const struct budget_rule *rule,
                        const char *phase, double value, const char *note, enum state worst) {
    enum state state = state_of(value, rule);
    if (state == STATE_EXCEEDED && worst == STATE_WARN) state = STATE_WARN;
    /* min-rounds says what is missing for a judgement, not that something is too much. */
    if (state == STATE_EXCEEDED && strcmp(rule->row->key, "min-rounds") == 0) state = STATE_NOT_JUDGED;
    struct report_budget *row = add_row(check, rule_name(check, section, rule), phase, shown_limit(check, rule),
                                        shown_value(check, rule, value, note), state);
    if (rule->comparison != HOLDS) set_numbers(row, rule->row->unit, value, rule->limit);
}

static void measure_rules(struct check *check, const struct budget_section *section, const struct report_phase *phase,
                          const struct report_site *site, enum state worst) {
    const char *where = phase ? phase->name : site ? site->function : NULL;
    for (size_t i = 0; i < section->rule_count; i++) {
        struct scope scope = {
            .report = check->report, .phase = phase, .site = site, .rule = &section->rules[i], .arena = check->arena};
        if (!section->rules[i].row->measure) continue;
        double value = section->rules[i].row->measure(&scope);
        judge_value(check, section, &section->rules[i], where, value, scope.note, worst);
    }
}

/* Names that a pattern may have meant. */

static size_t distance(const char *a, const char *b) {
    size_t row[128], length = strnlen(b, 127);
    for (size_t j = 0; j <= length; j++) row[j] = j;
    for (size_t i = 0; a[i] && i < 127; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t up = row[j + 1], best = diagonal + (a[i] != b[j]);
            if (up + 1 < best) best = up + 1;
            if (row[j] + 1 < best) best = row[j] + 1;
            diagonal = up;
            row[j + 1] = best;
        }
    }
    return row[length];
}

/* What a section matches on: its word, and the names that there are. */
struct subject_row {
    const char *what;
    size_t (*count)(const struct report *);
    const char *(*name)(const struct report *, size_t);
};

static size_t phase_count(const struct report *report) { return report->phase_count; }
static const char *phase_name(const struct report *report, size_t i) { return report->phases[i].name; }
static size_t site_count(const struct report *report) { return report->site_count; }
static const char *site_name(const struct report *report, size_t i) { return report->sites[i].function; }
static size_t process_count(const struct report *report) { return report->process_count; }
static const char *process_name(const struct report *report, size_t i) {
    const char *exe = report->processes[i].exe;
    return exe ? file_name(exe) : NULL;
}

static const struct subject_row phase_subject = {"phase", phase_count, phase_name};
static const struct subject_row site_subject = {"site", site_count, site_name};
static const struct subject_row process_subject = {"process", process_count, process_name};

static const char *nearest_of(const struct report *report, const struct subject_row *subject, const char *pattern) {
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < subject->count(report); i++) {
        const char *name = subject->name(report, i);
        size_t far = name ? distance(pattern, name) : SIZE_MAX;
        if (far >= least) continue;
        least = far;
        nearest = name;
    }
    return nearest;
}

static bool only_warns(const struct budget_section *section) {
    bool fails = (section->overhead && !section->warn_overhead) || (section->throughput && !section->warn_throughput) ||
                 (section->min_level > 0 && !section->warn_min_level);
    bool warns = section->warn_overhead || section->warn_throughput || section->warn_min_level;
    for (size_t i = 0; i < section->rule_count; i++) {
        fails |= !section->rules[i].warn;
        warns |= section->rules[i].warn;
    }
    return warns && !fails;
}

static void match_nothing(struct check *check, const struct budget_section *section, const char *pattern,
                          const struct subject_row *subject) {
    if (section->optional) return;
    const char *nearest = nearest_of(check->report, subject, pattern);
    const char *value = nearest ? arena_format(check->arena, "no %s matches; the nearest is %s", subject->what, nearest)
                                : arena_format(check->arena, "no %s matches", subject->what);
    add_row(check, arena_format(check->arena, "[%s] match = %s", section_names[section->kind], pattern), NULL, "",
            value, only_warns(section) ? STATE_WARN : STATE_NOT_JUDGED);
}

/* The number after @ in a name; NAN: none. */
static double level_of(const char *name) {
    const char *at = strrchr(name, '@');
    double level;
    if (!at || !limit_parse(at + 1, LIMIT_NUMBER, &level)) return NAN;
    return level;
}

/* Beyond the level that a capacity rule asks for, broken phase rules only mark the breaking point. */
static enum state worst_for(const struct check *check, const struct report_phase *phase) {
    for (size_t i = 0; i < check->budget->count; i++) {
        const struct budget_section *section = &check->budget->sections[i];
        if (section->kind != SECTION_CAPACITY || fnmatch(section->match, phase->name, 0) != 0) continue;
        if (level_of(phase->name) > section->min_level) return STATE_WARN;
    }
    return STATE_EXCEEDED;
}

static void check_phase_section(struct check *check, const struct budget_section *section) {
    size_t matched = 0;
    for (size_t i = 0; i < check->report->phase_count; i++) {
        const struct report_phase *phase = &check->report->phases[i];
        if (fnmatch(section->match, phase->name, 0) != 0) continue;
        matched++;
        measure_rules(check, section, phase, NULL, worst_for(check, phase));
    }
    if (matched == 0) match_nothing(check, section, section->match, &phase_subject);
}

static void check_site_section(struct check *check, const struct budget_section *section) {
    size_t matched = 0;
    for (size_t i = 0; i < check->report->site_count; i++) {
        const struct report_site *site = &check->report->sites[i];
        if (!budget_section_matches_site(section, site)) continue;
        matched++;
        measure_rules(check, section, NULL, site, STATE_EXCEEDED);
    }
    if (matched == 0 && section->rule_count) match_nothing(check, section, section->match, &site_subject);
}

/* Scaling: one phase name at several sizes of work. */

struct sized {
    double scale, value;
};

static int by_scale(const void *left, const void *right) {
    const struct sized *a = left, *b = right;
    return (a->scale > b->scale) - (a->scale < b->scale);
}

static double overhead_of(const struct report_phase *phase) {
    if (phase->rss_peak == REPORT_NONE || phase->rss_start == REPORT_NONE) return NAN;
    return (double)(phase->rss_peak - phase->rss_start);
}
static double throughput_of(const struct report_phase *phase) { return phase->items_per_s; }

static size_t gather(struct check *check, const struct budget_section *section,
                     double (*of)(const struct report_phase *), struct sized **out) {
    size_t count = 0;
    struct sized *list = arena_take(check->arena, check->report->phase_count + 1, sizeof *list);
    for (size_t i = 0; i < check->report->phase_count; i++) {
        const struct report_phase *phase = &check->report->phases[i];
        if (fnmatch(section->match, phase->name, 0) != 0) continue;
        double level = level_of(phase->name), scale = isfinite(level) ? level : (double)phase->items;
        list[count++] = (struct sized){scale, of(phase)};
    }
    qsort(list, count, sizeof *list, by_scale);
    *out = list;
    return count;
}

/* `most`: the ratio may not be above what is allowed, else not below. */
static void scale_row(struct check *check, const struct budget_section *section, const char *what, double ratio,
                      double allowed, bool most, bool warn) {
    const char *rule = arena_format(check->arena, "[scaling] %s%s", warn ? "warn-" : "", what);
    const char *value = isnan(ratio) ? "unknown" : arena_format(check->arena, "%.3g times, smallest to largest", ratio);
    const char *limit = arena_format(check->arena, "%s %.3g times", most ? "<=" : ">=", allowed);
    bool good = most ? ratio <= allowed : ratio >= allowed;
    enum state state = isnan(ratio) ? STATE_NOT_JUDGED : good ? STATE_OK : STATE_EXCEEDED;
    struct report_budget *row =
        add_row(check, rule, section->match, limit, value, warn && state != STATE_OK ? STATE_WARN : state);
    set_numbers(row, LIMIT_NUMBER, ratio, allowed);
}

/* Where the smaller one needs nothing, so may the larger one. */
static double ratio_of(double large, double small) { return large == small ? 1 : large / small; }

static void check_scaling_section(struct check *check, const struct budget_section *section) {
    struct sized *sizes;
    size_t count = gather(check, section, overhead_of, &sizes);
    if (count == 0) {
        match_nothing(check, section, section->match, &phase_subject);
        return;
    }
    if (!(sizes[0].scale > 0 && sizes[count - 1].scale > sizes[0].scale)) {
        add_row(check, arena_format(check->arena, "[scaling] match = %s", section->match), NULL, "",
                "no two sizes: they are the number after @, else the items of the phase",
                only_warns(section) ? STATE_WARN : STATE_NOT_JUDGED);
        return;
    }
    if (section->overhead) {
        bool linear = strcmp(section->overhead, "linear") == 0;
        struct sized small = sizes[0], large = sizes[count - 1];
        double ratio = ratio_of(large.value, small.value) / (linear ? large.scale / small.scale : 1);
        scale_row(check, section, linear ? "overhead = linear" : "overhead = constant", ratio, 1 + section->tolerance,
                  true, section->warn_overhead);
    }
    if (section->throughput) {
        count = gather(check, section, throughput_of, &sizes);
        double ratio = ratio_of(sizes[count - 1].value, sizes[0].value);
        scale_row(check, section, "throughput = constant", ratio, 1 - section->tolerance, false,
                  section->warn_throughput);
    }
}

/* Comparing two phases, or two values. */

static const struct report_phase *phase_named(const struct report *report, const char *name) {
    for (size_t i = 0; i < report->phase_count; i++)
        if (strcmp(report->phases[i].name, name) == 0) return &report->phases[i];
    return NULL;
}

static double value_named(const struct report *report, const char *name) {
    double last = NAN;
    for (size_t i = 0; i < report->phase_count; i++) {
        for (size_t j = 0; j < report->phases[i].value_count; j++)
            if (strcmp(report->phases[i].values[j].name, name) == 0) last = report->phases[i].values[j].last;
    }
    return last;
}

static double slower(const struct report_phase *phase) { return phase->round_ns.mean; }
static double faster(const struct report_phase *phase) { return phase->items_per_s; }

struct comparing {
    const char *key;
    double (*of)(const struct report_phase *);
    bool excess; /* the ratio less 1 */
};
static const struct comparing comparings[] = {
    {"max-slower", slower, true}, {"max-bigger", overhead_of, true}, {"min-ratio", faster, false}};

static double quantity_of(const struct report *report, const char *name, const struct comparing *comparing) {
    const struct report_phase *phase = phase_named(report, name);
    return phase ? comparing->of(phase) : value_named(report, name);
}

static void check_compare_section(struct check *check, const struct budget_section *section) {
    for (size_t i = 0; i < section->rule_count; i++) {
        const struct budget_rule *rule = &section->rules[i];
        const struct comparing *comparing = comparings;
        while (strcmp(comparing->key, rule->row->key) != 0) comparing++;
        double a = quantity_of(check->report, section->match, comparing),
               b = quantity_of(check->report, section->other, comparing);
        const char *missing = isnan(a) ? section->match : section->other;
        if ((isnan(a) || isnan(b)) && !phase_named(check->report, missing)) {
            match_nothing(check, section, missing, &phase_subject);
            continue;
        }
        const char *names = arena_format(check->arena, "%s : %s", section->match, section->other);
        judge_value(check, section, rule, names, ratio_of(a, b) - comparing->excess, NULL, STATE_EXCEEDED);
    }
}

/* The highest level whose rules, and those of all lower levels, hold. */

static bool level_holds(const struct check *check, const struct report_phase *phase) {
    for (size_t i = 0; i < check->out->row_count; i++) {
        const struct report_budget *row = &check->out->rows[i];
        if (!row->ok && row->phase && strcmp(row->phase, phase->name) == 0) return false;
    }
    return true;
}

static void check_capacity_section(struct check *check, const struct budget_section *section) {
    double best = 0, lowest_broken = INFINITY;
    size_t matched = 0;
    for (size_t i = 0; i < check->report->phase_count; i++) {
        const struct report_phase *phase = &check->report->phases[i];
        double level = fnmatch(section->match, phase->name, 0) == 0 ? level_of(phase->name) : NAN;
        if (isnan(level)) continue;
        matched++;
        if (!level_holds(check, phase)) lowest_broken = fmin(lowest_broken, level);
    }
    for (size_t i = 0; i < check->report->phase_count; i++) {
        const struct report_phase *phase = &check->report->phases[i];
        double level = fnmatch(section->match, phase->name, 0) == 0 ? level_of(phase->name) : NAN;
        if (level < lowest_broken) best = fmax(best, level);
    }
    if (matched == 0) {
        match_nothing(check, section, section->match, &phase_subject);
        return;
    }
    const char *value = isfinite(lowest_broken)
                            ? arena_format(check->arena, "%.6g, breaks at %.6g", best, lowest_broken)
                            : arena_format(check->arena, "%.6g, never broke", best);
    enum state broken = section->warn_min_level ? STATE_WARN : STATE_EXCEEDED;
    struct report_budget *row =
        add_row(check, section->warn_min_level ? "[capacity] warn-min-level" : "[capacity] min-level", section->match,
                arena_format(check->arena, ">= %.6g", section->min_level), value,
                best >= section->min_level ? STATE_OK : broken);
    set_numbers(row, LIMIT_NUMBER, best, section->min_level);
}

/* What is ignored is told as unused where nothing of it was met; what is to be judged must be there. */
static void check_process_section(struct check *check, const struct budget_section *section) {
    for (size_t i = 0; i < check->report->process_count; i++)
        if (budget_section_matches_exe(section, check->report->processes[i].exe)) return;
    if (!section->ignore) match_nothing(check, section, section->match, &process_subject);
}

static void check_run_section(struct check *check, const struct budget_section *section) {
    measure_rules(check, section, NULL, NULL, STATE_EXCEEDED);
}

typedef void (*section_check)(struct check *check, const struct budget_section *section);
static const section_check section_checks[SECTION_KINDS] = {
    [SECTION_RUN] = check_run_section,         [SECTION_PHASE] = check_phase_section,
    [SECTION_SCALING] = check_scaling_section, [SECTION_COMPARE] = check_compare_section,
    [SECTION_SITE] = check_site_section,       [SECTION_PROCESS] = check_process_section,
};

void budget_check(const struct budget *budget, const struct report *report, struct arena *arena,
                  struct budget_result *out) {
    struct check check = {budget, report, arena, out};
    *out = (struct budget_result){.rows = NULL};
    for (size_t i = 0; i < budget->count; i++) {
        if (section_checks[budget->sections[i].kind])
            section_checks[budget->sections[i].kind](&check, &budget->sections[i]);
    }
    for (size_t i = 0; i < budget->count; i++) { /* after the rules of the phases that they look at */
        if (budget->sections[i].kind == SECTION_CAPACITY) check_capacity_section(&check, &budget->sections[i]);
    }
}
