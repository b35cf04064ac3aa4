/*
 * The rules that find phases in the output of test runners (edges.h). A preset is rows of patterns and actions; where a
 * runner prints the name of a test before it runs it, the row applies to the line as soon as that much of it is there.
 */
#include "edges.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 256
#define LINE_MAX_BYTES 4096
#define RULES_MAX 8

enum action {
    SUITE_BEGIN,
    SUITE_END,
    TEST_BEGIN,
    TEST_END,
    PLAN,       /* TAP's 1..N: a suite whose tests are known by their number only, until they have run */
    TEST_NEXT,  /* this numbered test has ended, the next begins */
    TEST_ENDED, /* a test of this name has ended; nothing was said before */
    AT_ONCE,    /* tests run at once in other processes: no line says which does what */
};

struct rule_row {
    const char *preset;
    enum action action;
    bool early;       /* also on the beginning of a line that is still being printed */
    const char *name; /* NULL: the first group */
    const char *pattern;
};

/* Tests of documentation stand as `FILE - ITEM (line N)`. */
#define CARGO_TEST "^test ([^ ]+( - [^ ]+ \\(line [0-9]+\\))?)( - should panic| - compile| - compile fail)? \\.\\.\\. "

static const struct rule_row rule_rows[] = {
    {"gtest", SUITE_END, false, "", "^\\[----------\\] [0-9]+ tests? from ([^ ]+) \\([0-9]+ ms total\\)"},
    {"gtest", SUITE_BEGIN, false, NULL, "^\\[----------\\] [0-9]+ tests? from ([^ ,]+)(, where .*)?$"},
    {"gtest", TEST_BEGIN, false, NULL, "^\\[ RUN      \\] (.+)$"},
    {"gtest", TEST_END, false, "", "^\\[(       OK|  FAILED  |  SKIPPED ) ?\\] "},
    {"ctest", SUITE_BEGIN, false, "ctest", "^Test project "},
    {"ctest", TEST_BEGIN, false, NULL, "^ *Start +[0-9]+: (.+)$"},
    {"ctest", TEST_END, false, "", "^ *[0-9]+/[0-9]+ Test +#[0-9]+: "},
    {"ctest", SUITE_END, false, "", "^[0-9]+% tests passed"},
    {"pytest", SUITE_BEGIN, false, "pytest", "^=+ test session starts =+$"},
    {"pytest", AT_ONCE, false, "", "^(gw[0-9]+ [IC] / |gw[0-9]+ \\[[0-9]+\\]|\\[gw[0-9]+\\] )"},
    {"pytest", TEST_BEGIN, true, NULL, "^([^ ]+\\.py(::[^ []+(\\[.*\\])?)?) "},
    {"pytest", TEST_END, false, "", "^[^ ]+\\.py(::| )"},
    {"pytest", SUITE_END, false, "", "^=+ .* in [0-9.]+s.* =+$"},
    {"tap", PLAN, false, "tap", "^1\\.\\.([0-9]+)"},
    {"tap", TEST_NEXT, false, "tap", "^(not )?ok( |$)"},
    {"catch2", TEST_ENDED, false, NULL, "^[0-9]+\\.[0-9]+ s: (.+)$"},
    {"catch2", SUITE_END, false, "", "^(All tests passed|test cases:)"},
    {"doctest", TEST_ENDED, false, NULL, "^[0-9]+\\.[0-9]+ s: (.+)$"},
    {"doctest", SUITE_END, false, "", "^\\[doctest\\] test cases:"},
    {"cargo", SUITE_BEGIN, false, "cargo", "^running [0-9]+ tests?$"},
    {"cargo", TEST_BEGIN, true, NULL, CARGO_TEST},
    {"cargo", TEST_END, false, "", CARGO_TEST "[^ ]"},
    {"cargo", SUITE_END, false, "", "^test result: "},
};

/* What to say where a preset found no test, and where tests ran at once. */
struct preset_row {
    const char *preset, *nothing, *at_once;
    bool parallel; /* unless it is told otherwise */
};

static const struct preset_row preset_rows[] = {
    {"gtest", "no line of googletest names a test: run it without --gtest_brief", NULL, false},
    {"ctest", "no line of ctest names a test: run it without --quiet",
     "ctest ran tests at once: without -j no two phases overlap", false},
    {"pytest", "no line of pytest names a test: -v names each, no option names files, -q prints dots only",
     "pytest-xdist ran tests at once, in other processes: without -n each is a phase", false},
    {"tap", "no line of TAP in the output: `ok N` or `not ok N` at the start of a line", NULL, false},
    {"catch2", "no line of Catch2 names a test: run it with --durations yes", NULL, false},
    {"doctest", "no line of doctest names a test: run it with --duration", NULL, false},
    {"cargo", "no line of cargo test names a test: run it without --quiet",
     "cargo test ran tests at once, so a test's phase also holds what others did then: -- --test-threads=1 keeps them "
     "apart",
     true},
};
static const struct preset_row own_preset = {NULL,
                                             "no line of stdout matches --phase-from-output, a POSIX extended regular "
                                             "expression ([0-9], not \\d); a program that "
                                             "prints to stderr wants sh -c 'exec CMD 2>&1'",
                                             NULL, false};

struct rule {
    const struct rule_row *row;
    regex_t pattern;
};

struct edges {
    edge_visitor *visit;
    void *self;
    struct rule rules[RULES_MAX];
    size_t rule_count;
    char open[EDGE_LEVELS][NAME_MAX_BYTES]; /* empty: none */
    long planned, next;                     /* numbered tests */
    bool early_done;                        /* the early row of this line has been applied */
    bool at_once;                           /* tests overlap */
    bool mute;                              /* and their lines mean nothing here */
    size_t tests;                           /* that began */
};

/* Making. */

static const struct rule_row own_row = {NULL, TEST_BEGIN, false, NULL, NULL};

static bool add_rule(struct edges *edges, const struct rule_row *row, const char *pattern) {
    struct rule *rule = &edges->rules[edges->rule_count];
    if (edges->rule_count == RULES_MAX || regcomp(&rule->pattern, pattern, REG_EXTENDED) != 0) return false;
    rule->row = row;
    edges->rule_count++;
    return true;
}

static bool add_preset(struct edges *edges, const char *preset) {
    for (size_t i = 0; i < sizeof rule_rows / sizeof *rule_rows; i++)
        if (strcmp(rule_rows[i].preset, preset) == 0 && !add_rule(edges, &rule_rows[i], rule_rows[i].pattern))
            return false;
    return edges->rule_count > 0;
}

struct edges *edges_new(const char *pattern, edge_visitor *visit, void *self, const char **problem) {
    struct edges *edges = calloc(1, sizeof *edges);
    *problem = "out of memory";
    if (!edges) return NULL;
    edges->visit = visit;
    edges->self = self;
    if (add_preset(edges, pattern) || add_rule(edges, &own_row, pattern)) return edges;
    *problem = "this is neither a preset nor a regular expression";
    edges_free(edges);
    return NULL;
}

void edges_free(struct edges *edges) {
    for (size_t i = 0; edges && i < edges->rule_count; i++) regfree(&edges->rules[i].pattern);
    free(edges);
}

bool edges_announce(const struct edges *edges) { return edges->rules[0].row->preset != NULL; }

/* Edges. */

static void end_level(struct edges *edges, enum edge_level level) {
    if (!*edges->open[level]) return;
    edges->visit(edges->self, &(struct edge){.level = level, .name = edges->open[level]});
    *edges->open[level] = 0;
}

static void begin_at(struct edges *edges, enum edge_level level, const char *name, bool since_last) {
    if (!*name) return;
    end_level(edges, level);
    snprintf(edges->open[level], NAME_MAX_BYTES, "%s", name);
    edges->tests += level == EDGE_TEST;
    edges->visit(edges->self,
                 &(struct edge){.level = level, .begins = true, .since_last = since_last, .name = edges->open[level]});
}

static void begin_level(struct edges *edges, enum edge_level level, const char *name) {
    begin_at(edges, level, name, false);
}

static void end_suite(struct edges *edges) {
    end_level(edges, EDGE_TEST);
    end_level(edges, EDGE_SUITE);
}

static const char *number_name(long number, char name[NAME_MAX_BYTES]) {
    snprintf(name, NAME_MAX_BYTES, "test %ld", number);
    return name;
}

/* A test of which nothing was known until now. */
static void add_ended(struct edges *edges, const char *suite, const char *name) {
    if (!*edges->open[EDGE_SUITE]) begin_at(edges, EDGE_SUITE, suite, true);
    begin_at(edges, EDGE_TEST, name, true);
    end_level(edges, EDGE_TEST);
}

/* Without a plan nobody knows whether another test follows: each is told when it has ended. */
static void add_unplanned(struct edges *edges, const char *suite) {
    char name[NAME_MAX_BYTES];
    edges->next++;
    add_ended(edges, suite, number_name(edges->next, name));
}

/* The next numbered test; after the last one the suite is over. */
static void begin_numbered(struct edges *edges) {
    char name[NAME_MAX_BYTES];
    end_level(edges, EDGE_TEST);
    edges->next++;
    if (edges->next > edges->planned) {
        edges->planned = edges->next = 0;
        end_suite(edges);
        return;
    }
    begin_level(edges, EDGE_TEST, number_name(edges->next, name));
}

static void begin_suite(struct edges *edges, const char *name) {
    end_level(edges, EDGE_TEST);
    begin_level(edges, EDGE_SUITE, name);
}

/* A plan after its tests ends them. */
static void begin_plan(struct edges *edges, const char *suite, long planned) {
    bool late = edges->planned == 0 && edges->next > 0;
    edges->next = 0;
    if (late) end_suite(edges);
    if (late || planned < 1) return;
    edges->planned = planned;
    begin_suite(edges, suite);
    begin_numbered(edges);
}

/* Only ctest says where a test began before the one before it has ended. */
static void begin_test(struct edges *edges, const struct rule_row *row, const char *name) {
    edges->at_once |= *edges->open[EDGE_TEST] && row->preset && strcmp(row->preset, "ctest") == 0;
    begin_level(edges, EDGE_TEST, name);
}

static void apply(struct edges *edges, const struct rule_row *row, const char *group) {
    const char *name = row->name ? row->name : group;
    switch (row->action) {
    case SUITE_BEGIN: begin_suite(edges, name); return;
    case TEST_BEGIN: begin_test(edges, row, name); return;
    case TEST_END: end_level(edges, EDGE_TEST); return;
    case SUITE_END: end_suite(edges); return;
    case PLAN: begin_plan(edges, name, strtol(group, NULL, 10)); return;
    case TEST_NEXT:
        if (edges->planned) begin_numbered(edges);
        else add_unplanned(edges, name);
        return;
    case TEST_ENDED: add_ended(edges, row->preset, name); return;
    case AT_ONCE: edges->at_once = edges->mute = true; return;
    }
}

/* Lines. */

/* Copies a line without terminal control sequences (ECMA-48: ESC [ parameters, a final byte from @ to ~). */
static void plain_text(const char *line, size_t length, char out[LINE_MAX_BYTES]) {
    size_t kept = 0;
    for (size_t i = 0; i < length && kept < LINE_MAX_BYTES - 1; i++) {
        if (line[i] == '\033' && i + 1 < length && line[i + 1] == '[') {
            for (i += 2; i < length && (line[i] < '@' || line[i] > '~');) i++;
        } else if (line[i] && line[i] != '\r') {
            out[kept++] = line[i];
        }
    }
    out[kept] = 0;
}

static void copy_group(const char *line, const regmatch_t *group, char out[NAME_MAX_BYTES]) {
    size_t length = (size_t)(group->rm_eo - group->rm_so);
    if (length > NAME_MAX_BYTES - 1) length = NAME_MAX_BYTES - 1;
    memcpy(out, line + group->rm_so, length);
    out[length] = 0;
}

static void try_rule(struct edges *edges, const struct rule *rule, const char *line) {
    regmatch_t groups[2];
    char name[NAME_MAX_BYTES];
    if (regexec(&rule->pattern, line, 2, groups, 0) != 0) return;
    copy_group(line, groups[1].rm_so >= 0 ? &groups[1] : &groups[0], name);
    edges->early_done |= rule->row->early;
    if (edges->mute && rule->row->action != SUITE_END) return;
    apply(edges, rule->row, name);
}

void edges_feed(struct edges *edges, const char *line, size_t length, bool complete) {
    char text[LINE_MAX_BYTES];
    plain_text(line, length, text);
    for (size_t i = 0; i < edges->rule_count; i++) {
        const struct rule *rule = &edges->rules[i];
        if (rule->row->early ? !edges->early_done : complete) try_rule(edges, rule, text);
    }
    if (complete) edges->early_done = false;
}

const char *edges_hint(const struct edges *edges, bool one_by_one) {
    const struct preset_row *row = &own_preset;
    for (size_t i = 0; edges_announce(edges) && i < sizeof preset_rows / sizeof *preset_rows; i++)
        if (strcmp(preset_rows[i].preset, edges->rules[0].row->preset) == 0) row = &preset_rows[i];
    if (edges->at_once || (row->parallel && edges->tests > 1 && !one_by_one)) return row->at_once;
    return edges->tests ? NULL : row->nothing;
}
