/* expect: 0; count: 20; sees: 43001x20 43002x60 */
/* vfork, with allocations in the child that shares the heap, then exec, a failed exec, or _exit. */
#include "target.h"
#include <sys/wait.h>

static int run(int how) {
    pid_t child = vfork();
    if (!child) {
        blocks(43002, 1);
        if (how == 0) execl("/bin/true", "true", (char *)NULL);
        if (how == 1) execl("/no/such/program", "x", (char *)NULL);
        _exit(how == 1 ? 17 : 18);
    }
    int status;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

int main(void) {
    for (int i = 0; i < 20; i++) {
        CHECK(run(0) == 0);
        CHECK(run(1) == 17);
        CHECK(run(2) == 18);
        blocks(43001, 1);
    }
    puts("60 vforks");
    return 0;
}
