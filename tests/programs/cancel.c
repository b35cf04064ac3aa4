/* expect: 0; sees: 72001x64 */
/* A hook is no cancellation point: a thread with a cancellation pending allocates on until it asks itself. */
#include "target.h"

static atomic_int reached;
static void cleanup(void *block) {
    free(block);
    blocks(72001, 1);
}
static void *work(void *unused) {
    (void)unused;
    void *block = malloc(100);
    pthread_cleanup_push(cleanup, block);
    pthread_cancel(pthread_self());
    for (int i = 0; i < 2000; i++) free(keep(malloc(50 + (size_t)i)));
    atomic_fetch_add(&reached, 1);
    pthread_testcancel();
    pthread_cleanup_pop(0);
    return NULL;
}

int main(void) {
    for (int i = 0; i < 64; i++) {
        pthread_t thread;
        void *result;
        CHECK(!pthread_create(&thread, NULL, work, NULL));
        CHECK(!pthread_join(thread, &result) && result == PTHREAD_CANCELED);
    }
    printf("%d reached the end\n", atomic_load(&reached));
    return 0;
}
