/* expect: 0 */
/* Signals are the program's own: no handler, mask, timer or child of anybody else; a signal reaches the main thread. */
#include "target.h"
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

static pthread_t main_thread;
static volatile sig_atomic_t here, elsewhere;

static void handler(int signal) {
    (void)signal;
    if (pthread_equal(pthread_self(), main_thread)) here++;
    else elsewhere++;
}

int main(void) {
    main_thread = pthread_self();
    blocks(100, 1000);
    for (int i = 1; i < NSIG; i++) {
        struct sigaction old;
        if (!sigaction(i, NULL, &old) && old.sa_handler != SIG_DFL) printf("signal %d is handled\n", i);
    }
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    for (int i = 1; i < NSIG; i++)
        if (sigismember(&mask, i) == 1) printf("signal %d is blocked\n", i);
    struct itimerval timer;
    getitimer(ITIMER_REAL, &timer);
    CHECK(!timer.it_value.tv_sec && !timer.it_value.tv_usec);
    CHECK(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD);
    signal(SIGTERM, handler);
    signal(SIGCHLD, handler);
    for (int i = 0; i < 100; i++) {
        kill(getpid(), i % 2 ? SIGTERM : SIGCHLD);
        blocks(100, 10);
    }
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    kill(getpid(), SIGUSR1);
    int got = 0;
    CHECK(!sigwait(&mask, &got) && got == SIGUSR1);
    printf("here %d, elsewhere %d\n", (int)here, (int)elsewhere);
    return 0;
}
