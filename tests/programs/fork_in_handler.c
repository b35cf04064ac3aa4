/* expect: 0; args: 300; soak: 3000; count: 301; sees: 40004x300 */
/* A signal handler forks, amid a hook now and then, and returns in the child too: there the hook goes on. */
#include "target.h"
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

static int wanted;
static volatile sig_atomic_t forks, in_child;

static void fork_now(int signal) {
    (void)signal;
    if (in_child || forks == wanted) return;
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (!child) {
        in_child = 1;
        return;
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5);
    forks++;
}

int main(int argc, char **argv) {
    struct itimerval often = {{0, 1000}, {0, 1000}};
    wanted = argument_or(argc, argv, 300);
    signal(SIGALRM, fork_now);
    CHECK(!setitimer(ITIMER_REAL, &often, NULL));
    while (forks < wanted && !in_child) blocks(100, 1);
    if (in_child) {
        blocks(40004, 1);
        _exit(5);
    }
    puts("forked");
    return 0;
}
