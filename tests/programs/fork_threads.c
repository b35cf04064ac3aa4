/* expect: 0; args: 30; soak: 2000; count: 31; sees: 40003x3000 */
/*
 * Threads of a fork's child that have their first hooks at once: libc keeps the stacks of the parent's threads for
 * them, so starting them allocates nothing, and the recording has not begun there yet.
 */
#include "target.h"
#include <sys/wait.h>

enum { THREADS = 4, BLOCKS = 20 };
static atomic_int ready;

static void wait_for_all(void) {
    atomic_fetch_add(&ready, 1);
    while (atomic_load(&ready) < THREADS + 1) continue;
}

static void *rest(void *unused) {
    pause();
    return unused;
}

static void *work(void *unused) {
    wait_for_all();
    blocks(40003, BLOCKS);
    return unused;
}

static void start(pthread_t threads[THREADS], void *(*function)(void *)) {
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_create(&threads[i], NULL, function, NULL));
}

static void be_child(void) {
    pthread_t threads[THREADS];
    start(threads, work);
    work(NULL);
    for (int i = 0; i < THREADS; i++) CHECK(!pthread_join(threads[i], NULL));
    _exit(5);
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS];
    start(threads, rest);
    for (int forks = argument_or(argc, argv, 30); forks > 0; forks--) {
        int status;
        pid_t child = fork();
        CHECK(child >= 0);
        if (!child) be_child();
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5);
    }
    puts("forked");
    _exit(fflush(stdout));
}
