/*
 * The recorder's one gate to the kernel: raw system calls, results as the kernel gives them (value or -errno).
 *
 * errno is never touched, no libc function is called, every function is async-signal-safe and works in a thread that
 * has no libc state. A build with -DSYS_FAULTS lets a test make any of them fail (tests/faults).
 */
#ifndef PRELOAD_SYS_H
#define PRELOAD_SYS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>

/*
 * From now on every call fails with -EPERM, except on the given stack: the target has put a filter on its system calls,
 * and one that it does not expect would kill it. Never taken back. futex(2) stays where there are several threads,
 * whose filter allows it, and somebody may wait for a lock already. That of a program of one thread need not: nobody is
 * woken then, so who waits looks again (sys_shut_wait).
 */
void sys_quiet(uintptr_t except_low, uintptr_t except_high);
void sys_quiet_futex(bool stays);
bool sys_is_quiet(void); /* for the calling thread */
bool sys_is_shut(void);  /* for any */
/* How long to wait where perhaps nobody can wake us; NULL where somebody does. */
const struct timespec *sys_shut_wait(void);

/* A call that the target makes, passed on as it is: -errno in the result, no fault, no quiet. */
long sys_pass(long number, long a, long b, long c, long d, long e, long f);

void *sys_mmap(void *address, size_t length, int protection, int flags, int fd, uint64_t offset); /* NULL on failure */
/*
 * Private zeroed memory, page-aligned, not counted against a guard; NULL on failure. Only what is touched counts: the
 * kernel is asked not to give it in pages of megabytes, except for tables that fill.
 */
void *sys_memory(size_t length);
void *sys_table_memory(size_t length);
int sys_munmap(void *address, size_t length);
/* A file over memory that sys_memory gave. Returns 0 or -errno. */
int sys_map_over(void *address, size_t length, int protection, int fd, uint64_t offset);
int sys_mprotect(void *address, size_t length, int protection);
int sys_madvise(void *address, size_t length, int advice);
int sys_mincore(uint64_t address, size_t length, uint8_t *out);

int sys_open(const char *path, int flags, int mode);
int sys_close(int fd);
long sys_read(int fd, void *bytes, size_t length);
long sys_pread(int fd, void *bytes, size_t length, uint64_t offset);
long sys_write(int fd, const void *bytes, size_t length);
long sys_pwrite(int fd, const void *bytes, size_t length, uint64_t offset);
long sys_pwritev(int fd, const struct iovec *parts, int count, uint64_t offset);
int sys_fallocate(int fd, int mode, uint64_t offset, uint64_t length);
int sys_ftruncate(int fd, uint64_t length);
int sys_fstat(int fd, struct stat *out);
int sys_fcntl(int fd, int command, long argument);
long sys_ioctl(int fd, unsigned long request, void *argument);
int sys_fchmod(int fd, int mode);
int sys_close_range(unsigned first, unsigned last, unsigned flags);
long sys_readlink(const char *path, char *out, size_t capacity);
int sys_unlink(const char *path);
int sys_mkdir(const char *path, int mode);
int sys_getdents(int fd, void *out, size_t capacity);
int sys_uname(struct utsname *out);
int sys_sysinfo(struct sysinfo *out);

int sys_getpid(void);
int sys_getppid(void);
int sys_gettid(void);
int sys_getuid(void);
int sys_tgkill(int pid, int tid, int signal);
int sys_kill(int pid, int signal);
bool sys_on_alternate_stack(void);                   /* of signals */
int sys_sigmask(const uint64_t *set, uint64_t *old); /* SIG_SETMASK */
int sys_futex_wait(_Atomic uint32_t *word, uint32_t expected, const struct timespec *timeout);
int sys_futex_wake(_Atomic uint32_t *word, int count);
/* The same for a word in a mapped file, between processes. */
int sys_futex_wait_shared(_Atomic uint32_t *word, uint32_t expected, const struct timespec *timeout);
int sys_futex_wake_shared(_Atomic uint32_t *word, int count);
int sys_flock(int fd, int operation);
int sys_clock_gettime(int clock, struct timespec *out);
uint64_t sys_monotonic(void);  /* ns */
uint64_t sys_thread_cpu(void); /* ns of processor time of the calling thread */
int sys_getrandom(void *bytes, size_t length);
int sys_unshare(int flags);
int sys_prlimit(int resource, uint64_t *soft, uint64_t *hard); /* reads */
int sys_prctl(int option, unsigned long argument);
/* For a call that is made elsewhere because it returns on another stack: 0, or the -errno that a test wants of it. */
long sys_refused(long number);
/* That the calling thread may run on. */
unsigned sys_processors(void);
void sys_yield(void);
/* What sys_mmap has mapped and sys_munmap not taken back, as far as there was room to remember it; in no order. */
struct sys_range {
    uintptr_t start, end;
};
size_t sys_mapped(struct sys_range *out, size_t capacity);
/* The pages of the library, or program, that this is a part of. */
struct sys_range sys_image(void);
/* Calls visit for the library itself and for what sys_mmap has mapped but for files. */
void sys_each_memory(void (*visit)(void *argument, struct sys_range range), void *argument);
/*
 * In the child of a fork, which does not inherit the mappings of files. sys_cover_files: where they were is memory of
 * the child's own, for what still writes there, until they are forgotten.
 */
void sys_cover_files(void);
void sys_forget_files(void);
_Noreturn void sys_exit_thread(int status);
/* Whether the word there can be read now. */
bool sys_is_readable(const void *address);
/* False if at one of these addresses is no memory, as far as can be told. */
bool sys_are_readable(const void *const *addresses, size_t count);
/* Copies memory that may not be mapped, from this process: bytes copied or -errno (process_vm_readv). */
long sys_peek(const void *address, void *out, size_t length);
/* All of a small file that fits, terminated: bytes read, 0 where it can't be. */
size_t sys_read_text(const char *path, char *out, size_t capacity);
/* The first thread has ended. Others may go on, but what stands for the process in /proc has no memory any more. */
bool sys_first_has_ended(void);
#define SYS_PROC_SELF(name) (sys_first_has_ended() ? "/proc/thread-self/" name : "/proc/self/" name)

#endif
