/*
 * The recorder in one program with its target, both built with the thread sanitizer: its hooks, which have other names
 * here (Makefile), are called by threads that make, hand over and free blocks at stacks that change, come and go, name
 * themselves, load and unload a library, tell phases, and start and stop the recorder's own thread.
 *   race SECONDS [fault|pauses]    fault: a race of its own, which must be found
 *                                  pauses: of which nobody knows what they hide
 * Prints how many blocks it made and freed.
 */
#define TIDEMARK_RECORDER
#include "../../include/tidemark.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define DECLARE_CALL(name, parameters, arguments) void tidemark_##name parameters;
#define DECLARE_GET(type, name, absent, parameters, arguments) type tidemark_##name parameters;
TIDEMARK_CALLS(DECLARE_CALL, DECLARE_GET)

void *hooked_malloc(size_t size);
void *hooked_calloc(size_t count, size_t size);
void *hooked_realloc(void *block, size_t size);
void hooked_free(void *block);
void *hooked_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
int hooked_munmap(void *address, size_t length);
int hooked_dlclose(void *handle);
int hooked_unshare(int flags);

enum { CHURNERS = 4, SHELVES = 256, DEPTH = 24 };

static _Atomic bool stop;
static _Atomic uint64_t made, freed;
static void *_Atomic shelves[SHELVES]; /* blocks go from thread to thread here */

struct counts {
    uint64_t made, freed;
};

static unsigned draw(unsigned *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void add_counts(const struct counts *counts) {
    atomic_fetch_add(&made, counts->made);
    atomic_fetch_add(&freed, counts->freed);
}

static void *make(unsigned *seed, struct counts *counts) {
    size_t size = 1 + draw(seed) % 600;
    counts->made++;
    return draw(seed) % 4 ? hooked_malloc(size) : hooked_calloc(1, size);
}

static void release(void *block, struct counts *counts) {
    counts->freed += block != NULL;
    hooked_free(block);
}

static void use(unsigned *seed, struct counts *counts) {
    void *block = make(seed, counts);
    if (draw(seed) % 8 == 0) {
        block = hooked_realloc(block, 1 + draw(seed) % 5000);
        counts->made++;
        counts->freed++;
    }
    release(atomic_exchange(&shelves[draw(seed) % SHELVES], block), counts);
}

/* Call paths of 2 in each step: the threads meet at the same new stacks. */
static void descend_left(unsigned depth, unsigned *seed, struct counts *counts);
static __attribute__((noinline)) void descend_right(unsigned depth, unsigned *seed, struct counts *counts) {
    if (!depth) use(seed, counts);
    else (draw(seed) % 2 ? descend_left : descend_right)(depth - 1, seed, counts);
    __asm__ volatile(""); /* no call in the last place becomes a jump */
}
static __attribute__((noinline)) void descend_left(unsigned depth, unsigned *seed, struct counts *counts) {
    if (!depth) use(seed, counts);
    else (draw(seed) % 2 ? descend_right : descend_left)(depth - 1, seed, counts);
    __asm__ volatile("");
}

static void work(unsigned seed, unsigned rounds) {
    struct counts counts = {0, 0};
    for (unsigned i = 0; i < rounds && !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
        descend_left(draw(&seed) % DEPTH, &seed, &counts);
        if (i % 64 == 0) {
            void *mapping = hooked_mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (mapping != MAP_FAILED) hooked_munmap(mapping, 8192);
        }
    }
    add_counts(&counts);
}

static void *churn(void *argument) {
    work((unsigned)(uintptr_t)argument, UINT32_MAX);
    return NULL;
}

static void *live_shortly(void *argument) {
    char name[16];
    snprintf(name, sizeof name, "short %u", (unsigned)(uintptr_t)argument % 100);
    work((unsigned)(uintptr_t)argument * 7919, 20);
    pthread_setname_np(pthread_self(), name);
    work((unsigned)(uintptr_t)argument * 104729, 20);
    return NULL;
}

static void *come_and_go(void *unused) {
    for (uintptr_t i = 1; !atomic_load(&stop); i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, live_shortly, (void *)i) == 0) pthread_join(thread, NULL);
    }
    return unused;
}

static void *tell_phases(void *unused) {
    struct counts counts = {0, 0};
    unsigned seed = 77;
    for (unsigned i = 0; !atomic_load(&stop); i++) {
        tidemark_phase_begin("round");
        for (int j = 0; j < 100; j++) use(&seed, &counts);
        tidemark_items(100);
        tidemark_phase_end("round");
        if (i % 200 == 0) tidemark_mark("look");
    }
    add_counts(&counts);
    return unused;
}

static void *pause_and_resume(void *unused) {
    while (!atomic_load(&stop)) {
        tidemark_pause();
        tidemark_resume();
        usleep(1000);
    }
    return unused;
}

/* A module epoch each time. */
static void *load_and_unload(void *unused) {
    while (!atomic_load(&stop)) {
        void *library = dlopen("libutil.so.1", RTLD_NOW | RTLD_LOCAL);
        if (library) hooked_dlclose(library);
        usleep(20000);
    }
    return unused;
}

/* The hook stops the recorder's thread before the call, and starts it after. */
static void *stop_the_helper(void *unused) {
    while (!atomic_load(&stop)) {
        hooked_unshare(0);
        usleep(50000);
    }
    return unused;
}

static int faulty;
static void *race(void *unused) {
    for (int i = 0; i < 1000; i++) faulty++;
    return unused;
}

int main(int argc, char **argv) {
    void *(*const parts[])(void *) = {come_and_go, tell_phases, tell_phases, load_and_unload, stop_the_helper, race};
    enum { PARTS = sizeof parts / sizeof *parts };
    pthread_t threads[CHURNERS + PARTS + 2];
    void *(*more)(void *) = argc < 3 ? NULL : strcmp(argv[2], "fault") ? pause_and_resume : race;
    size_t count = 0;
    for (uintptr_t i = 0; i < CHURNERS; i++) pthread_create(&threads[count++], NULL, churn, (void *)(i + 1));
    for (size_t i = 0; i < PARTS; i++) pthread_create(&threads[count++], NULL, parts[i], NULL);
    for (int i = 0; more && i < 2; i++) pthread_create(&threads[count++], NULL, more, NULL);
    sleep(argc > 1 ? (unsigned)atoi(argv[1]) : 1);
    atomic_store(&stop, true);
    for (size_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
    printf("made %llu freed %llu\n", (unsigned long long)made, (unsigned long long)freed);
    return 0;
}
