/*
 * tidemark: finds the command, hands it the rest of the line and returns its exit status.
 * Commands are rows of commands/commands.def; what they take and do is in commands/.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands/command.h"
#include "commands/parse.h"

const char *argp_program_version = "tidemark " TIDEMARK_VERSION;

#define COMMAND(name) extern const struct command command_##name;
#include "commands/commands.def"

static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "commands/commands.def"
    NULL,
};

enum { KEY_ROWS = 0x1000 };

static const struct command *find_command(const char *name) {
    const struct command *const *found = commands;
    while (*found && strcmp((*found)->name, name) != 0) found++;
    return *found;
}

static char *overview(void) {
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (!out) return NULL;
    fputs("Records every allocation of a program and says which call sites make its memory grow, in which phase of its "
          "work, "
          "and whether that is a leak.\vCommands:\n",
          out);
    for (const struct command *const *command = commands; *command; command++)
        fprintf(out, "  %-8s %s\n", (*command)->name, (*command)->summary);
    fputs("\n`tidemark COMMAND --help' lists the options of a command.", out);
    return fclose(out) == 0 ? text : NULL;
}

/* `tidemark help COMMAND` is `tidemark COMMAND --help`. */
static void turn_help(int argc, char **argv) {
    static char help_option[] = "--help";
    if (argc < 1 || strcmp(argv[0], "help") != 0) return;
    if (argc > 1) argv[0] = argv[1];
    argv[argc > 1] = help_option;
}

/* Output that could not be written must not look like success, nor help and version, after which argp exits. */
static void check_stdout(int status, void *unused) {
    (void)unused;
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    if (!failed) return;
    say("cannot write to stdout: %s", strerror(errno));
    if (!status) _exit(STATUS_INTERNAL);
}

static error_t parse_key(int key, char *text, struct argp_state *state) {
    int *first = state->input;
    switch (key) {
    case KEY_ROWS: command_print_rows(commands); exit(STATUS_OK);
    case ARGP_KEY_ARG:
        *first = state->next - 1;
        state->next = state->argc;
        return find_command(text) ? 0 : (argp_error(state, "'%s' is not a tidemark command", text), EINVAL);
    case ARGP_KEY_NO_ARGS: argp_state_help(state, stderr, ARGP_HELP_USAGE | ARGP_HELP_SEE); exit(STATUS_USAGE);
    default: return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv) {
    static const struct argp_option rows[] = {
        {.name = "rows", .key = KEY_ROWS, .flags = OPTION_HIDDEN},
        {0},
    };
    char *doc = overview();
    const struct argp argp = {.options = rows, .parser = parse_key, .args_doc = "COMMAND [ARG...]", .doc = doc};
    int first = 0;
    argp_err_exit_status = STATUS_USAGE;
    on_exit(check_stdout, NULL);
    turn_help(argc - 1, argv + 1);
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &first);
    free(doc);
    return command_run_line(find_command(argv[first]), argc - first, argv + first);
}
