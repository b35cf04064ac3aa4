/*
 * Leaves holes in its heap, says what malloc_trim(0) really gives back, and what the kernel counts meanwhile:
 *
 *     fragment KEEP SIZE COUNT [THREADS]
 *
 * allocates COUNT blocks of SIZE bytes, keeps every KEEP-th (with THREADS, each of so many threads does so), marks
 * "before", trims, marks "after", and prints the RSS of smaps_rollup before and after the trim.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tidemark.h>

static size_t keep, size, count;
static pthread_barrier_t done, over;

__attribute__((noinline)) static char *take(void) { return malloc(size); }

static void fragment(void) {
    char **blocks = calloc(count, sizeof *blocks);
    for (size_t i = 0; i < count; i++) memset(blocks[i] = take(), 1, size);
    for (size_t i = 0; i < count; i++)
        if (i % keep) free(blocks[i]);
    free(blocks);
}

static void *work(void *unused) {
    fragment();
    pthread_barrier_wait(&done);
    pthread_barrier_wait(&over);
    return unused;
}

static long rss_kb(void) {
    char line[256];
    long kb = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Rss: %ld", &kb) == 1) break;
    if (file) fclose(file);
    return kb;
}

int main(int argc, char **argv) {
    int threads = argc > 4 ? atoi(argv[4]) : 0;
    pthread_t ids[64];
    if (argc < 4 || threads > 64) return 2;
    keep = strtoul(argv[1], NULL, 0);
    size = strtoul(argv[2], NULL, 0);
    count = strtoul(argv[3], NULL, 0);
    pthread_barrier_init(&done, NULL, (unsigned)threads + 1);
    pthread_barrier_init(&over, NULL, (unsigned)threads + 1);
    for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, work, NULL);
    if (!threads) fragment();
    pthread_barrier_wait(&done);
    rss_kb();       /* its buffers are there before the first figure */
    usleep(300000); /* looks may cost one part in a hundred of the time */
    tidemark_mark("before");
    long before = rss_kb();
    malloc_trim(0);
    long after = rss_kb();
    tidemark_mark("after");
    printf("before %ld after %ld\n", before, after);
    pthread_barrier_wait(&over);
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    return 0;
}
