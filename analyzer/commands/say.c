/*
 * Messages of commands: one line each on stderr, in one write so that lines of a tree of processes do not mix.
 * They never go to stdout, which belongs to the report or to the program that is recorded.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "../text/printable.h"
#include "command.h"

#define LINE_MAX_BYTES 4096

static bool quiet;

void say_quietly(bool wanted) { quiet = wanted; }
bool said_quietly(void) { return quiet; }

__attribute__((format(printf, 1, 0))) static void say_line(const char *format, va_list arguments) {
    char text[LINE_MAX_BYTES], line[PRINTABLE_GROWTH * LINE_MAX_BYTES + 16] = "tidemark: ";
    const size_t prefix = sizeof "tidemark: " - 1;
    int wanted = vsnprintf(text, sizeof text, format, arguments);
    size_t length = wanted < 0 ? 0 : (size_t)wanted < sizeof text ? (size_t)wanted : sizeof text - 1;
    length = prefix + printable_put(line + prefix, text, length);
    line[length] = '\n';
    fflush(stdout);
    if (write(STDERR_FILENO, line, length + 1) < 0) return;
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
