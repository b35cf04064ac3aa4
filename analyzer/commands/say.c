/*
 * Messages of commands: one line each on stderr, in one write so that lines of a tree of processes do not mix.
 * They never go to stdout, which belongs to the report or to the program that is recorded.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "command.h"

#define LINE_MAX_BYTES 4096

static bool quiet;

void say_quietly(bool wanted) { quiet = wanted; }
bool said_quietly(void) { return quiet; }

__attribute__((format(printf, 1, 0))) static void say_line(const char *format, va_list arguments) {
    char line[LINE_MAX_BYTES] = "tidemark: ";
    const size_t prefix = sizeof "tidemark: " - 1, room = sizeof line - prefix - 1;
    int wanted = vsnprintf(line + prefix, room, format, arguments);
    size_t length = wanted < 0 ? 0 : (size_t)wanted < room ? (size_t)wanted : room - 1;
    line[prefix + length] = '\n';
    fflush(stdout);
    if (write(STDERR_FILENO, line, prefix + length + 1) < 0) return;
}

void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say_line(format, arguments);
    va_end(arguments);
}

void say_unless_quiet(const char *format, ...) {
    if (quiet) return;
    va_list arguments;
    va_start(arguments, format);
    say_line(format, arguments);
    va_end(arguments);
}
