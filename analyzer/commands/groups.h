/*
 * Option groups that several commands share, with the structs that hold their values.
 *
 * A command embeds the structs it needs in its values and names the groups in its uses. Names and meaning of the
 * options are fixed; see also command.h for what absent values are.
 */
#ifndef COMMANDS_GROUPS_H
#define COMMANDS_GROUPS_H

#include "../symbols/symbols.h"
#include "command.h"

enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct common_values {
    bool quiet;
    enum color_mode color;
};
extern const struct option_group common_options;
/* Whether to colour what goes to this stream: --color, NO_COLOR, TERM=dumb and whether it is a terminal. */
bool color_wanted(const struct common_values *common, int fd);

struct warm_up_value {
    int64_t rounds; /* OPTION_ABSENT when given as a share or not at all */
    double share;   /* 0..1; negative: not given */
};
struct judging_values {
    const char *budget;
    bool strict;
    struct warm_up_value warm_up;
    int64_t lag, min_rounds;
    const char *baseline;
    bool update_baseline;
    const char *suppressions;
    int64_t leak_exitcode;
    bool allow_inconclusive;
};
extern const struct option_group judging_options;

struct phase_value {
    const char *glob; /* NULL: all phases */
    int64_t round;    /* from 1; 0: all rounds */
};
struct lifetime_value {
    bool given;
    int64_t from, to; /* ns; to is INT64_MAX when open */
};
/* Of a curve: its highest point and its last one, and more than any trace has intervals. */
#define FEWEST_POINTS 2
#define MOST_POINTS 100000
#define EXPECTED_POINTS "a number of points from 2 to 100000"
int parse_points(void *field, const char *text); /* int64_t */

struct filter_values {
    struct phase_value phase;
    int64_t from, to; /* ns since the start of the trace */
    const char *site, *module, *thread;
    int64_t min_size, max_size;
    struct lifetime_value lifetime;
    int64_t top;
    const char *sort;
    int64_t depth, points;
};
extern const struct option_group filter_options;
/* Shows all; the curve with so many points (OPTION_ABSENT: as it is judged). */
struct filter_values filter_nothing(int64_t points);

struct output_values { /* file names; "-" is stdout */
    const char *json, *html, *markdown, *junit, *sarif;
    bool github;
};
extern const struct option_group output_options;

struct symbol_values {
    const char *sysroot;
    struct option_list debug_path, wrapper;
    bool no_cache;
};
extern const struct option_group symbol_options;
/* What the values mean to the resolver; the strings stay theirs. */
struct symbol_options symbol_options_of(const struct symbol_values *values);

struct input_values { /* how a TRACE argument is read */
    bool self;
    const char *phases;
    struct option_list phase_by_function; /* NAME[=REGEX] */
};
extern const struct option_group input_options;

#endif
