/* expect: 0; sees: 36001x10 */
/* Handlers that map and unmap while the program maps and unmaps: both are hooks and both are safe in a handler. */
#include "target.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

static atomic_long handled;

static void map_once(size_t length) {
    char *p = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) _exit(98);
    p[0] = 1;
    munmap(p, length);
}
static void on_timer(int signal) {
    (void)signal;
    int saved = errno;
    map_once(8192);
    atomic_fetch_add(&handled, 1);
    errno = saved;
}

int main(void) {
    struct sigaction action = {.sa_handler = on_timer, .sa_flags = SA_RESTART};
    sigaction(SIGPROF, &action, NULL);
    struct itimerval every = {{0, 500}, {0, 500}};
    setitimer(ITIMER_PROF, &every, NULL);
    for (int i = 0; i < 50000 || atomic_load(&handled) < 20; i++) map_once(4096);
    memset(&every, 0, sizeof every);
    setitimer(ITIMER_PROF, &every, NULL);
    blocks(36001, 10);
    puts("done");
    return 0;
}
