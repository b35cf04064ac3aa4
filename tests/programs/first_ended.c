/* expect: 0; case: first_ended; cut: 0 */
/* expect: 7; case: raw_exit; args: raw; trace: open */
/*
 * The first thread ends before the others: pthread_exit in main. /proc/self then stands for a process without memory.
 * Or it ends by a raw exit(2) and is alone: whoever waits for it gets its status at once.
 */
#include "target.h"

#include <sys/syscall.h>

#include "../cli/first_thread.h"

/* Frames on pages of their own, to be read anew each time. */
static __attribute__((noinline)) void *on_a_page(int level, size_t size) {
    volatile char room[5000];
    room[level] = 1;
    void *block = level ? on_a_page(level - 1, size) : keep(malloc(size));
    CHECK(room[level]);
    return block;
}

static __attribute__((noinline)) void *middle(int times) {
    void *last = NULL;
    for (int i = 0; i < times; i++) {
        free(last);
        last = on_a_page(6, 3003);
    }
    return last;
}

static void *goes_on(void *argument) {
    wait_until_first_thread_ended();
    free(middle(500));
    return argument;
}

int main(int argc, char **argv) {
    (void)argv;
    pthread_t thread;
    if (argc > 1) {
        blocks(2000, 100000); /* enough for the recorder to have a thread */
        syscall(SYS_exit, 7);
    }
    CHECK(!pthread_create(&thread, NULL, goes_on, NULL));
    pthread_exit(NULL);
}
