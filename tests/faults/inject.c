/*
 * Makes system calls of the recorder fail (preload/sys.c with -DSYS_FAULTS calls sys_fault before each one).
 *
 * What is to fail stands in the file that TIDEMARK_FAULTS names, shared by all processes of a run: drive.py writes the
 * plan and reads how often each call was made. Runs wherever the recorder does, so it uses the kernel alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "../../preload/sys.h"

enum { CALLS = 512, ENVIRONMENT = 32768, SHORT_TRANSFER = 1000 };

/* The file; drive.py knows this layout. */
struct plan {
    int64_t number, error;   /* the call, and the errno it fails with; SHORT_TRANSFER: half is done */
    int64_t first, failures; /* it fails from its first-th use on (1, 2, …), so many times */
    _Atomic int64_t made[CALLS];
};

static _Atomic(struct plan *) plan;
static struct plan nothing;

bool sys_fault(long number, long arguments[6], long *result);

static long kernel(long number, long a, long b, long c, long d) { return sys_pass(number, a, b, c, d, 0, 0); }

static long read_environment(char *out) {
    int fd = (int)kernel(SYS_openat, AT_FDCWD, (long)"/proc/self/environ", O_RDONLY | O_CLOEXEC, 0);
    long length = 0, got;
    if (fd < 0) return 0;
    while (length < ENVIRONMENT - 1 &&
           (got = kernel(SYS_read, fd, (long)out + length, ENVIRONMENT - 1 - length, 0)) > 0)
        length += got;
    kernel(SYS_close, fd, 0, 0, 0);
    return length;
}

static struct plan *map_plan(const char *path) {
    int fd = (int)kernel(SYS_openat, AT_FDCWD, (long)path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) return &nothing;
    long at = sys_pass(SYS_mmap, 0, sizeof(struct plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    kernel(SYS_close, fd, 0, 0, 0);
    return at < 0 && at > -4096 ? &nothing : (struct plan *)at;
}

static struct plan *find_plan(void) {
    static const char name[] = "TIDEMARK_FAULTS=";
    static char text[ENVIRONMENT];
    long length = read_environment(text);
    for (char *at = text; at < text + length; at += strlen(at) + 1)
        if (!strncmp(at, name, sizeof name - 1)) return map_plan(at + sizeof name - 1);
    return &nothing;
}

/* A close that reports an error has closed all the same (close(2)). */
static bool fails(const struct plan *p, long number, long arguments[6], long *result) {
    if (p->error == SHORT_TRANSFER) {
        if (arguments[2] > 1) arguments[2] /= 2;
        return false;
    }
    if (number == SYS_close) kernel(number, arguments[0], 0, 0, 0);
    *result = -p->error;
    return true;
}

bool sys_fault(long number, long arguments[6], long *result) {
    struct plan *p = atomic_load(&plan);
    if (!p) atomic_store(&plan, p = find_plan());
    if (p == &nothing || number < 0 || number >= CALLS) return false;
    if (number == SYS_futex && (arguments[1] & FUTEX_CMD_MASK) == FUTEX_WAKE) return false; /* never fails */
    int64_t use = atomic_fetch_add(&p->made[number], 1) + 1;
    if (number != p->number || use < p->first || use >= p->first + p->failures) return false;
    return fails(p, number, arguments, result);
}
