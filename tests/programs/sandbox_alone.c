/* expect: 0; case: seccomp_strict; args: strict; modes: bare inline thread record; trace: any; limit: 15 */
/* expect: 0; case: seccomp_few; args: few; modes: bare inline thread record; trace: any; limit: 15 */
/*
 * A program of one thread shuts itself in, with no futex(2), and in strict mode without a clock: rdtsc is a SIGSEGV
 * then. Who writes beside it is not woken any more: the limit is half of what the program took while that one looked
 * only five times a second.
 */
#include "target.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static void shut_to_few(void) {
    static struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_brk, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

int main(int argc, char **argv) {
    (void)argc;
    blocks(100, 1000);
    if (!strcmp(argv[1], "strict")) CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT));
    else shut_to_few();
    blocks(100, 2000000);
    CHECK(write(1, "shut in\n", 8) == 8);
    if (!strcmp(argv[1], "strict")) syscall(SYS_exit, 0); /* the only way out */
    _exit(0);
}
