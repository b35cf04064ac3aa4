/*
 * Commands whose names and options are settled but that this version lacks: they parse, say so, and end as wrong use.
 */
#include "groups.h"

struct later_values {
    struct common_values common;
    bool plain;
};

static const struct option_row watch_rows[] = {
    OPTION("plain", 0, OPTION_FLAG, NULL, offsetof(struct later_values, plain), "Lines for a log, no terminal control"),
};
static const struct option_group watch_options = {NULL, OPTION_ROWS(watch_rows)};
static const struct option_use watch_uses[] = {
    {&watch_options, 0},
    {&common_options, offsetof(struct later_values, common)},
    {NULL, 0},
};

static int run(void *values, int count, char **arguments) {
    (void)values, (void)count, (void)arguments;
    say("this command is not in this version of tidemark");
    return STATUS_USAGE;
}

const struct command command_watch = {
    .name = "watch",
    .arguments = "PID|TRACE",
    .summary = "A live view of a running target (not in this version)",
    .values_size = sizeof(struct later_values),
    .uses = watch_uses,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
