/*
 * A budget as read: sections in file order, each with its declarations and rules. Shared by the files that read a
 * budget, measure it and propose one; others see budget.h only.
 */
#ifndef VERDICT_BUDGET_RULES_H
#define VERDICT_BUDGET_RULES_H

#include <regex.h>

#include "budget.h"
#include "limits.h"

enum section_kind {
    SECTION_RUN,
    SECTION_PHASE,
    SECTION_SCALING,
    SECTION_COMPARE,
    SECTION_CAPACITY,
    SECTION_SITE,
    SECTION_PROCESS,
    SECTION_BASELINE,
    SECTION_SUPPRESS,
    SECTION_KINDS
};

struct scope { /* what a rule is measured on */
    const struct report *report;
    const struct report_phase *phase; /* [phase]; else NULL */
    const struct report_site *site;   /* [site]; else NULL */
    const struct budget_rule *rule;
    struct arena *arena;
    const char *note; /* set by measures: what a person should know about the value; may stay NULL */
};

enum comparison { AT_MOST, AT_LEAST, EQUAL, HOLDS /* the measure itself gives 1 or 0 */ };

/* NAN: could not be measured. */
typedef double (*measure)(struct scope *scope);

struct rule_row {
    enum section_kind section;
    const char *key;
    enum limit_unit unit;
    enum comparison comparison;
    measure measure;
};
extern const struct rule_row rule_rows[];
extern const size_t rule_row_count;
/* NULL: no such key in this section. */
const struct rule_row *rule_row_of(enum section_kind section, const char *key);

struct budget_rule {
    const struct rule_row *row;
    double limit;
    char *text; /* the value as written */
    char *name; /* of a `value NAME` rule, else NULL */
    enum comparison comparison;
    double within; /* recover-to: ns */
    bool warn;
};

struct budget_section {
    enum section_kind kind;
    int line;
    char *match; /* GLOB, or REGEX for [site]; [compare]: a */
    char *other; /* [compare]: b */
    char *file;  /* [baseline], [suppress] */
    char *reason, *until;
    char *overhead, *throughput; /* [scaling]: constant or linear */
    double tolerance, min_level;
    bool optional, ignore, steady, builds;
    uint32_t declared;                                   /* a bit for each declaration that was read */
    bool warn_overhead, warn_throughput, warn_min_level; /* warn-KEY: what it says is shown and never fails */
    struct growth_settings settings;
    bool compiled;
    regex_t pattern;
    struct budget_rule *rules;
    size_t rule_count;
};

struct budget {
    char *folder;
    struct budget_section *sections;
    size_t count;
};

/*
 * Of [site]: its pattern is that of a function of the stack. Of [process]: its pattern is that of a path or of the name
 * at its end.
 */
bool budget_section_matches_site(const struct budget_section *section, const struct report_site *site);
bool budget_section_matches_exe(const struct budget_section *section, const char *exe);

extern const char *const section_names[SECTION_KINDS];

#endif
