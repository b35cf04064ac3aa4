/* expect: 0; sees: 58001x2000; env: TIDEMARK_CHECK_STACKS=1 */
/* Recursion far beyond the depth limit. */
#include "target.h"

static __attribute__((noinline)) int down(int level) {
    if (level % 10 == 0) blocks(58001, 1);
    int result = level ? down(level - 1) : 0;
    keep(&result);
    return result + 1;
}

int main(void) {
    CHECK(down(19999) == 20000);
    puts("done");
    return 0;
}
