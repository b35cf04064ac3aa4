/* expect: 0; trace: any; count: 1; sees: 74001x1 */
/* Children started with an empty environment, a script, and a program that is not there. */
#include "target.h"
#include <sys/wait.h>

static int run(char *const arguments[], char *const environment[]) {
    pid_t child = fork();
    if (!child) {
        execve(arguments[0], arguments, environment);
        _exit(errno == ENOENT ? 40 : 41);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

int main(void) {
    extern char **environ;
    char *nothing[] = {NULL};
    FILE *script = fopen("script", "w");
    fputs("#!/bin/sh\nexit 12\n", script);
    fclose(script);
    CHECK(!system("chmod +x script"));
    CHECK(run((char *[]){"/bin/sh", "-c", "exit 11", NULL}, nothing) == 11);
    CHECK(run((char *[]){"./script", NULL}, environ) == 12);
    CHECK(run((char *[]){"./nowhere", NULL}, environ) == 40);
    blocks(74001, 1);
    puts("done");
    return 0;
}
