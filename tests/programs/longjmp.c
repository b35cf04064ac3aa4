/* expect: 0; sees: 55501x3000 */
/* longjmp out of deep frames that hold blocks, again and again from other depths. */
#include "target.h"
#include <setjmp.h>

static jmp_buf back;
static void *held[64];

static __attribute__((noinline)) int deep(int level, int jump) {
    held[level] = keep(malloc(60));
    if (jump && level == 0) longjmp(back, 1);
    int result = level ? deep(level - 1, jump) : 0;
    free(held[level]);
    held[level] = NULL;
    return result + 1;
}

int main(void) {
    for (volatile int i = 0; i < 3000; i++) {
        if (!setjmp(back)) deep(i % 60, i % 2);
        for (int k = 0; k < 64; k++) free(held[k]), held[k] = NULL;
        blocks(55501, 1);
    }
    puts("done");
    return 0;
}
