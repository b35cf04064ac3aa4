/*
 * Its constructor runs before the recorder's, so libc calls its fork handler first: the child's first hook is in there.
 */
#include <pthread.h>
#include <stdlib.h>

static void in_child(void) {
    for (int i = 0; i < 5; i++) {
        void *volatile block = malloc(40004);
        free(block);
    }
}

__attribute__((constructor)) static void construct(void) { pthread_atfork(NULL, NULL, in_child); }
