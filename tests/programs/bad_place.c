/* expect: 0; case: tmpfs_4k; out: tmpfs:4k; needs: mount; trace: lossy */
/* expect: 0; case: tmpfs_64k; out: tmpfs:64k; needs: mount; trace: lossy */
/* expect: 0; case: tmpfs_300k; out: tmpfs:300k; needs: mount; trace: lossy */
/* expect: 0; case: tmpfs_800k; out: tmpfs:800k; needs: mount; trace: lossy */
/* expect: 0; case: tmpfs_2m; out: tmpfs:2m; needs: mount; trace: lossy */
/* expect: 0; case: tmpfs_4m; out: tmpfs:4m; needs: mount; trace: lossy */
/* expect: 0; case: tmpfs_9m; out: tmpfs:9m; needs: mount; trace: lossy */
/* expect: 0; case: tmpfs_threads_3m; args: threads; out: tmpfs:3m; needs: mount; trace: lossy */
/* expect: 0; case: tmpfs_threads_12m; args: threads; out: tmpfs:12m; needs: mount; trace: lossy */
/* expect: 0; case: readonly_place; modes: bare inline thread; out: readonly; needs: mount; trace: none; stderr: any */
/* expect: 0; case: missing_place; modes: bare inline thread; out: missing; trace: none; stderr: any */
/* expect: 0; case: size_limit; env: TIDEMARK_MAX_SIZE=2M; trace: lossy */
/* No room for the trace, at every stage: the program never notices, the loss is counted, what is there is right. */
#include "target.h"

static void *work(void *seed) {
    unsigned state = (unsigned)(uintptr_t)seed;
    void *kept[1000] = {0};
    for (int i = 0; i < 400000; i++) {
        unsigned at = next_random(&state) % 1000;
        free(kept[at]);
        kept[at] = keep(malloc(16 + next_random(&state) % 3000));
        CHECK(kept[at]);
    }
    for (int i = 0; i < 1000; i++) free(kept[i]);
    return NULL;
}

int main(int argc, char **argv) {
    (void)argv;
    pthread_t threads[8];
    int count = argc > 1 ? 8 : 0;
    for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)i);
    work((void *)100);
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
    puts("done");
    return 0;
}
