/* expect: 0; case: move_chdir; args: chdir; sees: 63001x20000 */
/* expect: 0; case: move_chroot; args: chroot; needs: root; sees: 63001x20000 */
/* expect: 0; case: move_removed; args: removed; sees: 63001x20000 */
/* expect: 0; case: move_namespace; args: mounts; needs: root mount; sees: 63001x20000 */
/* expect: 0; case: move_hidden; args: hidden; needs: root mount; sees: 63001x20000 */
/*
 * The program goes elsewhere: another directory, another root, a directory that is gone, another mount namespace,
 * one in which libtrace.so is hidden: the loader of what it starts there has nothing to complain about.
 */
#include "target.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void hide_recorder(void) {
    const char *list = getenv("LD_PRELOAD"), *name = list ? strstr(list, "libtrace.so") : NULL;
    char folder[4096];
    CHECK(!unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
    if (!name) return;
    while (name > list && name[-1] != ':') name--;
    snprintf(folder, sizeof folder, "%.*s", (int)strcspn(name, ":"), name);
    *strrchr(folder, '/') = 0;
    CHECK(!mount("none", folder, "tmpfs", 0, NULL));
}

static void start(bool by_descriptor) {
    char *arguments[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"exit 7"}, NULL};
    int status, fd = open("/bin/sh", O_RDONLY | O_CLOEXEC);
    pid_t child = fork();
    if (!child && by_descriptor) fexecve(fd, arguments, environ);
    if (!child) execv("/bin/sh", arguments);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7);
    close(fd);
}

int main(int argc, char **argv) {
    (void)argc;
    blocks(100, 1000);
    CHECK(!mkdir("elsewhere", 0700));
    CHECK(!chdir("elsewhere"));
    if (!strcmp(argv[1], "chroot")) CHECK(!chroot("."));
    if (!strcmp(argv[1], "removed")) CHECK(!rmdir("../elsewhere"));
    if (!strcmp(argv[1], "mounts")) CHECK(!unshare(CLONE_NEWNS));
    if (!strcmp(argv[1], "hidden")) hide_recorder();
    blocks(63001, 20000);
    blocks(100, 300000);
    pid_t child = fork();
    if (!child) {
        blocks(100, 100);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    for (int way = 0; way < 2 && !strcmp(argv[1], "hidden"); way++) start(way);
    puts("there");
    return 0;
}
