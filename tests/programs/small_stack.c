/* expect: 0; flags: -Wl,-z,now; sees: 37001x320 37002x64 */
/*
 * Threads with the smallest stack that there is, which allocate when 3 KB of it are left, and in a handler on 2 KB
 * more.
 */
#include "target.h"
#include <limits.h>
#include <signal.h>

static __attribute__((noinline)) void at_depth(char *limit) {
    volatile char frame[128];
    frame[0] = 1;
    if ((char *)__builtin_frame_address(0) - limit > 3072) at_depth(limit);
    else blocks(37001, 5);
    frame[1] = 2;
}
static void on_signal(int signal) {
    (void)signal;
    blocks(37002, 1);
}

static void *small(void *stack) {
    static __thread char alternate[8192] __attribute__((aligned(16)));
    at_depth(stack);
    stack_t handler_stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    CHECK(!sigaltstack(&handler_stack, NULL));
    raise(SIGUSR1);
    return NULL;
}

int main(void) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 64; i++) {
        char *stack = aligned_alloc(4096, 32768);
        pthread_attr_t attributes;
        pthread_t thread;
        pthread_attr_init(&attributes);
        CHECK(!pthread_attr_setstack(&attributes, stack, 32768));
        CHECK(!pthread_create(&thread, &attributes, small, stack));
        CHECK(!pthread_join(thread, NULL));
        free(stack);
    }
    puts("64 small threads");
    return 0;
}
