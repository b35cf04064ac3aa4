/*
 * Threads that allocate and free for ever, also each other's blocks, and a fork each second whose child allocates too and
 * ends: what the recorder itself holds must not grow (flat.py).
 *
 * Usage: flat THREADS SECONDS
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SHARED = 512 };

static void *_Atomic shared[SHARED];
static atomic_bool quit;

static void churn(uint64_t *seed, unsigned rounds) {
    for (unsigned i = 0; i < rounds; i++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        free(atomic_exchange(&shared[*seed >> 40 & (SHARED - 1)], malloc(16 + (*seed >> 50) % 2000)));
    }
}

static void *work(void *number) {
    uint64_t seed = (uintptr_t)number;
    while (!atomic_load(&quit)) {
        churn(&seed, 1000);
        usleep(2000);
    }
    return NULL;
}

static int fork_once(void) {
    pid_t child = fork();
    if (child == 0) {
        uint64_t seed = 99;
        churn(&seed, 500);
        _exit(0);
    }
    int status = 1;
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    int threads = argc > 2 ? atoi(argv[1]) : 0, seconds = argc > 2 ? atoi(argv[2]) : 0, failed = 0;
    pthread_t ids[64];
    for (intptr_t i = 0; i < threads && i < 64; i++) failed |= pthread_create(&ids[i], NULL, work, (void *)i);
    for (int i = 0; i < seconds; i++) {
        sleep(1);
        failed |= fork_once();
    }
    atomic_store(&quit, true);
    for (int i = 0; i < threads && i < 64; i++) pthread_join(ids[i], NULL);
    return failed;
}
