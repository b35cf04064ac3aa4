/* expect: 0; count: 3; sees: 66001x1 66002x1 */
/* A mask that takes every permission away: traces of children are still written and read. */
#include "target.h"
#include <sys/stat.h>
#include <sys/wait.h>

int main(int argc, char **argv) {
    if (argc > 1) {
        blocks(66002, 1);
        return 0;
    }
    umask(0777);
    blocks(100, 1000);
    for (int i = 0; i < 2; i++) {
        pid_t child = fork();
        if (!child) {
            if (i) execl("/proc/self/exe", argv[0], "second", (char *)NULL);
            blocks(66001, 1);
            _exit(0);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    CHECK(umask(0) == 0777);
    puts("done");
    return 0;
}
