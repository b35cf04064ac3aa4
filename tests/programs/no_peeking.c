/* expect: 0; cut: 0 */
/* Some containers forbid process_vm_readv(2), by which others may look into a process: stacks are whole there, too. */
#include "target.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static __attribute__((noinline)) void *on_a_page(int level) {
    volatile char room[5000];
    room[level] = 1;
    void *block = level ? on_a_page(level - 1) : keep(malloc(3003));
    CHECK(room[level]);
    return block;
}

static void forbid(unsigned number) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    long result; /* the recorder does not see this call, and stays */
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_seccomp), "D"(SECCOMP_SET_MODE_FILTER), "S"(0), "d"(&program)
                     : "rcx", "r11", "memory");
    CHECK(!result);
}

int main(int argc, char **argv) {
    if (argc == 1) {
        forbid(SYS_process_vm_readv);
        execl("/proc/self/exe", argv[0], "inside", NULL);
        CHECK(false);
    }
    for (int i = 0; i < 500; i++) free(on_a_page(6));
    return 0;
}
