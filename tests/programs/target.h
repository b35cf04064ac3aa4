/*
 * What the hostile targets share: a check that ends the program loudly, blocks the compiler cannot optimise away, and
 * threads that keep the heap busy. Included by one translation unit each; nothing here prints on success.
 */
#ifndef TESTS_TARGET_H
#define TESTS_TARGET_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef __cplusplus
#include <stdatomic.h>
#endif

static inline __attribute__((unused)) void check_failed(const char *file, int line, const char *text) {
    dprintf(2, "%s:%d: failed: %s (errno %d)\n", file, line, text, errno);
    _exit(99);
}
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

/* The compiler must believe that the block is used. */
static inline void *keep(void *block) {
    __asm__ volatile("" : : "g"(block) : "memory");
    return block;
}

/* `count` blocks of a size that the case names under `sees:`, written to and freed. */
static inline __attribute__((unused)) void blocks(size_t size, int count) {
    for (int i = 0; i < count; i++) {
        char *p = (char *)keep(malloc(size));
        CHECK(p != NULL);
        memset(p, i, size < 64 ? size : 64);
        free(p);
    }
}

static inline __attribute__((unused)) unsigned next_random(unsigned *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Threads that allocate and free until told to stop. */
#define CHURN_MOST 64
static bool churn_stop __attribute__((unused));
static pthread_t churn_threads[CHURN_MOST] __attribute__((unused));

static inline __attribute__((unused)) void *churn(void *argument) {
    unsigned seed = (unsigned)(uintptr_t)argument + 1;
    void *kept[64] = {0};
    while (!__atomic_load_n(&churn_stop, __ATOMIC_RELAXED)) {
        unsigned at = next_random(&seed) % 64;
        free(kept[at]);
        kept[at] = keep(malloc(16 + next_random(&seed) % 500));
    }
    for (int i = 0; i < 64; i++) free(kept[i]);
    return NULL;
}

static inline __attribute__((unused)) void churn_start(int threads) {
    __atomic_store_n(&churn_stop, false, __ATOMIC_RELAXED);
    for (int i = 0; i < threads; i++) CHECK(!pthread_create(&churn_threads[i], NULL, churn, (void *)(uintptr_t)i));
}

static inline __attribute__((unused)) void churn_end(int threads) {
    __atomic_store_n(&churn_stop, true, __ATOMIC_RELAXED);
    for (int i = 0; i < threads; i++) CHECK(!pthread_join(churn_threads[i], NULL));
}

static inline __attribute__((unused)) int argument_or(int argc, char **argv, int fallback) {
    return argc > 1 ? atoi(argv[1]) : fallback;
}

#endif
