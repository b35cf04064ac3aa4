/* expect: 0; sees: 48001x100001 */
/*
 * A program unmaps the middle of a mapping, then all of it: between the two nothing of ours may lie there, whatever the
 * hooks need memory for. A thread that began before makes its first event then, and fills its ring.
 */
#include "target.h"
#include <malloc.h>
#include <sys/mman.h>

enum { STEP = 4 << 20, STEPS = 16 };

static atomic_int go, done;

static void *allocate(void *unused) {
    while (!go) sched_yield();
    for (int i = 0; i < 100000; i++) free(keep(malloc(48001)));
    done = 1;
    return unused;
}

int main(void) {
    pthread_t thread;
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    free(keep(malloc(48001)));
    CHECK(!pthread_create(&thread, NULL, allocate, NULL));
    char *p = mmap(NULL, (size_t)STEP * STEPS, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(p != MAP_FAILED);
    for (int i = 1; i < STEPS; i += 2) CHECK(!munmap(p + (size_t)i * STEP, STEP));
    go = 1;
    while (!done) sched_yield();
    CHECK(!munmap(p, (size_t)STEP * STEPS));
    CHECK(!pthread_join(thread, NULL));
    for (int i = 0; i < 1000; i++) free(keep(malloc(100)));
    puts("done");
    return 0;
}
