/* expect: 0; args: 5000; soak: 100000; sees: 38001x1 */
/* Threads come and go in thousands; each allocates, some leave a block for the next. */
#include "target.h"

static _Atomic(void *) left;

static void *briefly(void *number) {
    free(keep(malloc(64)));
    void *mine = malloc(32 + (uintptr_t)number % 100);
    free(atomic_exchange(&left, mine));
    return NULL;
}

int main(int argc, char **argv) {
    int count = argument_or(argc, argv, 5000);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 16384 + 16384);
    pthread_t threads[20];
    for (int i = 0; i < count; i += 20) {
        for (int k = 0; k < 20; k++)
            CHECK(!pthread_create(&threads[k], &attributes, briefly, (void *)(uintptr_t)(i + k)));
        for (int k = 0; k < 20; k++) CHECK(!pthread_join(threads[k], NULL));
    }
    free(atomic_load(&left));
    blocks(38001, 1);
    puts("done");
    return 0;
}
