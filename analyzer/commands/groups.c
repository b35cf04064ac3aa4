/*
 * The rows of the option groups that several commands share, and the few values that need a parser of their own.
 */
#include "groups.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../report/filter.h"
#include "quantity.h"

#define AT(group, field) offsetof(struct group##_values, field)

/* Common. */

static int parse_color(void *field, const char *text) {
    static const char *const names[] = {[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"};
    enum color_mode *color = field;
    for (size_t i = 0; text && i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *color = (enum color_mode)i;
            return 0;
        }
    *color = COLOR_AUTO;
    return text ? -EINVAL : 0;
}

static const struct option_row common_rows[] = {
    OPTION("quiet", 'q', OPTION_FLAG, NULL, AT(common, quiet), "Say nothing but results and errors"),
    {"color", 0, OPTION_CUSTOM, "WHEN", AT(common, color), "In colour: auto (default), always or never", parse_color,
     "one of auto, always, never"},
};
const struct option_group common_options = {"Common:", OPTION_ROWS(common_rows)};

static bool environment_forbids_color(void) {
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return (no_color && *no_color) || (term && strcmp(term, "dumb") == 0);
}

bool color_wanted(const struct common_values *common, int fd) {
    switch (common->color) {
    case COLOR_ALWAYS: return true;
    case COLOR_NEVER: return false;
    case COLOR_AUTO: break;
    }
    return isatty(fd) && !environment_forbids_color();
}

/* Judging. */

static int parse_share(const char *text, double *share) {
    char *end;
    errno = 0;
    *share = strtod(text, &end) / 100;
    return errno || end == text || strcmp(end, "%") || !(*share >= 0 && *share <= 1) ? -EINVAL : 0;
}

static int parse_warm_up(void *field, const char *text) {
    struct warm_up_value *value = field;
    *value = (struct warm_up_value){OPTION_ABSENT, -1};
    if (!text) return 0;
    return strchr(text, '%') ? parse_share(text, &value->share) : quantity_count(text, &value->rounds);
}

#define MOST_STATUS 255 /* wait(2) tells no more: 256 would be a pass */

static int parse_status(void *field, const char *text) {
    int64_t *status = field;
    *status = OPTION_ABSENT;
    if (!text) return 0;
    int error = quantity_count(text, status);
    return !error && *status > MOST_STATUS ? -EINVAL : error;
}

static const struct option_row judging_rows[] = {
    OPTION("budget", 0, OPTION_TEXT, "FILE", AT(judging, budget), "Judge by the rules in this budget file"),
    OPTION("strict", 0, OPTION_FLAG, NULL, AT(judging, strict), "Warnings and a run in which nothing was judged fail"),
    {"warm-up", 0, OPTION_CUSTOM, "N|P%", AT(judging, warm_up),
     "First rounds that are no evidence (default: the larger of 1 and 10%)", parse_warm_up,
     "a number of rounds or a share such as 10%"},
    OPTION("lag", 0, OPTION_COUNT, "N", AT(judging, lag), "Rounds that a block may outlive its own"),
    OPTION("min-rounds", 0, OPTION_COUNT, "N", AT(judging, min_rounds), "Phases with fewer rounds are inconclusive"),
    OPTION("baseline", 0, OPTION_TEXT, "FILE", AT(judging, baseline),
           "Leaks that are known: only new or faster ones fail"),
    OPTION("update-baseline", 0, OPTION_FLAG, NULL, AT(judging, update_baseline),
           "Write the leaks that are found to the baseline; they do not fail this run"),
    OPTION("suppressions", 0, OPTION_TEXT, "FILE", AT(judging, suppressions),
           "Sites to ignore, in the syntax of LeakSanitizer"),
    {"leak-exitcode", 0, OPTION_CUSTOM, "N", AT(judging, leak_exitcode),
     "Exit status for a leak (default 10; 0: leaks do not fail, all else does)", parse_status,
     "an exit status from 0 to 255"},
    OPTION("allow-inconclusive", 0, OPTION_FLAG, NULL, AT(judging, allow_inconclusive),
           "What could not be judged does not fail"),
};
const struct option_group judging_options = {"Judging:", OPTION_ROWS(judging_rows)};

/* Filters. */

static int parse_phase(void *field, const char *text) {
    struct phase_value *value = field;
    *value = (struct phase_value){NULL, 0};
    if (!text) return 0;
    const char *hash = strrchr(text, '#');
    if (hash && (quantity_count(hash + 1, &value->round) || value->round == 0)) return -EINVAL;
    value->glob = hash ? strndup(text, (size_t)(hash - text)) : text;
    return value->glob && *value->glob ? 0 : -EINVAL;
}

static int parse_lifetime_end(const char *text, size_t length, int64_t open, int64_t *out) {
    char *copy = strndup(text, length);
    if (!copy) return -ENOMEM;
    *out = open;
    int error = length ? quantity_time(copy, out) : 0;
    free(copy);
    return error;
}

static int parse_lifetime(void *field, const char *text) {
    struct lifetime_value *value = field;
    *value = (struct lifetime_value){false, 0, INT64_MAX};
    if (!text) return 0;
    const char *dots = strstr(text, "..");
    if (!dots) return -EINVAL;
    value->given = true;
    int error = parse_lifetime_end(text, (size_t)(dots - text), 0, &value->from);
    if (!error) error = parse_lifetime_end(dots + 2, strlen(dots + 2), INT64_MAX, &value->to);
    return error || value->from > value->to ? -EINVAL : 0;
}

static int parse_pattern(void *field, const char *text) {
    regex_t pattern;
    *(const char **)field = text;
    if (!text) return 0;
    if (regcomp(&pattern, text, REG_EXTENDED | REG_NOSUB)) return -EINVAL;
    regfree(&pattern);
    return 0;
}

static int parse_sort(void *field, const char *text) {
    *(const char **)field = text;
    return !text || report_sorts_by(text) ? 0 : -EINVAL;
}

int parse_points(void *field, const char *text) {
    int64_t *points = field;
    *points = OPTION_ABSENT;
    if (!text) return 0;
    int error = quantity_count(text, points);
    return !error && (*points < FEWEST_POINTS || *points > MOST_POINTS) ? -EINVAL : error;
}

static const struct option_row filter_rows[] = {
    {"phase", 0, OPTION_CUSTOM, "GLOB[#ROUND]", AT(filter, phase), "Only these phases, or one round of them",
     parse_phase, "a pattern, or a pattern, # and a round from 1"},
    OPTION("from", 0, OPTION_TIME, "T", AT(filter, from), "Only from this time on, counted from the start"),
    OPTION("to", 0, OPTION_TIME, "T", AT(filter, to), "Only up to this time"),
    {"site", 0, OPTION_CUSTOM, "REGEX", AT(filter, site), "Only sites with a frame whose function matches",
     parse_pattern, "an extended regular expression"},
    OPTION("module", 0, OPTION_TEXT, "GLOB", AT(filter, module), "Only sites in these modules"),
    OPTION("thread", 0, OPTION_TEXT, "NAME|TID", AT(filter, thread), "Only what this thread allocated"),
    OPTION("min-size", 0, OPTION_SIZE, "SIZE", AT(filter, min_size), "Only blocks of at least this size"),
    OPTION("max-size", 0, OPTION_SIZE, "SIZE", AT(filter, max_size), "Only blocks of at most this size"),
    {"lifetime", 0, OPTION_CUSTOM, "A..B", AT(filter, lifetime),
     "Only blocks that lived from A to B; either may be left out", parse_lifetime, "two times such as 1ms..10s"},
    OPTION("top", 0, OPTION_COUNT, "N", AT(filter, top), "Show this many sites"),
    {"sort", 0, OPTION_CUSTOM, "KEY", AT(filter, sort),
     "Order sites by live, peak, allocated, allocations, temporary, rss or rss-peak", parse_sort,
     "one of live, peak, allocated, allocations, temporary, rss, rss-peak"},
    OPTION("depth", 0, OPTION_COUNT, "N", AT(filter, depth), "Show this many frames of a stack"),
    {"points", 0, OPTION_CUSTOM, "N", AT(filter, points), "Points of the curve (default 1000)", parse_points,
     EXPECTED_POINTS},
};
const struct option_group filter_options = {"Filters (what is shown, never the verdict):", OPTION_ROWS(filter_rows)};

struct filter_values filter_nothing(int64_t points) {
    return (struct filter_values){.from = OPTION_ABSENT,
                                  .to = OPTION_ABSENT,
                                  .min_size = OPTION_ABSENT,
                                  .max_size = OPTION_ABSENT,
                                  .top = OPTION_ABSENT,
                                  .depth = OPTION_ABSENT,
                                  .points = points};
}

/* Outputs. */

static const struct option_row output_rows[] = {
    OPTION("json", 0, OPTION_TEXT, "FILE", AT(output, json), "Write the report as JSON"),
    OPTION("html", 0, OPTION_TEXT, "FILE", AT(output, html), "Write the report as one HTML page"),
    OPTION("markdown", 0, OPTION_TEXT, "FILE", AT(output, markdown), "Write a summary as Markdown"),
    OPTION("junit", 0, OPTION_TEXT, "FILE", AT(output, junit), "Write the verdict as JUnit XML"),
    OPTION("sarif", 0, OPTION_TEXT, "FILE", AT(output, sarif), "Write the verdict as SARIF 2.1.0"),
    OPTION("github", 0, OPTION_FLAG, NULL, AT(output, github), "Print the verdict as GitHub annotations"),
};
const struct option_group output_options = {"Outputs (FILE - is stdout):", OPTION_ROWS(output_rows)};

/* Symbols and input. */

static const struct option_row symbol_rows[] = {
    OPTION("sysroot", 0, OPTION_TEXT, "DIR", AT(symbol, sysroot), "Look for the recorded modules below this folder"),
    OPTION("debug-path", 0, OPTION_LIST, "DIR", AT(symbol, debug_path), "Look for separate debug files here too"),
    OPTION("wrapper", 0, OPTION_LIST, "GLOB", AT(symbol, wrapper),
           "Functions like this only hand memory on: their caller is the call site"),
    OPTION("no-cache", 0, OPTION_FLAG, NULL, AT(symbol, no_cache),
           "Neither use nor keep names of earlier runs ($TIDEMARK_CACHE, else ~/.cache/tidemark)"),
};
const struct option_group symbol_options = {"Symbols:", OPTION_ROWS(symbol_rows)};

struct symbol_options symbol_options_of(const struct symbol_values *values) {
    return (struct symbol_options){.sysroot = values->sysroot,
                                   .debug_paths = values->debug_path.items,
                                   .debug_path_count = values->debug_path.count,
                                   .wrappers = values->wrapper.items,
                                   .wrapper_count = values->wrapper.count,
                                   .no_cache = values->no_cache};
}

static const struct option_row input_rows[] = {
    OPTION("self", 0, OPTION_FLAG, NULL, AT(input, self),
           "This trace alone, without the processes beside it in TRACE.d"),
    OPTION("phases", 0, OPTION_TEXT, "FILE", AT(input, phases), "Phases from a CSV file: name,begin_s,end_s"),
    OPTION("phase-by-function", 0, OPTION_LIST, "NAME[=REGEX]", AT(input, phase_by_function),
           "A phase for the time during which this function is on a stack"),
};
const struct option_group input_options = {"Input:", OPTION_ROWS(input_rows)};
