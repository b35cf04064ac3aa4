/*
 * Threads that allocate and free for ever, also each other's blocks, and a fork each second whose child allocates too
 * and ends: what the recorder itself holds must not grow (flat.py) once they have gone round their rings together; a
 * last thread that comes and goes then says so in the trace.
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

enum { SHARED = 512, MOST_THREADS = 64, WARM_ROUNDS = 40000 };

static void *_Atomic shared[SHARED];
static atomic_bool quit;
static pthread_barrier_t warm;

static void churn(uint64_t *seed, unsigned rounds) {
    for (unsigned i = 0; i < rounds; i++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        free(atomic_exchange(&shared[*seed >> 40 & (SHARED - 1)], malloc(16 + (*seed >> 50) % 2000)));
    }
}

static void *work(void *number) {
    uint64_t seed = (uintptr_t)number;
    churn(&seed, WARM_ROUNDS);
    pthread_barrier_wait(&warm);
    while (!atomic_load(&quit)) {
        churn(&seed, 1000);
        usleep(2000);
    }
    return NULL;
}

static void *say_warm(void *unused) {
    free(malloc(1));
    return unused;
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
    pthread_t ids[MOST_THREADS], last;
    if (threads < 1 || threads > MOST_THREADS || pthread_barrier_init(&warm, NULL, (unsigned)threads + 1)) return 2;
    for (intptr_t i = 0; i < threads; i++) failed |= pthread_create(&ids[i], NULL, work, (void *)i);
    if (failed) return 1;
    pthread_barrier_wait(&warm);
    if (pthread_create(&last, NULL, say_warm, NULL) || pthread_join(last, NULL)) return 1;
    for (int i = 0; i < seconds; i++) {
        sleep(1);
        failed |= fork_once();
    }
    atomic_store(&quit, true);
    for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
    return failed;
}
