/*
 * What a command is: a row of names, help and options, and a function that runs it.
 *
 * Each command lives in one file that defines `const struct command command_NAME`; main.c lists them in commands.def.
 * The command line is parsed by argp from the rows; help texts, man pages and shell completions come from the same
 * rows. Option values land in a struct of the command, zeroed before, which embeds the structs of the groups it uses
 * (groups.h); numbers that were not given are OPTION_ABSENT, texts NULL. Texts and lists live as long as the process.
 */
#ifndef COMMANDS_COMMAND_H
#define COMMANDS_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTION_ABSENT (-1)

enum exit_status {
    STATUS_OK = 0,
    STATUS_GREW = 1, /* diff --exit-code */
    STATUS_USAGE = 2,
    STATUS_UNREADABLE = 3,
    STATUS_INTERNAL = 4,
    STATUS_LEAK = 10,
    STATUS_BUDGET = 11,
    STATUS_INCONCLUSIVE = 12,
    STATUS_NOT_RECORDED = 13,
    STATUS_OWN_FAILURE = 125, /* run and record, as env and timeout do */
    STATUS_NOT_EXECUTABLE = 126,
    STATUS_NOT_FOUND = 127,
};

/* The type of the field at `offset` follows the kind. */
enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char * */
    OPTION_LIST,   /* struct option_list: may be given more than once */
    OPTION_COUNT,  /* int64_t, from 0 */
    OPTION_SIZE,   /* int64_t, bytes: 64k, 1.5M, 2G */
    OPTION_TIME,   /* int64_t, ns: 10ms, 30s, 5m */
    OPTION_CUSTOM, /* what parse() makes of it */
};

struct option_list {
    const char **items;
    size_t count;
};

struct option_row {
    const char *name; /* without dashes */
    char letter;      /* 0: none */
    enum option_kind kind;
    const char *argument; /* as shown in the help; NULL: takes none */
    size_t offset;        /* of its field in the group's struct */
    const char *help;
    int (*parse)(void *field, const char *text); /* OPTION_CUSTOM only; text may be NULL; 0 or -EINVAL */
    const char *expects; /* for the error: "a number of rounds or a share such as 10%"; completions offer what follows
                            "one of" */
};

struct option_group {
    const char *title; /* heading in the help; NULL: the command's own options */
    const struct option_row *rows;
    size_t count;
};

/* A group, and where its struct lies in the command's values. */
struct option_use {
    const struct option_group *group;
    size_t offset;
};

struct command {
    const char *name;
    const char *arguments; /* "TRACE..." */
    const char *summary;   /* one line, no full stop */
    const char *text;      /* what the help and the man page say further; paragraphs end with a blank line */
    size_t values_size;
    const struct option_use *uses; /* ends with a NULL group */
    int min_arguments;
    int max_arguments;    /* -1: any number */
    bool ends_at_command; /* options end at the first argument, which is a program to start */
    int usage_status;     /* exit status of a usage error; 0: STATUS_USAGE */
    int (*run)(void *values, int count, char **arguments); /* returns the exit status */
};

/* A row of any kind but OPTION_CUSTOM. */
#define OPTION(name, letter, kind, argument, offset, help)                                                             \
    { name, letter, kind, argument, offset, help, NULL, NULL }
#define OPTION_ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

/* Messages of commands: one line on stderr, after the command's name; the line end is added. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same unless -q was given. */
void say_unless_quiet(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say_quietly(bool quiet); /* what say_unless_quiet obeys; the framework sets it from -q */
bool said_quietly(void);

#endif
