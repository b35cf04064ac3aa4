/* expect: 0; count: 4; sees: 44001x1 */
/* Children by posix_spawn, posix_spawnp, system and popen, with threads running. */
#include "target.h"
#include <spawn.h>
#include <sys/wait.h>

extern char **environ;

int main(void) {
    churn_start(2);
    char *arguments[] = {"sh", "-c", "exit 9", NULL};
    pid_t child;
    int status;
    CHECK(!posix_spawn(&child, "/bin/sh", NULL, NULL, arguments, environ));
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 9);
    CHECK(!posix_spawnp(&child, "sh", NULL, NULL, arguments, environ));
    CHECK(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 9);
    CHECK(posix_spawn(&child, "/no/such/program", NULL, NULL, arguments, environ) == ENOENT);
    CHECK(WEXITSTATUS(system("exit 8")) == 8);
    FILE *pipe = popen("echo through a pipe", "r");
    char line[100];
    CHECK(pipe && fgets(line, sizeof line, pipe));
    fputs(line, stdout);
    CHECK(pclose(pipe) == 0);
    churn_end(2);
    blocks(44001, 1);
    return 0;
}
