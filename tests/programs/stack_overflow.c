/* expect: 0; case: stack_overflow; sees: 57002x20 */
/* expect: 0; case: stack_overflow_shallow; env: TIDEMARK_DEPTH=16; sees: 57002x20 */
/* A program that handles the overflow of its stack, though it allocates on the way down. */
#include "target.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>

static sigjmp_buf back;
static char alternate[65536];

static void on_fault(int signal) {
    (void)signal;
    siglongjmp(back, 1);
}
static __attribute__((noinline)) int endless(int level) {
    volatile char frame[400];
    frame[0] = (char)level;
    if (level % 50 == 0) free(keep(malloc(57001)));
    return endless(level + 1) + frame[0];
}

int main(void) {
    struct rlimit limit = {1 << 20, 1 << 20};
    setrlimit(RLIMIT_STACK, &limit);
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    CHECK(!sigaltstack(&stack, NULL));
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    for (volatile int i = 0; i < 20; i++) {
        if (!sigsetjmp(back, 1)) endless(1);
        blocks(57002, 1);
    }
    puts("20 overflows");
    return 0;
}
