/* Measures clean runs with the same table of keys that judges later ones; called by `tidemark budget`. */
#include "propose.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../text/plural.h"
#include "budget_rules.h"

struct proposed_key {
    enum section_kind section;
    const char *key;
    bool warn;    /* depends on the machine */
    double slack; /* added besides the margin: what differs between two runs of a small program */
};
static const struct proposed_key proposed[] = {
    {SECTION_RUN, "max-rss", false, 1048576},
    {SECTION_RUN, "max-live", false, 65536},
    {SECTION_RUN, "max-unreleased", false, 65536},
    {SECTION_RUN, "max-fds", false, 2},
    {SECTION_RUN, "max-failed-allocations", false, 0},
    {SECTION_RUN, "min-success", false, 0},
    {SECTION_RUN, "max-duration", true, 0},
    {SECTION_PHASE, "max-overhead", false, 1048576},
    {SECTION_PHASE, "max-overhead-live", false, 65536},
    {SECTION_PHASE, "max-growth-live", false, 65536},
    {SECTION_PHASE, "max-bytes-per-item", false, 16},
    {SECTION_PHASE, "max-allocations-per-item", false, 1},
    {SECTION_PHASE, "min-success", false, 0},
    {SECTION_PHASE, "min-items-per-s", true, 0},
    {SECTION_PHASE, "max-p95", true, 0},
};
enum { KEYS = sizeof proposed / sizeof *proposed };

/* The worst values of the run, or of one phase; NAN: not in every run so far. */
struct worst {
    char *phase; /* NULL: the run */
    double values[KEYS];
    size_t runs;
};

struct proposal {
    double margin;
    struct worst *items; /* the run first */
    size_t count, runs;
    struct arena *arena; /* for the notes of measures */
};

static const struct rule_row *row_of(size_t key) { return rule_row_of(proposed[key].section, proposed[key].key); }

struct proposal *proposal_new(double margin) {
    struct proposal *proposal = calloc(1, sizeof *proposal);
    if (!proposal) return NULL;
    proposal->margin = margin;
    proposal->arena = arena_new();
    return proposal;
}

void proposal_release(struct proposal *proposal) {
    if (!proposal) return;
    arena_free(proposal->arena);
    free(proposal);
}

static struct worst *worst_of(struct proposal *proposal, const char *phase) {
    for (size_t i = 0; i < proposal->count; i++) {
        const char *name = proposal->items[i].phase;
        if (phase ? name && strcmp(name, phase) == 0 : !name) return &proposal->items[i];
    }
    struct worst *item = ARENA_ADD(proposal->arena, proposal->items, proposal->count);
    *item = (struct worst){.phase = arena_text(proposal->arena, phase)};
    return item;
}

static void add_values(struct proposal *proposal, struct worst *worst, const struct report *report,
                       const struct report_phase *phase) {
    for (size_t i = 0; i < KEYS; i++) {
        if ((proposed[i].section == SECTION_PHASE) != (phase != NULL)) continue;
        const struct rule_row *row = row_of(i);
        struct scope scope = {.report = report, .phase = phase, .arena = proposal->arena};
        double value = row->measure(&scope);
        bool first = worst->runs == 0;
        if (isnan(value) || (!first && isnan(worst->values[i]))) worst->values[i] = NAN;
        else if (first) worst->values[i] = value;
        else
            worst->values[i] =
                row->comparison == AT_MOST ? fmax(worst->values[i], value) : fmin(worst->values[i], value);
    }
    worst->runs++;
}

/* What the program itself marked, by a name: not `run`, nor the time between rounds. */
static bool is_marked(const struct report_phase *phase) {
    return *phase->name && strcmp(phase->name, "run") != 0 && !report_is_between(phase->name);
}

void proposal_add(struct proposal *proposal, const struct report *report) {
    proposal->runs++;
    add_values(proposal, worst_of(proposal, NULL), report, NULL);
    for (size_t i = 0; i < report->phase_count; i++) {
        const struct report_phase *phase = &report->phases[i];
        if (is_marked(phase)) add_values(proposal, worst_of(proposal, phase->name), report, phase);
    }
}

/* Two significant digits, away from the value. */
static double rounded(double value, bool up) {
    if (value == 0) return 0;
    double step = pow(10, floor(log10(fabs(value))) - 1);
    return (up ? ceil(value / step - 1e-9) : floor(value / step + 1e-9)) * step;
}

struct scale {
    double factor;
    const char *suffix;
};
static const struct scale sizes[] = {{1073741824, "G"}, {1048576, "M"}, {1024, "k"}, {1, ""}};
static const struct scale times[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
static const struct scale shares[] = {{0.01, "%"}};
static const struct scale plain[] = {{1, ""}};

static const struct scale *scale_for(double value, enum limit_unit unit) {
    const struct scale *scales = unit == LIMIT_BYTES   ? sizes
                                 : unit == LIMIT_TIME  ? times
                                 : unit == LIMIT_SHARE ? shares
                                                       : plain;
    size_t count = unit == LIMIT_BYTES || unit == LIMIT_TIME ? 4 : 1, i = 0;
    while (i + 1 < count && fabs(value) < scales[i].factor) i++;
    return &scales[i];
}

static void write_key(FILE *out, const struct proposal *proposal, size_t key, double value) {
    const struct rule_row *row = row_of(key);
    bool up = row->comparison == AT_MOST;
    double limit = up ? fmax(0, value) * (1 + proposal->margin) + proposed[key].slack : value / (1 + proposal->margin);
    const struct scale *scale = scale_for(limit, row->unit);
    double shown = rounded(limit / scale->factor, up);
    if (row->unit == LIMIT_COUNT) shown = ceil(shown);
    fprintf(out, "%s%s = %.10g%s\n", proposed[key].warn ? "warn-" : "", proposed[key].key, shown, scale->suffix);
}

#define PATTERN_MOST 170 /* characters: a line of a budget has 190 */

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

/*
 * A pattern that matches the name and that a budget file can hold: what begins a comment there, ends a line, or is cut
 * off as a blank at either end, becomes a ?, what follows a long beginning a *.
 */
static void write_pattern(FILE *out, const char *name) {
    size_t length = strlen(name), written = 0;
    for (size_t i = 0; i < length; i++) {
        bool outer = is_blank(name[i]) && (i == 0 || i + 1 == length);
        bool continues = ((unsigned char)name[i] & 0xC0) == 0x80; /* of a character of several bytes */
        if (written >= PATTERN_MOST && !continues) {
            fputc('*', out);
            return;
        }
        if (strchr("*?[]\\", name[i])) written += (size_t)fprintf(out, "\\%c", name[i]);
        else if (outer || name[i] == ';' || (unsigned char)name[i] < ' ') written += (size_t)fprintf(out, "?");
        else written += (size_t)fprintf(out, "%c", name[i]);
    }
}

static void write_section(FILE *out, const struct proposal *proposal, const struct worst *worst) {
    if (worst->phase) {
        fprintf(out, "\n[phase]\nmatch = ");
        write_pattern(out, worst->phase);
        fputc('\n', out);
    } else fprintf(out, "[run]\n");
    if (worst->runs < proposal->runs) fprintf(out, "optional = yes\n");
    for (size_t i = 0; i < KEYS; i++) {
        if ((proposed[i].section == SECTION_PHASE) != (worst->phase != NULL)) continue;
        if (isfinite(worst->values[i])) write_key(out, proposal, i, worst->values[i]);
    }
}

char *proposal_text(const struct proposal *proposal) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fprintf(out, "# Worst values of %zu run%s, and %.0f%% more. Leaks fail without any rule.\n", proposal->runs,
            plural(proposal->runs), proposal->margin * 100);
    for (size_t i = 0; i < proposal->count; i++) write_section(out, proposal, &proposal->items[i]);
    if (fclose(out) == 0) return text;
    free(text);
    return NULL;
}
