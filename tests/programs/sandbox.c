/* expect: 0; case: seccomp_usual; args: usual; trace: any */
/* expect: 0; case: seccomp_tight; args: tight; trace: any */
/* expect: 0; case: seccomp_threads; args: threads; trace: any */
/* expect: 0; case: no_new_privileges; args: privileges; sees: 67001x20000 */
/* expect: 0; case: not_dumpable; args: dumpable; needs: root; sees: 67001x20000 */
/*
 * After its start the program shuts itself in: calls that it would never make kill it. The recorder may stop, never
 * kill.
 */
#include "target.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static const int tight[] = {
    SYS_brk,        SYS_mmap,        SYS_munmap,          SYS_mremap, SYS_mprotect,        SYS_madvise,
    SYS_futex,      SYS_write,       SYS_exit_group,      SYS_exit,   SYS_rt_sigreturn,    SYS_getrandom,
    SYS_newfstatat, SYS_sched_yield, SYS_clock_nanosleep, SYS_rseq,   SYS_set_robust_list, SYS_rt_sigprocmask};
static const int usual[] = {SYS_read,      SYS_open,          SYS_openat,   SYS_close,       SYS_fstat,
                            SYS_lseek,     SYS_pread64,       SYS_pwrite64, SYS_readv,       SYS_writev,
                            SYS_fcntl,     SYS_clock_gettime, SYS_getpid,   SYS_gettid,      SYS_rt_sigaction,
                            SYS_ftruncate, SYS_fallocate,     SYS_readlink, SYS_sigaltstack, SYS_nanosleep};

static void shut(bool also_usual) {
    static struct sock_filter filter[100];
    unsigned count = 0;
    filter[count++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < sizeof tight / sizeof *tight + (also_usual ? sizeof usual / sizeof *usual : 0); i++) {
        size_t in_tight = sizeof tight / sizeof *tight;
        unsigned call = (unsigned)(i < in_tight ? tight[i] : usual[i - in_tight]);
        filter[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
        filter[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
    filter[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    struct sock_fprog program = {(unsigned short)count, filter};
    CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void *shut_in(void *unused) {
    (void)unused;
    blocks(100, 100);
    shut(false);
    blocks(100, 300000);
    return NULL;
}

int main(int argc, char **argv) {
    (void)argc;
    blocks(100, 1000);
    if (!strcmp(argv[1], "usual")) shut(true);
    if (!strcmp(argv[1], "tight")) shut(false);
    if (!strcmp(argv[1], "privileges")) CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    if (!strcmp(argv[1], "dumpable")) CHECK(!setgid(65534) && !setuid(65534) && !prctl(PR_SET_DUMPABLE, 0));
    if (!strcmp(argv[1], "threads")) {
        pthread_t threads[4];
        for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, shut_in, NULL);
        for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    }
    blocks(67001, 20000);
    blocks(100, 300000);
    CHECK(write(1, "alive\n", 6) == 6);
    return 0;
}
