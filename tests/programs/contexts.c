/* expect: 0; sees: 56001x20000 56002x20000; env: TIDEMARK_CHECK_STACKS=1 */
/*
 * Coroutines on small stacks of their own, also made of freed stacks of others, switched in the middle of deep frames.
 */
#include "target.h"
#include <ucontext.h>

static ucontext_t main_context, contexts[20];
static int turns[20];

static __attribute__((noinline)) void level(int depth, int self) {
    if (depth) {
        level(depth - 1, self);
        keep(&depth);
        return;
    }
    blocks(56001, 1);
    swapcontext(&contexts[self], &main_context);
    blocks(56002, 1);
}
static void coroutine(int self) {
    while (turns[self]--) level(self, self);
}

int main(void) {
    for (int round = 0; round < 10; round++) {
        char *stacks[20];
        for (int i = 0; i < 20; i++) {
            stacks[i] = malloc(20000);
            turns[i] = 100;
            getcontext(&contexts[i]);
            contexts[i].uc_stack.ss_sp = stacks[i];
            contexts[i].uc_stack.ss_size = 20000;
            contexts[i].uc_link = &main_context;
            makecontext(&contexts[i], (void (*)(void))coroutine, 1, i);
        }
        for (int turn = 0; turn < 101; turn++)
            for (int i = 0; i < 20; i++) swapcontext(&main_context, &contexts[i]);
        for (int i = 0; i < 20; i++) free(stacks[i]);
    }
    puts("done");
    return 0;
}
