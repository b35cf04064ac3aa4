/* expect: 0; trace: none */
/* Somebody deletes the trace, then its directory, while the program runs, forks and ends. */
#include "target.h"
#include <libgen.h>
#include <sys/wait.h>

int main(void) {
    blocks(100, 1000);
    char command[5000];
    if (getenv("TIDEMARK_OUT")) {
        snprintf(command, sizeof command, "%s", getenv("TIDEMARK_OUT"));
        char *directory = strdup(dirname(command));
        snprintf(command, sizeof command, "rm -rf '%s'", directory);
        CHECK(system(command) == 0);
        free(directory);
    }
    blocks(100, 300000);
    pid_t child = fork();
    if (!child) {
        blocks(100, 10000);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    puts("done");
    return 0;
}
