/* expect: 0; count: 12; sees: 42001x12 */
/* A chain of forks without exec, and a program's own atfork handlers that allocate. */
#include "target.h"
#include <sys/wait.h>

static void in_fork(void) { blocks(42002, 1); }

int main(void) {
    pthread_atfork(in_fork, in_fork, in_fork);
    void *inherited = keep(malloc(500));
    for (int depth = 0; depth < 12; depth++) {
        blocks(42001, 1);
        if (depth == 11) break;
        pid_t child = fork();
        CHECK(child >= 0);
        if (child) {
            int status;
            CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status));
            free(inherited);
            dprintf(1, "level %d done\n", depth);
            return 0;
        }
    }
    free(inherited);
    return 0;
}
