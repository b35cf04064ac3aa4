/* expect: 0; case: seccomp_allow; args: one; modes: bare thread record; trace: any; sees: 48001x210000 */
/* expect: 0; case: seccomp_allow_all; args: all; modes: record; trace: any; sees: 48001x210000 */
/*
 * A filter on the calls of this thread, or of all, that allows everything: we can't know that, but somebody else can
 * write.
 */
#include "target.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

int main(int argc, char **argv) {
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};
    CHECK(argc == 2);
    blocks(48001, 10000);
    CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    long flags = strcmp(argv[1], "all") == 0 ? SECCOMP_FILTER_FLAG_TSYNC : 0;
    CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) == 0);
    blocks(48001, 200000);
    return 0;
}
