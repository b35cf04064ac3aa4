/* expect: 0; preload: sigsafe; sees: 35003x100 */
/* A handler that leaves by siglongjmp, in the middle of a hook too: recording must go on afterwards. */
#include "target.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

static sigjmp_buf back;
static volatile sig_atomic_t armed;

static void on_timer(int signal) {
    (void)signal;
    if (!armed) return;
    armed = 0;
    free(keep(malloc(35002)));
    siglongjmp(back, 1);
}

int main(void) {
    struct sigaction action = {.sa_handler = on_timer};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval every = {{0, 300}, {0, 300}};
    setitimer(ITIMER_REAL, &every, NULL);
    for (volatile int jumps = 0; jumps < 1000; jumps++) {
        if (sigsetjmp(back, 1)) continue;
        armed = 1;
        for (;;) {
            void *p = keep(malloc(35001));
            p = keep(realloc(p, 60));
            free(p);
        }
    }
    memset(&every, 0, sizeof every);
    setitimer(ITIMER_REAL, &every, NULL);
    blocks(35003, 100);
    puts("jumped 1000 times");
    return 0;
}
