/* expect: 0; case: unshare_user; args: unshare; needs: userns; sees: 65001x20000 */
/* expect: 0; case: unshare_number; args: number; needs: userns; sees: 65001x20000 */
/* expect: 0; case: unshare_pid; args: pid; needs: root; sees: 65001x20000 65002x1 */
/* expect: 0; case: setns_user; args: setns; needs: userns root; sees: 65001x20000 */
/*
 * A single-threaded program may enter a user namespace, also after so many events that the recorder has a thread of its
 * own.
 */
#include "target.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void enter_that_of_a_child(void) {
    int ready[2];
    char path[64], byte;
    CHECK(!pipe(ready));
    pid_t child = fork();
    if (!child) {
        CHECK(!unshare(CLONE_NEWUSER | CLONE_NEWUTS));
        CHECK(write(ready[1], "x", 1) == 1);
        for (;;) pause();
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    snprintf(path, sizeof path, "/proc/%d/ns/user", child);
    int fd = open(path, O_RDONLY);
    CHECK(fd >= 0 && !setns(fd, CLONE_NEWUSER));
    close(fd);
    kill(child, SIGKILL);
    CHECK(waitpid(child, NULL, 0) == child);
}

int main(int argc, char **argv) {
    (void)argc;
    blocks(100, 300000);
    if (!strcmp(argv[1], "unshare")) CHECK(!unshare(CLONE_NEWUSER));
    if (!strcmp(argv[1], "number")) CHECK(!syscall(SYS_unshare, CLONE_NEWUSER));
    if (!strcmp(argv[1], "setns")) enter_that_of_a_child();
    if (!strcmp(argv[1], "pid")) {
        CHECK(!unshare(CLONE_NEWPID));
        pid_t child = fork();
        if (!child) {
            blocks(65002, 1);
            _exit(getpid() == 1 ? 0 : 1);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    blocks(65001, 20000);
    blocks(100, 300000);
    puts("inside");
    return 0;
}
