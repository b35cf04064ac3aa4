/* expect: 0; count: =11; preload: trace atfork_early; sees: 40004x50 40005x20 */
/* A fork handler that allocates, and that libc calls before the recorder's: what it does in the child is not lost. */
#include "target.h"
#include <sys/wait.h>

int main(void) {
    for (int i = 0; i < 10; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            blocks(40005, 2);
            _exit(0);
        }
        CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    }
    return 0;
}
