/* expect: 0 */
/* expect: 0; case: errno_kept_checked; env: TIDEMARK_CHECK_STACKS=1; modes: bare */
/*
 * Calls that succeed leave errno alone, those that fail set it as libc does; also when the trace file grows, and when
 * the stack of the first one is the first that libunwind walks.
 */
#include "target.h"
#include <sys/mman.h>

static void *each(void *unused) {
    (void)unused;
    for (int i = 0; i < 100000; i++) {
        errno = 1000 + i % 7;
        void *p = keep(malloc(16 + (size_t)i % 3000));
        CHECK(errno == 1000 + i % 7);
        p = keep(realloc(p, 100 + (size_t)i % 1000));
        CHECK(errno == 1000 + i % 7);
        free(p);
        CHECK(errno == 1000 + i % 7);
        if (i % 100) continue;
        p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(!munmap(p, 4096) && errno == 1000 + i % 7);
    }
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
    return NULL;
}

int main(void) {
    pthread_t threads[2];
    volatile size_t too_much = SIZE_MAX;
    CHECK(!keep(malloc(too_much)) && errno == ENOMEM);
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, each, NULL);
    each(NULL);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    puts("errno kept");
    return 0;
}
