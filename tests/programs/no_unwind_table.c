/* expect: 0; flags: -fno-asynchronous-unwind-tables -fno-omit-frame-pointer -Wl,--no-eh-frame-hdr; env: TIDEMARK_CHECK_STACKS=1; sees: 48001x400; sites: compare=400; cut: 0 */
/*
 * A program without .eh_frame_hdr: its frames are found by their frame pointers. Below them are some of libc's, whose
 * rules need the right stack pointer.
 */
#include "target.h"

static int compare(const void *a, const void *b) {
    free(keep(malloc(48001)));
    return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) void sort(int level) {
    int pairs[] = {2, 1};
    if (level) sort(level - 1);
    else qsort(pairs, 2, sizeof *pairs, compare);
    CHECK(level || pairs[0] == 1);
}

int main(void) {
    for (int i = 0; i < 400; i++) sort(i % 7);
    return 0;
}
