/*
 * What runs while the recorder's system calls fail (drive.py): allocations whose number is known, over more than one
 * ring, a phase in rounds, and threads, a fork or an exec, as the argument says. Prints a checksum of what it kept in
 * its blocks.
 *
 * Usage: target single|threads|fork|exec
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../include/tidemark.h"

enum { ROUNDS = 3, BLOCKS = 6000, KEPT = 32, THREADS = 3, SIZE = 60001 };

static uint64_t fill(uint64_t sum) {
    unsigned char *kept[KEPT] = {0};
    for (unsigned i = 0; i < BLOCKS; i++) {
        unsigned char **place = &kept[i * 7 % KEPT];
        if (*place) sum += **place + (*place)[99];
        free(*place);
        *place = malloc(i % 100 ? 100 + i % 50 : SIZE);
        **place = (unsigned char)i;
        (*place)[99] = (unsigned char)(i >> 8);
    }
    for (unsigned i = 0; i < KEPT; i++) free(kept[i]);
    return sum;
}

static void *rounds(void *sum) {
    for (int i = 0; i < ROUNDS; i++) {
        tidemark_op_begin("fill");
        *(uint64_t *)sum = fill(*(uint64_t *)sum);
        tidemark_op_end("fill", true);
    }
    return NULL;
}

static uint64_t threads(void) {
    pthread_t thread[THREADS];
    uint64_t sums[THREADS] = {1, 2, 3}, sum = 0;
    int ends[2];
    char byte;
    if (pipe(ends)) exit(89);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&thread[i], NULL, rounds, &sums[i])) exit(90);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        sum += sums[i];
    }
    close(ends[1]);
    if (read(ends[0], &byte, 1)) exit(88); /* waits for ever if anybody else holds the other end */
    close(ends[0]);
    return sum;
}

static int in_child(char **argv, const char *how) {
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) return 91;
    if (child == 0 && !strcmp(how, "exec")) {
        free(malloc(SIZE)); /* the first call of this image, so that it has a trace */
        execv("/no/such/program", argv);
        execl(argv[0], argv[0], "single", (char *)NULL);
        _exit(92);
    }
    uint64_t sum = 0;
    int status = 0;
    rounds(&sum);
    if (child && waitpid(child, &status, 0) != child) return 93;
    printf("%s %llu\n", child ? "parent" : "child", (unsigned long long)sum);
    if (child == 0) exit(5);
    return WEXITSTATUS(status);
}

/* In a mapping of this size the recorder looks for pages another way. */
static void make_large_mapping(void) {
    const size_t size = (size_t)2 << 30;
    char *large = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (large != MAP_FAILED) large[size / 2] = 1;
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "single";
    uint64_t sum = 0;
    make_large_mapping();
    tidemark_phase_begin("work");
    if (!strcmp(how, "threads")) sum = threads();
    else rounds(&sum);
    tidemark_phase_end("work");
    tidemark_mark("done");
    printf("%s %llu\n", how, (unsigned long long)sum);
    if (!strcmp(how, "fork") || !strcmp(how, "exec")) return in_child(argv, how);
    return 7;
}
