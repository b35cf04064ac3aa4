/*
 * For a program in C or C++ whose phases come from its output, which goes to the file PASSED_ON: all_taken() returns
 * once the edges of all lines so far have been posted. What was read is passed on first and looked at then, so that the
 * second line is there only when all before the first have been looked at. Alone it does nothing but print the two. It
 * allocates nothing.
 */
#ifndef TESTS_CLI_TAKEN_H
#define TESTS_CLI_TAKEN_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void wait_until_passed_on(const char *line) {
    static char text[1 << 16];
    const char *path = getenv("PASSED_ON");
    if (path) do {
            usleep(500);
            int file = open(path, O_RDONLY | O_CLOEXEC);
            ssize_t length = read(file, text, sizeof text - 1);
            if (length < 0) abort();
            text[length] = 0;
            close(file);
        } while (!strstr(text, line));
}

static inline void all_taken(void) {
    static int times;
    for (int i = 0; i < 2; i++) {
        char line[32];
        snprintf(line, sizeof line, "taken %d\n", ++times);
        fputs(line, stdout);
        fflush(stdout);
        wait_until_passed_on(line);
    }
}

#endif
