/* expect: 0; case: raw_clone; args: clone; sees: 45001x20 */
/* expect: 0; case: under_fork; args: _Fork; sees: 45001x20 */
/* expect: 0; case: raw_clone_vm; args: vm; sees: 45001x20 45003x20 */
/* Processes made behind libc's back: no atfork handler runs in them. The child must not write in its parent's trace. */
#include "target.h"
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int shares_memory(void *unused) {
    (void)unused;
    blocks(45003, 1);
    return 6;
}

static pid_t make(const char *how) {
    static char stack[65536] __attribute__((aligned(16)));
    if (!strcmp(how, "clone")) return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (!strcmp(how, "_Fork")) return _Fork();
    return clone(shares_memory, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
}

int main(int argc, char **argv) {
    churn_start(argc > 2 ? 2 : 0);
    for (int i = 0; i < 20; i++) {
        void *block = keep(malloc(1000));
        pid_t child = make(argv[1]);
        CHECK(child >= 0);
        if (!child) {
            free(block);
            blocks(45002, 200);
            _exit(6);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 6);
        free(block);
        blocks(45001, 1);
    }
    churn_end(argc > 2 ? 2 : 0);
    puts("20 children");
    return 0;
}
