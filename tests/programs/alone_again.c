/* expect: 0; sees: 2001x20000 4001x60000 */
/*
 * Blocks that change hands at the same address all the time, and then a thread that is alone and busy: what those that
 * are gone left in their rings is still ordered by its stamps.
 */
#include "target.h"

#include <semaphore.h>

enum { HANDED = 5000, TIMES = 4 };
static sem_t given, taken;
static void *hand;

/* Larger than what a thread keeps for itself: the next one gets the memory that the other thread gave back. */
static void *give(void *argument) {
    for (int i = 0; i < HANDED; i++) {
        hand = keep(malloc(2001));
        sem_post(&given);
        sem_wait(&taken);
    }
    return argument;
}

static void take(void) {
    for (int i = 0; i < HANDED; i++) {
        sem_wait(&given);
        free(hand);
        sem_post(&taken);
    }
}

int main(void) {
    CHECK(!sem_init(&given, 0, 0) && !sem_init(&taken, 0, 0));
    for (int i = 0; i < TIMES; i++) {
        pthread_t thread;
        CHECK(!pthread_create(&thread, NULL, give, NULL));
        take();
        CHECK(!pthread_join(thread, NULL));
        blocks(4001, 15000); /* fills its ring */
    }
    puts("done");
    return 0;
}
