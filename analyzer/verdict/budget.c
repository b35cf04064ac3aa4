/*
 * Reads budget files. inih cuts what is too long without a word and forgets line numbers, so each raw line is checked
 * before inih sees it, and the reader tells the handler on which line and in which section it is.
 */
#include "budget.h"

#include <errno.h>
#include <math.h>
#include <fnmatch.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../list.h"
#include "../text/file_name.h"
#include "budget_rules.h"

#define MOST_LINE 190 /* inih's buffer holds 200 */
#define MOST_KEY 48

const char *const section_names[SECTION_KINDS] = {
    [SECTION_RUN] = "run",         [SECTION_PHASE] = "phase",       [SECTION_SCALING] = "scaling",
    [SECTION_COMPARE] = "compare", [SECTION_CAPACITY] = "capacity", [SECTION_SITE] = "site",
    [SECTION_PROCESS] = "process", [SECTION_BASELINE] = "baseline", [SECTION_SUPPRESS] = "suppress",
};

struct reading {
    FILE *file;
    struct budget *budget;
    struct rule_error *error;
    int line;
    int result; /* first error */
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct reading *reading, const char *format, ...) {
    if (reading->result) return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->error->text, sizeof reading->error->text, format, arguments);
    va_end(arguments);
    reading->error->line = reading->line;
    reading->result = -EINVAL;
    return false;
}

static char *keep(struct reading *reading, const char *text) {
    char *copy = strdup(text);
    if (!copy) reading->result = -ENOMEM;
    return copy;
}

/* Sections. */

static int section_named(const char *name) {
    for (int i = 0; i < SECTION_KINDS; i++)
        if (strcmp(section_names[i], name) == 0) return i;
    return -1;
}

static bool begin_section(struct reading *reading, const char *line) {
    char name[MOST_KEY];
    size_t length = strcspn(line + 1, "]");
    if (line[1 + length] != ']' || line[2 + length] != '\0')
        return refuse(reading, "expected [section] alone on its line");
    snprintf(name, sizeof name, "%.*s", (int)length, line + 1);
    int kind = section_named(name);
    if (kind < 0 || length >= sizeof name) return refuse(reading, "unknown section [%s]", name);
    struct budget *budget = reading->budget;
    struct budget_section *section = LIST_ADD(budget->sections, budget->count);
    if (!section) {
        reading->result = -ENOMEM;
        return false;
    }
    *section = (struct budget_section){
        .kind = (enum section_kind)kind, .line = reading->line, .tolerance = 0.25, .settings = GROWTH_SETTINGS_DEFAULT};
    return true;
}

/* What inih would misread or cut: everything must stand as it will be understood. */
static bool check_line(struct reading *reading, const char *line) {
    if (*line == '\0' || *line == '#' || *line == ';') return true;
    if (*line == ' ' || *line == '\t')
        return line[strspn(line, " \t")] == '\0' || refuse(reading, "keys stand flush left");
    if (strlen(line) > MOST_LINE) return refuse(reading, "longer than %d characters", MOST_LINE);
    if (*line == '[') return begin_section(reading, line);
    const char *equals = strchr(line, '=');
    if (!equals) return refuse(reading, "expected KEY = VALUE");
    if (memchr(line, ':', (size_t)(equals - line))) return refuse(reading, "expected =, not :");
    if (memchr(line, '[', (size_t)(equals - line)) || memchr(line, ']', (size_t)(equals - line)))
        return refuse(reading, "a bracket in a key: patterns are values, as in match = GLOB");
    if (equals - line > MOST_KEY) return refuse(reading, "a key longer than %d characters", MOST_KEY);
    if (reading->budget->count == 0) return refuse(reading, "a key before the first [section]");
    return true;
}

static char *read_line(char *text, int size, void *context) {
    struct reading *reading = context;
    char *line = NULL;
    size_t room = 0;
    text[0] = '\0';
    if (reading->result || getline(&line, &room, reading->file) < 0) {
        free(line);
        return NULL;
    }
    line[strcspn(line, "\r\n")] = '\0';
    reading->line++;
    if (reading->line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0) memmove(line, line + 3, strlen(line + 3) + 1);
    bool good = check_line(reading, line);
    if (good) snprintf(text, (size_t)size, "%s\n", line);
    free(line);
    return good ? text : NULL;
}

/* Declarations: keys that are no limits. */

typedef bool (*setter)(struct reading *reading, struct budget_section *section, void *field, const char *value);

static bool set_text(struct reading *reading, struct budget_section *section, void *field, const char *value) {
    char **text = field;
    (void)section;
    free(*text);
    *text = keep(reading, value);
    return *text != NULL;
}

static bool set_flag(struct reading *reading, struct budget_section *section, void *field, const char *value) {
    bool *flag = field;
    (void)section;
    *flag = strcmp(value, "yes") == 0;
    return *flag || strcmp(value, "no") == 0 || refuse(reading, "expected yes or no");
}

static bool set_limit(struct reading *reading, double *field, enum limit_unit unit, const char *value) {
    return limit_parse(value, unit, field) || refuse(reading, "expected %s, not `%s`", limit_expects(unit), value);
}

static bool set_share(struct reading *reading, struct budget_section *section, void *field, const char *value) {
    (void)section;
    return set_limit(reading, field, LIMIT_SHARE, value);
}

static bool set_number(struct reading *reading, struct budget_section *section, void *field, const char *value) {
    (void)section;
    return set_limit(reading, field, LIMIT_NUMBER, value);
}

static bool set_rounds(struct reading *reading, struct budget_section *section, void *field, const char *value) {
    int64_t *rounds = field;
    double count;
    (void)section;
    if (!set_limit(reading, &count, LIMIT_COUNT, value)) return false;
    *rounds = (int64_t)count;
    return true;
}

static bool set_match(struct reading *reading, struct budget_section *section, void *field, const char *value) {
    if (section->kind == SECTION_SITE && !section->compiled) {
        if (regcomp(&section->pattern, value, REG_EXTENDED | REG_NOSUB) != 0)
            return refuse(reading, "not a regular expression: %s", value);
        section->compiled = true;
    }
    return set_text(reading, section, field, value);
}

static bool set_until(struct reading *reading, struct budget_section *section, void *field, const char *value) {
    int year, month, day, end = 0;
    char date[48]; /* with all its digits, for dates are compared as text */
    bool good = sscanf(value, "%4d-%2d-%2d%n", &year, &month, &day, &end) == 3 && value[end] == '\0';
    if (!good || year < 0 || month < 1 || month > 12 || day < 1 || day > 31)
        return refuse(reading, "expected a date such as 2030-12-31");
    snprintf(date, sizeof date, "%04d-%02d-%02d", year, month, day);
    return set_text(reading, section, field, date);
}

static bool set_ignore(struct reading *reading, struct budget_section *section, void *field, const char *value) {
    bool *ignore = field;
    (void)section;
    *ignore = strcmp(value, "leak") == 0 || strcmp(value, "yes") == 0;
    return *ignore || refuse(reading, "expected ignore = leak");
}

static bool set_warm_up(struct reading *reading, struct budget_section *section, void *field, const char *value) {
    if (strchr(value, '%')) return set_share(reading, section, &section->settings.warm_up_share, value);
    return set_rounds(reading, section, field, value);
}

static bool set_overhead(struct reading *reading, struct budget_section *section, void *field, const char *value) {
    if (strcmp(value, "constant") != 0 && strcmp(value, "linear") != 0)
        return refuse(reading, "expected constant or linear");
    return set_text(reading, section, field, value);
}

static bool set_throughput(struct reading *reading, struct budget_section *section, void *field, const char *value) {
    if (strcmp(value, "constant") != 0) return refuse(reading, "expected constant");
    return set_text(reading, section, field, value);
}

#define IN(section) (1u << (SECTION_##section))
#define AT(field) offsetof(struct budget_section, field)

struct declaration_row {
    unsigned sections;
    const char *key;
    setter set;
    size_t field; /* of struct budget_section */
    size_t warns; /* the flag that is set as well; 0: none */
};

static const struct declaration_row declarations[] = {
    {IN(PHASE) | IN(SCALING) | IN(CAPACITY) | IN(SITE) | IN(PROCESS), "match", set_match, AT(match), 0},
    {IN(PHASE) | IN(SCALING) | IN(CAPACITY) | IN(SITE) | IN(PROCESS) | IN(COMPARE), "optional", set_flag, AT(optional),
     0},
    {IN(COMPARE), "a", set_match, AT(match), 0},
    {IN(COMPARE), "b", set_text, AT(other), 0},
    {IN(PHASE), "steady", set_flag, AT(steady), 0},
    {IN(PHASE), "builds", set_flag, AT(builds), 0},
    {IN(PHASE), "warm-up", set_warm_up, AT(settings.warm_up_rounds), 0},
    {IN(PHASE), "lag", set_rounds, AT(settings.lag), 0},
    {IN(SCALING), "overhead", set_overhead, AT(overhead), 0},
    {IN(SCALING), "throughput", set_throughput, AT(throughput), 0},
    {IN(SCALING), "warn-overhead", set_overhead, AT(overhead), AT(warn_overhead)},
    {IN(SCALING), "warn-throughput", set_throughput, AT(throughput), AT(warn_throughput)},
    {IN(SCALING), "tolerance", set_share, AT(tolerance), 0},
    {IN(CAPACITY), "min-level", set_number, AT(min_level), 0},
    {IN(CAPACITY), "warn-min-level", set_number, AT(min_level), AT(warn_min_level)},
    {IN(SITE) | IN(PROCESS), "ignore", set_ignore, AT(ignore), 0},
    {IN(SITE) | IN(PROCESS), "reason", set_text, AT(reason), 0},
    {IN(SITE) | IN(PROCESS), "until", set_until, AT(until), 0},
    {IN(BASELINE) | IN(SUPPRESS), "file", set_text, AT(file), 0},
};

static const struct declaration_row *find_declaration(enum section_kind kind, const char *key) {
    for (size_t i = 0; i < sizeof declarations / sizeof *declarations; i++)
        if ((declarations[i].sections & (1u << kind)) && strcmp(declarations[i].key, key) == 0) return &declarations[i];
    return NULL;
}

/* Rules. */

static const char *skip_blanks(const char *text) { return text + strspn(text, " \t"); }

/* `value NAME = <= 5`, also >= and =. */
static bool parse_value_rule(struct reading *reading, struct budget_rule *rule, const char *key, const char *value) {
    rule->name = keep(reading, skip_blanks(key + strlen("value ")));
    rule->comparison = value[0] == '>' ? AT_LEAST : value[0] == '<' ? AT_MOST : EQUAL;
    size_t sign = strspn(value, "<>=");
    if (sign > 2 || (value[0] != '=' && sign == 1)) return refuse(reading, "expected <=, >= or = before the number");
    return set_limit(reading, &rule->limit, LIMIT_NUMBER, skip_blanks(value + sign));
}

/* `10% within 60s` */
static bool parse_recovery(struct reading *reading, struct budget_rule *rule, const char *value) {
    char share[32];
    const char *within = strstr(value, " within ");
    if (!within || (size_t)(within - value) >= sizeof share)
        return refuse(reading, "expected SHARE within TIME, such as 10%% within 60s");
    snprintf(share, sizeof share, "%.*s", (int)(within - value), value);
    return set_limit(reading, &rule->limit, LIMIT_SHARE, share) &&
           set_limit(reading, &rule->within, LIMIT_TIME, skip_blanks(within + strlen(" within ")));
}

/* `signal:9`, `code:3`, `3` */
static bool parse_exit(struct reading *reading, struct budget_rule *rule, const char *value) {
    const char *colon = strchr(value, ':');
    bool known = !colon || strncmp(value, "signal:", 7) == 0 || strncmp(value, "code:", 5) == 0;
    if (!known) return refuse(reading, "expected signal:N or code:N");
    return set_limit(reading, &rule->limit, LIMIT_COUNT, colon ? colon + 1 : value);
}

static bool parse_limit(struct reading *reading, struct budget_rule *rule, const char *key, const char *value) {
    if (strncmp(key, "value ", 6) == 0) return parse_value_rule(reading, rule, key, value);
    if (strncmp(key, "recover-", 8) == 0) return parse_recovery(reading, rule, value);
    if (strcmp(key, "expect-exit") == 0) return parse_exit(reading, rule, value);
    return set_limit(reading, &rule->limit, rule->row->unit, value);
}

static bool add_rule(struct reading *reading, struct budget_section *section, const char *key, const char *value) {
    bool warn = strncmp(key, "warn-", 5) == 0;
    const char *plain = warn ? key + 5 : key;
    bool named = strncmp(plain, "value ", 6) == 0;
    const struct rule_row *row = rule_row_of(section->kind, named ? "value" : plain);
    if (!row || (!named && strcmp(plain, "value") == 0))
        return refuse(reading, "unknown key `%s` in [%s]", key, section_names[section->kind]);
    struct budget_rule *rule = LIST_ADD(section->rules, section->rule_count);
    if (!rule) {
        reading->result = -ENOMEM;
        return false;
    }
    *rule = (struct budget_rule){.row = row, .comparison = row->comparison, .warn = warn, .text = keep(reading, value)};
    return rule->text && parse_limit(reading, rule, plain, value);
}

/* One that is said again would replace the first without a word. */
static bool is_repeated(struct budget_section *section, const struct declaration_row *row) {
    uint32_t bit = UINT32_C(1) << (row - declarations);
    bool repeated = section->declared & bit;
    section->declared |= bit;
    return repeated;
}

static int take_key(void *context, const char *section_name, const char *key, const char *value) {
    struct reading *reading = context;
    (void)section_name;
    if (reading->result) return 0;
    struct budget_section *section = &reading->budget->sections[reading->budget->count - 1];
    const struct declaration_row *declaration = find_declaration(section->kind, key);
    if (*value == '\0') return refuse(reading, "`%s` has no value", key);
    if (declaration && is_repeated(section, declaration)) return refuse(reading, "`%s` stands twice", key);
    if (!declaration) return add_rule(reading, section, key, value);
    if (declaration->warns) *(bool *)((char *)section + declaration->warns) = true;
    return declaration->set(reading, section, (char *)section + declaration->field, value);
}

static bool needs_match(const struct budget_section *section) {
    return find_declaration(section->kind, "match") != NULL || section->kind == SECTION_COMPARE;
}

static void check_sections(struct reading *reading) {
    for (size_t i = 0; i < reading->budget->count; i++) {
        const struct budget_section *section = &reading->budget->sections[i];
        reading->line = section->line;
        if (needs_match(section) && !section->match)
            refuse(reading, "[%s] needs %s", section_names[section->kind],
                   section->kind == SECTION_COMPARE ? "a and b" : "match");
        if (section->kind == SECTION_COMPARE && !section->other) refuse(reading, "[compare] needs a and b");
    }
}

static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path + 1)) : strdup("");
}

/* Names of files stand relative to the budget's. */
static void resolve_files(struct reading *reading) {
    for (size_t i = 0; i < reading->budget->count; i++) {
        struct budget_section *section = &reading->budget->sections[i];
        char *whole = NULL;
        if (!section->file || section->file[0] == '/') continue;
        if (asprintf(&whole, "%s%s", reading->budget->folder, section->file) < 0) {
            reading->result = -ENOMEM;
            return;
        }
        free(section->file);
        section->file = whole;
    }
}

int budget_read(const char *path, struct budget **out, struct rule_error *error) {
    *error = (struct rule_error){.line = 0};
    struct reading reading = {.file = fopen(path, "re"), .error = error};
    if (!reading.file) return -errno;
    reading.budget = calloc(1, sizeof *reading.budget);
    if (reading.budget) reading.budget->folder = folder_of(path);
    if (reading.budget && reading.budget->folder) ini_parse_stream(read_line, &reading, take_key, &reading);
    else reading.result = -ENOMEM;
    fclose(reading.file);
    if (!reading.result) check_sections(&reading);
    if (!reading.result) resolve_files(&reading);
    if (reading.result) budget_release(reading.budget);
    else *out = reading.budget;
    return reading.result;
}

static void release_section(struct budget_section *section) {
    char *texts[] = {section->match, section->other,    section->file,      section->reason,
                     section->until, section->overhead, section->throughput};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
    if (section->compiled) regfree(&section->pattern);
    for (size_t i = 0; i < section->rule_count; i++) {
        free(section->rules[i].text);
        free(section->rules[i].name);
    }
    free(section->rules);
}

void budget_release(struct budget *budget) {
    if (!budget) return;
    for (size_t i = 0; i < budget->count; i++) release_section(&budget->sections[i]);
    free(budget->sections);
    free(budget->folder);
    free(budget);
}

/* Declarations, asked for. */

static const char *file_of(const struct budget *budget, enum section_kind kind) {
    for (size_t i = 0; i < budget->count; i++)
        if (budget->sections[i].kind == kind && budget->sections[i].file) return budget->sections[i].file;
    return NULL;
}

const char *budget_baseline(const struct budget *budget) { return file_of(budget, SECTION_BASELINE); }
const char *budget_suppressions(const struct budget *budget) { return file_of(budget, SECTION_SUPPRESS); }

bool budget_phase_facts(void *context, const char *phase, struct phase_facts *out) {
    const struct budget *budget = context;
    bool any = false;
    for (size_t i = 0; i < budget->count; i++) {
        const struct budget_section *section = &budget->sections[i];
        if (section->kind != SECTION_PHASE || fnmatch(section->match, phase, 0) != 0) continue;
        any = true;
        out->steady |= section->steady;
        out->builds |= section->builds;
        if (section->settings.warm_up_rounds >= 0 || section->settings.warm_up_share >= 0) {
            out->settings.warm_up_rounds = section->settings.warm_up_rounds;
            out->settings.warm_up_share = section->settings.warm_up_share;
        }
        if (section->settings.lag >= 0) out->settings.lag = section->settings.lag;
    }
    return any;
}

static bool is_ignore(const struct budget_section *section) { return section->ignore; }

/* An ignore that ended before the trace was made is none. Dates compare as text: the trace's begins with YYYY-MM-DD. */
static bool in_force(const struct budget_section *section, const struct report *report) {
    const char *date = report->process_count ? report->processes[0].started : NULL;
    return !section->until || !date || strncmp(date, section->until, strlen(section->until)) <= 0;
}

bool budget_section_matches_site(const struct budget_section *section, const struct report_site *site) {
    for (size_t i = 0; i < site->depth; i++) {
        const char *function = site->stack[i].function;
        if (function && regexec(&section->pattern, function, 0, NULL, 0) == 0) return true;
    }
    return site->depth == 0 && site->function && regexec(&section->pattern, site->function, 0, NULL, 0) == 0;
}

bool budget_section_matches_exe(const struct budget_section *section, const char *exe) {
    return exe && (fnmatch(section->match, exe, 0) == 0 || fnmatch(section->match, file_name(exe), 0) == 0);
}

bool budget_names_process(void *context, const char *exe) {
    const struct budget *budget = context;
    for (size_t i = 0; i < budget->count; i++) {
        const struct budget_section *section = &budget->sections[i];
        if (section->kind == SECTION_PROCESS && budget_section_matches_exe(section, exe)) return true;
    }
    return false;
}

static bool has_site_rules(const struct budget_section *section) {
    return section->kind == SECTION_SITE && section->rule_count;
}

bool budget_names_sites(const struct budget *budget) {
    for (size_t i = 0; i < budget->count; i++)
        if (has_site_rules(&budget->sections[i])) return true;
    return false;
}

bool budget_names_site(void *context, const struct report_site *site) {
    const struct budget *budget = context;
    for (size_t i = 0; i < budget->count; i++)
        if (has_site_rules(&budget->sections[i]) && budget_section_matches_site(&budget->sections[i], site))
            return true;
    return false;
}

static bool matches_process(const struct budget_section *section, const struct report *report,
                            const struct report_site *site) {
    return report->process_count && budget_section_matches_exe(section, report->processes[site->process_index].exe);
}

size_t budget_ignores(const struct budget *budget, const struct report *report, const struct report_site *site) {
    size_t number = 0;
    for (size_t i = 0; i < budget->count; i++) {
        const struct budget_section *section = &budget->sections[i];
        if (!is_ignore(section)) continue;
        bool match = section->kind == SECTION_SITE ? budget_section_matches_site(section, site)
                                                   : matches_process(section, report, site);
        if (match && in_force(section, report)) return number;
        number++;
    }
    return SIZE_MAX;
}

size_t budget_ignore_count(const struct budget *budget) {
    size_t count = 0;
    for (size_t i = 0; i < budget->count; i++) count += is_ignore(&budget->sections[i]);
    return count;
}

const char *budget_ignore_text(const struct budget *budget, size_t index, struct arena *arena) {
    for (size_t i = 0; i < budget->count; i++) {
        const struct budget_section *section = &budget->sections[i];
        if (!is_ignore(section) || index-- > 0) continue;
        return arena_format(arena, "[%s] line %d: match = %s%s%s%s%s%s", section_names[section->kind], section->line,
                            section->match, section->reason ? " (" : "", section->reason ? section->reason : "",
                            section->reason ? ")" : "", section->until ? ", until " : "",
                            section->until ? section->until : "");
    }
    return "";
}

double budget_rss_limit(const struct budget *budget) {
    double lowest = NAN;
    for (size_t i = 0; i < budget->count; i++)
        for (size_t k = 0; k < budget->sections[i].rule_count; k++) {
            const struct budget_rule *rule = &budget->sections[i].rules[k];
            if (rule->row && strcmp(rule->row->key, "max-rss") == 0) lowest = fmin(lowest, rule->limit);
        }
    return lowest;
}
