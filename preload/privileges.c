/*
 * Calls that change what a process may do. Credentials and namespaces belong to threads, and our helper is one that
 * libc does not know: it ends before such a call and a new one starts after it, with what the caller has become. A
 * filter on system calls would kill the target for ours: before it is set they stop (lifecycle_shut_in).
 */
#include "helper.h"
#include "lifecycle.h"
#include "lock.h"
#include "machine_x86_64.h"
#include "pagemap.h"
#include "probe.h"
#include "real.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define EXPORT __attribute__((visibility("default")))
#define HOOK(type, name, parameters) EXPORT type name parameters;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
#include "hooks.def"
#pragma GCC diagnostic pop

enum aside { NOT_OURS, STAYED_OUT, STEPPED_ASIDE };

static enum aside step_aside(void) {
    real_resolve();
    if (!lifecycle_is_self()) return NOT_OURS;
    uint64_t signals = signals_block();
    bool ran = helper_stop();
    signals_restore(signals);
    return ran ? STEPPED_ASIDE : STAYED_OUT;
}

/* -1: nothing to keep for later. */
static int keep_sight(void) {
    if (!lifecycle_is_self()) return -1;
    uint64_t signals = signals_block();
    int fd = pagemap_before();
    signals_restore(signals);
    return fd;
}

static void lose_sight(int fd) {
    uint64_t signals = signals_block();
    pagemap_after(fd);
    signals_restore(signals);
}

static void come_back(enum aside aside) {
    if (aside == NOT_OURS) return;
    uint64_t signals = signals_block();
    helper_resume(aside == STEPPED_ASIDE);
    signals_restore(signals);
}

#define ASIDE(name, parameters, arguments)                                                                             \
    int name parameters {                                                                                              \
        enum aside aside = step_aside();                                                                               \
        int sight = keep_sight();                                                                                      \
        int result = real.name arguments;                                                                              \
        lose_sight(sight);                                                                                             \
        come_back(aside);                                                                                              \
        return result;                                                                                                 \
    }
ASIDE(setuid, (uid_t user), (user))
ASIDE(setgid, (gid_t group), (group))
ASIDE(seteuid, (uid_t user), (user))
ASIDE(setegid, (gid_t group), (group))
ASIDE(setreuid, (uid_t real_user, uid_t user), (real_user, user))
ASIDE(setregid, (gid_t real_group, gid_t group), (real_group, group))
ASIDE(setresuid, (uid_t real_user, uid_t user, uid_t saved), (real_user, user, saved))
ASIDE(setresgid, (gid_t real_group, gid_t group, gid_t saved), (real_group, group, saved))
ASIDE(setgroups, (size_t count, const gid_t *groups), (count, groups))
ASIDE(initgroups, (const char *user, gid_t group), (user, group))
ASIDE(unshare, (int flags), (flags))
ASIDE(setns, (int fd, int kind), (fd, kind))

/* libc's syscall, for an allocator that makes calls before the real functions can be looked up. */
static long direct(long number, long a, long b, long c, long d, long e, long f) {
    long result = sys_pass(number, a, b, c, d, e, f);
    if (result >= 0 || result < -4095) return result;
    errno = (int)-result;
    return -1;
}

/* Without a program a filter is only asked for: libseccomp looks so what there is. */
static bool sets_filter(unsigned long mode, unsigned long program) { return mode != SECCOMP_MODE_FILTER || program; }

int prctl(int option, ...) {
    unsigned long a[4];
    va_list list;
    va_start(list, option);
    for (int i = 0; i < 4; i++) a[i] = va_arg(list, unsigned long);
    va_end(list);
    if (option == PR_SET_SECCOMP && sets_filter(a[0], a[1])) lifecycle_shut_in(false, a[0] == SECCOMP_MODE_STRICT);
    if (option == PR_SET_TSC && a[0] == PR_TSC_SIGSEGV) probe_count_stamps();
    return (int)direct(SYS_prctl, option, (long)a[0], (long)a[1], (long)a[2], (long)a[3], 0);
}

/*
 * syscall(2) must not get a frame of ours: vfork and clone through it return twice on the caller's stack. So it jumps
 * to the real function, after a look at its number and first arguments. The helper comes back when there is work for
 * it.
 */
__attribute__((used)) static void privileges_before_syscall(long number, long first, long second, long third) {
    bool strict = first == SECCOMP_SET_MODE_STRICT && !second && !third;
    if (number == SYS_seccomp && (strict || (first == SECCOMP_SET_MODE_FILTER && third)))
        lifecycle_shut_in(!strict && (second & SECCOMP_FILTER_FLAG_TSYNC), strict);
    else if (number == SYS_unshare || number == SYS_setns) {
        if (step_aside() != NOT_OURS) helper_resume(false);
    }
}
__attribute__((used)) static void *privileges_real_syscall(void) {
    return real_is_resolved() ? (void *)(uintptr_t)real.syscall : (void *)(uintptr_t)direct;
}
MACHINE_DEFINE_SYSCALL_HOOK(syscall, privileges_before_syscall, privileges_real_syscall)
