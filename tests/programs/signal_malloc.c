/* expect: 0; case: signal_malloc; preload: sigsafe; sees: 1341x100000 1343x10 */
/* expect: 0; case: signal_malloc_altstack; preload: sigsafe; args: altstack; sees: 1341x100000 1343x10 */
/* expect: 0; case: signal_malloc_threads; preload: sigsafe; args: threads; sees: 1341x400000 1343x10 */
/* Handlers that allocate, also on a small alternate stack, also while a hook of the recorder runs. */
#include "target.h"
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/time.h>

static atomic_long handled;

static void on_timer(int signal) {
    (void)signal;
    int saved = errno;
    void *p = keep(malloc(1342));
    memset(p, 1, 100);
    free(p);
    atomic_fetch_add(&handled, 1);
    errno = saved;
}

static void *work(void *altstack) {
    stack_t stack = {.ss_sp = malloc(16384), .ss_size = 16384};
    if (altstack) CHECK(!sigaltstack(&stack, NULL));
    void *kept[16] = {0};
    for (int i = 0; i < 100000; i++) {
        free(kept[i % 16]);
        kept[i % 16] = keep(malloc(1341));
    }
    stack.ss_flags = SS_DISABLE;
    CHECK(!altstack || !sigaltstack(&stack, NULL));
    return NULL;
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    bool altstack = !strcmp(how, "altstack");
    struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART | (altstack ? SA_ONSTACK : 0)};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval every = {{0, 200}, {0, 200}};
    setitimer(ITIMER_REAL, &every, NULL);
    if (!strcmp(how, "threads")) {
        pthread_t threads[4];
        for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, work, NULL);
        for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    } else {
        work(altstack ? argv : NULL);
    }
    while (atomic_load(&handled) < 20) usleep(100);
    memset(&every, 0, sizeof every);
    setitimer(ITIMER_REAL, &every, NULL);
    blocks(1343, 10);
    puts("done");
    return 0;
}
