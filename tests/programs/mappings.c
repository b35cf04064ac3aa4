/* expect: 0 */
/* Mappings cut at the start, the end and the middle, mapped over, moved, grown; brk and sbrk; calls that fail. */
#include "target.h"
#include <sys/mman.h>

#define PAGE 4096u
static char *map(size_t pages) {
    char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    memset(p, 1, pages * PAGE);
    return p;
}

int main(void) {
    for (int i = 0; i < 200; i++) {
        char *p = map(10);
        CHECK(!munmap(p, PAGE) && !munmap(p + 9 * PAGE, PAGE) && !munmap(p + 4 * PAGE, 2 * PAGE));
        CHECK(mmap(p + 6 * PAGE, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 6 * PAGE);
        CHECK(!munmap(p, 10 * PAGE));
        p = map(4);
        p = mremap(p, 4 * PAGE, 400 * PAGE, MREMAP_MAYMOVE);
        CHECK(p != MAP_FAILED && p[3 * PAGE] == 1);
        CHECK(mremap(p, 400 * PAGE, 0, 0) == MAP_FAILED && errno == EINVAL);
        CHECK(!madvise(p, 8 * PAGE, MADV_DONTNEED) && p[0] == 0);
        CHECK(madvise(p + 1, PAGE, MADV_DONTNEED) == -1 && errno == EINVAL);
        CHECK(mremap(p, 400 * PAGE, 100 * PAGE, 0) == p);
        CHECK(!munmap(p, 100 * PAGE));
        CHECK(munmap((void *)1, PAGE) == -1 && errno == EINVAL);
    }
    char *before = sbrk(0);
    CHECK(sbrk(65536) == before && (char *)sbrk(0) == before + 65536);
    before[65535] = 1;
    CHECK(!brk(before) && sbrk(0) == before);
    CHECK(sbrk((intptr_t)1 << 60) == (void *)-1 && errno == ENOMEM);
    free(keep(malloc(100000)));
    puts("done");
    return 0;
}
