/* expect: 0; args: 25; soak: 3000; count: 25; sees: 40001x25 40002x25 */
/* expect: 0; case: fork_churn_thread; args: 25 thread; count: 25; sees: 40001x25 40002x25 */
/* fork without exec at full churn, from main or from a thread; the child allocates and exits. */
#include "target.h"
#include <sys/wait.h>

static void *fork_often(void *forks) {
    for (int i = 0; i < (int)(intptr_t)forks; i++) {
        blocks(40001, 1);
        pid_t child = fork();
        CHECK(child >= 0);
        if (!child) {
            blocks(40002, 1);
            blocks(333, 50);
            _exit(5);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 5);
    }
    return NULL;
}

int main(int argc, char **argv) {
    intptr_t forks = argument_or(argc, argv, 60);
    churn_start(4);
    pthread_t thread;
    if (argc > 2) {
        pthread_create(&thread, NULL, fork_often, (void *)forks);
        pthread_join(thread, NULL);
    } else {
        fork_often((void *)forks);
    }
    churn_end(4);
    puts("forked");
    return 0;
}
