/* expect: 0; args: 4000; soak: 200000; sees: 39001x64 */
/* expect: 0; case: churn64_jemalloc; flags: -l:libjemalloc.so.2; args: 4000; sees: 39001x64 */
/* expect: 0; case: churn64_tcmalloc; flags: -l:libtcmalloc_minimal.so.4; args: 4000; sees: 39001x64 */
/* expect: 0; case: churn64_mimalloc; flags: -l:libmimalloc.so.2.0; args: 4000; sees: 39001x64 */
/* expect: 0; case: churn64_preload_jemalloc; preload: libjemalloc.so.2; args: 4000; sees: 39001x64 */
/* expect: 0; case: churn64_preload_tcmalloc; preload: libtcmalloc_minimal.so.4; args: 4000; sees: 39001x64 */
/* expect: 0; case: churn64_preload_mimalloc; preload: libmimalloc.so.2; args: 4000; sees: 39001x64 */
/* expect: 0; case: churn64_preload_after; preload: libjemalloc.so.2 trace; args: 4000; trace: any; limit: 30 */
/* 64 threads; every block goes through a shared table and is freed, grown or shrunk by whoever meets it. */
#include "target.h"

static _Atomic(void *) table[512];
static int rounds;

static void *exchange(void *number) {
    unsigned seed = (unsigned)(uintptr_t)number * 7919 + 1;
    for (int i = 0; i < rounds; i++) {
        size_t size = 16 + next_random(&seed) % 400;
        uint8_t *mine = keep(malloc(size));
        CHECK(mine);
        mine[0] = mine[size - 1] = (uint8_t)size;
        uint8_t *other = atomic_exchange(&table[next_random(&seed) % 512], mine);
        if (other && next_random(&seed) % 4 == 0) {
            uint8_t first = other[0];
            other = keep(realloc(other, 16 + next_random(&seed) % 2000));
            CHECK(other && other[0] == first);
        }
        free(other);
    }
    blocks(39001, 1);
    return NULL;
}

int main(int argc, char **argv) {
    rounds = argument_or(argc, argv, 4000);
    pthread_t threads[64];
    for (uintptr_t i = 0; i < 64; i++) CHECK(!pthread_create(&threads[i], NULL, exchange, (void *)i));
    for (int i = 0; i < 64; i++) CHECK(!pthread_join(threads[i], NULL));
    for (int i = 0; i < 512; i++) free(atomic_load(&table[i]));
    puts("done");
    return 0;
}
