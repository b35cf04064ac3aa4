/*
 * From a command's rows to values: the binding to argp. Used by main.c alone.
 */
#ifndef COMMANDS_PARSE_H
#define COMMANDS_PARSE_H

#include "command.h"

/* Parses argv (argv[0] is ignored), runs the command and returns its exit status. --help and usage errors exit. */
int command_run_line(const struct command *command, int argc, char **argv);
/* Prints every command and option as tab-separated rows: what man pages and completions are made from. */
void command_print_rows(const struct command *const *commands);

#endif
