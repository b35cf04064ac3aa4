/*
 * Binds a command's rows to glibc's argp and runs the command.
 *
 * The rows of all groups are flattened into one array of bound rows, each with the address of its field; argp's keys
 * are a row's letter or its index above the range of characters. A wrong value or an option that this version lacks is
 * a usage error: argp prints it and exits with the command's usage status.
 */
#include "parse.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "groups.h"
#include "quantity.h"

#define KEY_BASE 0x1000

struct bound_row {
    const struct option_row *row;
    void *field;
};

struct line {
    const struct command *command;
    char *values;
    struct bound_row *rows;
    size_t row_count;
    struct argp_option *argp_rows;
    char *help;
    char **arguments;
    int argument_count;
};

static void *must(void *memory) {
    if (memory) return memory;
    say("out of memory");
    exit(STATUS_INTERNAL);
}

/* Values. */

static bool is_number(enum option_kind kind) {
    return kind == OPTION_COUNT || kind == OPTION_SIZE || kind == OPTION_TIME;
}

static void append(struct option_list *list, const char *text) {
    list->items = must(realloc(list->items, (list->count + 1) * sizeof *list->items));
    list->items[list->count++] = text;
}

static int set_value(const struct bound_row *bound, const char *text) {
    switch (bound->row->kind) {
    case OPTION_FLAG: *(bool *)bound->field = true; return 0;
    case OPTION_TEXT: *(const char **)bound->field = text; return 0;
    case OPTION_LIST: append(bound->field, text); return 0;
    case OPTION_COUNT: return quantity_count(text, bound->field);
    case OPTION_SIZE: return quantity_size(text, bound->field);
    case OPTION_TIME: return quantity_time(text, bound->field);
    case OPTION_CUSTOM: return bound->row->parse(bound->field, text);
    }
    return -EINVAL;
}

static const char *expected(const struct option_row *row) {
    switch (row->kind) {
    case OPTION_COUNT: return "a whole number";
    case OPTION_SIZE: return "a size such as 64k, 1.5M or 2G";
    case OPTION_TIME: return "a time such as 10ms, 30s or 5m";
    case OPTION_CUSTOM: return row->expects;
    case OPTION_FLAG:
    case OPTION_TEXT:
    case OPTION_LIST: break;
    }
    return "valid";
}

static error_t take_option(const struct bound_row *bound, const char *text, struct argp_state *state) {
    int error = set_value(bound, text);
    if (error == -ERANGE) argp_error(state, "--%s: '%s' is too large", bound->row->name, text);
    else if (error) argp_error(state, "--%s: '%s' is not %s", bound->row->name, text, expected(bound->row));
    return 0;
}

/* Rows. */

static size_t count_rows(const struct command *command) {
    size_t count = 0;
    for (const struct option_use *use = command->uses; use->group; use++) count += use->group->count;
    return count;
}

static void bind_group(struct line *line, const struct option_use *use) {
    for (size_t i = 0; i < use->group->count; i++) {
        const struct option_row *row = &use->group->rows[i];
        void *field = line->values + use->offset + row->offset;
        line->rows[line->row_count++] = (struct bound_row){row, field};
        if (is_number(row->kind)) *(int64_t *)field = OPTION_ABSENT;
        if (row->kind == OPTION_CUSTOM) row->parse(field, NULL);
    }
}

static void bind_rows(struct line *line) {
    line->rows = must(calloc(count_rows(line->command) + 1, sizeof *line->rows));
    for (const struct option_use *use = line->command->uses; use->group; use++) bind_group(line, use);
}

static int key_of(const struct line *line, size_t index) {
    char letter = line->rows[index].row->letter;
    return letter ? letter : KEY_BASE + (int)index;
}

static const struct bound_row *row_of(const struct line *line, int key) {
    for (size_t i = 0; i < line->row_count; i++)
        if (key_of(line, i) == key) return &line->rows[i];
    return NULL;
}

static void check_argument_count(const struct line *line, const struct argp_state *state) {
    const struct command *command = line->command;
    if (line->argument_count < command->min_arguments)
        argp_error(state, "missing argument: tidemark %s %s", command->name, command->arguments);
    if (command->max_arguments >= 0 && line->argument_count > command->max_arguments)
        argp_error(state, "too many arguments, from '%s' on", line->arguments[command->max_arguments]);
}

static error_t take_argument(struct line *line, char *text, struct argp_state *state) {
    line->arguments[line->argument_count++] = text;
    if (!line->command->ends_at_command) return 0;
    while (state->next < state->argc) line->arguments[line->argument_count++] = state->argv[state->next++];
    return 0;
}

static error_t parse_key(int key, char *text, struct argp_state *state) {
    struct line *line = state->input;
    const struct bound_row *bound = row_of(line, key);
    if (bound) return take_option(bound, text, state);
    if (key == ARGP_KEY_ARG) return take_argument(line, text, state);
    if (key == ARGP_KEY_END) check_argument_count(line, state);
    return key == ARGP_KEY_END ? 0 : ARGP_ERR_UNKNOWN;
}

/* argp's form of the rows. */

static struct argp_option argp_row(const struct line *line, size_t index, int group) {
    const struct option_row *row = line->rows[index].row;
    return (struct argp_option){
        .name = row->name, .key = key_of(line, index), .arg = row->argument, .doc = row->help, .group = group};
}

/* Groups in the order of the uses; the common one last, where argp puts --help. */
static int group_number(const struct option_group *group, int order) { return group == &common_options ? -1 : order; }

static struct argp_option *argp_rows(const struct line *line) {
    struct argp_option *all = must(calloc(2 * line->row_count + 2, sizeof *all)), *at = all;
    size_t index = 0;
    int order = 0;
    for (const struct option_use *use = line->command->uses; use->group; use++) {
        int group = group_number(use->group, ++order);
        if (use->group->title) *at++ = (struct argp_option){.doc = use->group->title, .group = group};
        for (size_t i = 0; i < use->group->count; i++) *at++ = argp_row(line, index++, group);
    }
    return all;
}

static char *help_text(const struct command *command) {
    char *text;
    if (asprintf(&text, "%s.\v%s", command->summary, command->text) < 0) must(NULL);
    return text;
}

static void parse_line(struct line *line, int argc, char **argv) {
    line->argp_rows = argp_rows(line);
    line->help = help_text(line->command);
    struct argp argp = {
        .options = line->argp_rows, .parser = parse_key, .args_doc = line->command->arguments, .doc = line->help};
    if (asprintf(&argv[0], "tidemark %s", line->command->name) < 0) must(NULL);
    argp_err_exit_status = line->command->usage_status ? line->command->usage_status : STATUS_USAGE;
    argp_parse(&argp, argc, argv, line->command->ends_at_command ? ARGP_IN_ORDER : 0, NULL, line);
}

static bool quiet_wanted(const struct line *line) {
    const struct bound_row *quiet = row_of(line, 'q');
    return quiet && *(const bool *)quiet->field;
}

int command_run_line(const struct command *command, int argc, char **argv) {
    static struct line line; /* lives as long as the process, as the values that are handed out do */
    line.command = command;
    line.values = must(calloc(1, command->values_size));
    line.arguments = must(calloc((size_t)argc + 1, sizeof *line.arguments));
    bind_rows(&line);
    parse_line(&line, argc, argv);
    say_quietly(quiet_wanted(&line));
    return command->run(line.values, line.argument_count, line.arguments);
}

/* Rows for man pages and completions: a tag and tab-separated fields; line ends within a text become \n. */

static void print_field(const char *text) {
    putchar('\t');
    for (; text && *text; text++) {
        if (*text == '\n') fputs("\\n", stdout);
        else putchar(*text);
    }
}

static void print_option(const struct command *command, const struct option_group *group,
                         const struct option_row *row) {
    char letter[2] = {row->letter, 0};
    const char *fields[] = {command->name, group->title, row->name, letter, row->argument, row->help, row->expects};
    fputs("option", stdout);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) print_field(fields[i]);
    putchar('\n');
}

static void print_command(const struct command *command) {
    const char *fields[] = {command->name, command->arguments, command->summary, command->text};
    fputs("command", stdout);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) print_field(fields[i]);
    putchar('\n');
    for (const struct option_use *use = command->uses; use->group; use++)
        for (size_t i = 0; i < use->group->count; i++) print_option(command, use->group, &use->group->rows[i]);
}

void command_print_rows(const struct command *const *commands) {
    for (; *commands; commands++) print_command(*commands);
}
