/* expect: 0; sees: 48001x10 */
/*
 * Programs to start whose names, commands, arguments and environments lie where no memory is: the kernel answers
 * EFAULT, or takes no list for an empty one, and the program goes on.
 */
#include "target.h"
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void *const nowhere = (void *)8;

static void in_child(int (*start)(void)) {
    int status;
    pid_t child = fork();
    if (child == 0) _exit(start());
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int without_lists(void) { return execve("/bin/true", NULL, NULL); }

int main(void) {
    char *argv[] = {(char *)(uintptr_t) "true", NULL}, *broken[] = {nowhere, NULL}, *none[] = {NULL};
    CHECK(execve(NULL, argv, none) == -1 && errno == EFAULT);
    CHECK(execve(nowhere, argv, none) == -1 && errno == EFAULT);
    CHECK(execve("/bin/true", nowhere, none) == -1 && errno == EFAULT);
    CHECK(execve("/bin/true", argv, nowhere) == -1 && errno == EFAULT);
    CHECK(execve("/bin/true", argv, broken) == -1 && errno == EFAULT);
    CHECK(execv(NULL, argv) == -1 && errno == EFAULT);
    CHECK(fexecve(-1, argv, none) == -1 && (errno == EBADF || errno == EINVAL));
    CHECK(execveat(-1, NULL, argv, none, 0) == -1 && errno == EFAULT);
    CHECK(execve("", argv, none) == -1 && errno == ENOENT);
    CHECK(execvp("", argv) == -1 && errno == ENOENT);
    in_child(without_lists);
    pid_t child;
    CHECK(posix_spawn(&child, nowhere, NULL, NULL, argv, none) == EFAULT);
    CHECK(posix_spawn(&child, NULL, NULL, NULL, argv, none) == EFAULT);
    CHECK(freopen("/dev/null", "w", stderr)); /* the shell says that it misses a command */
    CHECK(WEXITSTATUS(system(nowhere)) == 127);
    FILE *stream = popen(NULL, "r");
    CHECK(stream && WEXITSTATUS(pclose(stream)) == 2);
    blocks(48001, 10);
    return 0;
}
