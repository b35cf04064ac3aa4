/*
 * For a program whose first thread ends before the others, by pthread_exit in main: its entry in /proc looks like a
 * zombie's then. Other threads wait for that here. It allocates nothing.
 */
#ifndef TESTS_CLI_FIRST_THREAD_H
#define TESTS_CLI_FIRST_THREAD_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void wait_until_first_thread_ended(void) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)getpid());
    do {
        usleep(500);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = read(file, text, sizeof text - 1);
        if (length <= 0) abort();
        text[length] = 0;
        close(file);
    } while (strncmp(strrchr(text, ')'), ") Z", 3) != 0);
}

#endif
