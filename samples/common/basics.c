/*
 * Memory, clock, random numbers, percentiles and the work folder of the sample workloads.
 *
 * What each function promises stands in sample.h; an error of the system ends the program with a line on stderr.
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/sample.h"

void die(const char *what) {
    perror(what);
    exit(1);
}

void *xmalloc(size_t size) {
    void *block = malloc(size);
    if (!block) die("malloc");
    return block;
}

void *xcalloc(size_t count, size_t size) {
    void *block = calloc(count, size);
    if (!block) die("calloc");
    return block;
}

void *xrealloc(void *old, size_t size) {
    void *block = realloc(old, size);
    if (!block) die("realloc");
    return block;
}

uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void sleep_until(uint64_t ns) {
    struct timespec due = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR) {}
}

struct rng rng_seeded(uint64_t seed) {
    return (struct rng){seed * 0x9e3779b97f4a7c15u + 1};
}

uint64_t rng_next(struct rng *rng) {
    uint64_t x = rng->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    rng->state = x;
    return x * 0x2545f4914f6cdd1du;
}

unsigned rng_below(struct rng *rng, unsigned bound) { return (unsigned)((rng_next(rng) >> 32) * bound >> 32); }

double rng_unit(struct rng *rng) { return (double)(rng_next(rng) >> 11) * 0x1p-53; }

struct times times_for(size_t room) {
    return (struct times){xmalloc(room * sizeof(uint64_t)), 0, room};
}

void times_add(struct times *times, uint64_t ns) {
    if (times->count < times->room) times->ns[times->count++] = ns;
}

static int compare_ns(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t times_percentile(struct times *times, double percent) {
    if (times->count == 0) return 0;
    qsort(times->ns, times->count, sizeof *times->ns, compare_ns);
    return times->ns[(size_t)((double)(times->count - 1) * percent / 100.0)];
}

double times_mean(const struct times *times) {
    double sum = 0;
    for (size_t i = 0; i < times->count; i++) sum += (double)times->ns[i];
    return times->count ? sum / (double)times->count : 0;
}

void times_release(struct times *times) {
    free(times->ns);
    *times = (struct times){0};
}

char *path_in(const char *folder, const char *name) {
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = xmalloc(size);
    snprintf(path, size, "%s/%s", folder, name);
    return path;
}

char *work_folder(const char *name) {
    const char *root = getenv("TMPDIR");
    char pattern[64];
    snprintf(pattern, sizeof pattern, "tidemark-%s-XXXXXX", name);
    char *folder = path_in(root && *root ? root : "/tmp", pattern);
    if (!mkdtemp(folder)) die(folder);
    return folder;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

void work_folder_remove(char *folder) {
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}
