/*
 * Threads that allocate and free and count, in a shared file, each call that has returned with what it was asked for.
 * Whoever kills the process then knows what a trace must hold: kill.py. Sizes follow the count, so that nothing can be
 * missing or doubled unseen.
 *
 * Usage: kill THREADS, with the file's name in ORACLE_COUNTERS. Never ends by itself before 60 s.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct counter { /* read by kill.py: three u64, 64 bytes a thread */
    volatile uint64_t allocations, frees, thread, unused[5];
};
static struct counter *counters;
enum { MARKER_SIZE = 110000, WINDOW = 64 };

/* Without address space there may be no memory for a while, or never again: a call that made nothing is not counted. */
static void *make(size_t size) {
    void *block = NULL;
    while (!block) block = malloc(size);
    return block;
}

static void *work(void *argument) {
    struct counter *mine = &counters[(uintptr_t)argument];
    void *kept[WINDOW] = {0};
    mine->thread = (uint64_t)gettid();
    void *volatile marker = make(MARKER_SIZE);
    (void)marker;
    for (uint64_t i = 0;; i++) {
        void **place = &kept[(i * 7) % WINDOW];
        if (*place) {
            free(*place);
            mine->frees++;
        }
        *place = make(24 + i % 997);
        mine->allocations = i + 1;
    }
    return NULL;
}

int main(int argc, char **argv) {
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    int fd = open(getenv("ORACLE_COUNTERS"), O_RDWR);
    counters = fd < 0 ? MAP_FAILED : mmap(NULL, 64 * 64, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counters == MAP_FAILED) return 3;
    close(fd);
    alarm(60);
    for (intptr_t i = 1; i < threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, (void *)i)) return 4;
    }
    work((void *)0);
}
