/* expect: 0; case: move_chdir; args: chdir; sees: 63001x20000 */
/* expect: 0; case: move_chroot; args: chroot; needs: root; sees: 63001x20000 */
/* expect: 0; case: move_removed; args: removed; sees: 63001x20000 */
/* expect: 0; case: move_namespace; args: mounts; needs: root mount; sees: 63001x20000 */
/* The program goes elsewhere: another directory, another root, a directory that is gone, another mount namespace. */
#include "target.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

int main(int argc, char **argv) {
    (void)argc;
    blocks(100, 1000);
    CHECK(!mkdir("elsewhere", 0700));
    CHECK(!chdir("elsewhere"));
    if (!strcmp(argv[1], "chroot")) CHECK(!chroot("."));
    if (!strcmp(argv[1], "removed")) CHECK(!rmdir("../elsewhere"));
    if (!strcmp(argv[1], "mounts")) CHECK(!unshare(CLONE_NEWNS));
    blocks(63001, 20000);
    blocks(100, 300000);
    pid_t child = fork();
    if (!child) {
        blocks(100, 100);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    puts("there");
    return 0;
}
