/* expect: 0; case: limit_fsize; args: 100000; trace: lossy */
/* expect: 0; case: limit_fsize_none; args: 0; trace: lossy */
/* expect: 0; case: limit_fsize_exec; args: exec; trace: any */
/* Files may not grow: the signal for it comes for the program's own writes and for nobody else's. */
#include "target.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

static volatile sig_atomic_t signals;
static void on_signal(int signal) {
    (void)signal;
    signals++;
}

int main(int argc, char **argv) {
    (void)argc;
    blocks(100, 1000);
    bool exec = !strcmp(argv[1], "exec");
    rlim_t bytes = exec ? 4096 : (rlim_t)atoi(argv[1]);
    if (strcmp(argv[1], "second")) {
        struct rlimit limit = {bytes, bytes};
        CHECK(!setrlimit(RLIMIT_FSIZE, &limit));
    }
    if (exec) execl("/proc/self/exe", argv[0], "second", (char *)NULL);
    for (int i = 0; i < 300000; i++) free(keep(malloc(16 + (size_t)(i * 7919 % 5000))));
    signal(SIGXFSZ, on_signal);
    for (int i = 0; i < 300000; i++) free(keep(malloc(16 + (size_t)(i * 7919 % 5000))));
    CHECK(signals == 0);
    int fd = open("own", O_WRONLY | O_CREAT, 0600);
    CHECK(pwrite(fd, "x", 1, 200000) == -1 && errno == EFBIG && signals == 1);
    char line[] = "limited\n";
    struct rlimit now;
    CHECK(!getrlimit(RLIMIT_FSIZE, &now) && now.rlim_cur <= 100000);
    int log = dup(1);
    (void)log;
    if (now.rlim_cur >= 4096) CHECK(write(1, line, sizeof line - 1) == sizeof line - 1);
    _exit(0);
}
