/*
 * Allocation in the shapes that scripts/bench measures: shapes SHAPE EVENTS [THREADS]. Prints nothing.
 *
 *   pair     malloc and free, one after the other
 *   bignum   a chain of numbers of a few limbs, each made from the last two and freed two steps later
 *   deep     a search tree: blocks of every level live while a call 15 frames below makes more
 *   threads  THREADS threads, each with a thousand live blocks of random size, sharing the events; each has an arena:
 *            sharing those too, 64 of them take 0.11 to 0.62 s from run to run
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next_random(uint64_t *state) { return *state = *state * 6364136223846793005u + 1442695040888963407u; }

static void pairs(long events) {
    for (long i = 0; i < events / 2; i++) {
        void *volatile block = malloc(24 + (size_t)(i & 63));
        free(block);
    }
}

static uint64_t *make_number(const uint64_t *a, const uint64_t *b, size_t limbs) {
    uint64_t *sum = malloc(limbs * sizeof *sum);
    for (size_t i = 0; i < limbs; i++) sum[i] = a[i % 2] * 31 + b[i % 2];
    return sum;
}

static void bignum(long events) {
    uint64_t *older = calloc(2, 8), *old = calloc(2, 8), state = 1;
    for (long i = 0; i < events / 2; i++) {
        uint64_t *number = make_number(older, old, 2 + (next_random(&state) >> 60));
        free(older);
        older = old;
        old = number;
    }
    free(older);
    free(old);
}

struct cover {
    struct cover *next;
    uint64_t cubes[6];
};

static __attribute__((noinline)) long minimise(int level, long left, uint64_t *state) {
    struct cover *covers = NULL;
    for (int i = 0; i < 3; i++) {
        struct cover *cover = malloc(sizeof *cover + (size_t)level * 16);
        cover->next = covers;
        covers = cover;
        left -= 2;
        if (level && left > 0 && next_random(state) >> 62) left = minimise(level - 1, left, state);
    }
    while (covers) {
        struct cover *next = covers->next;
        free(covers);
        covers = next;
    }
    return left;
}

static void deep(long events) {
    uint64_t state = 1;
    while (events > 0) events = minimise(13, events, &state);
}

static long share;
static void *churn(void *seed) {
    enum { LIVE = 1000 };
    void *live[LIVE] = {0};
    uint64_t state = (uintptr_t)seed;
    for (long i = 0; i < share / 2; i++) {
        uint64_t random = next_random(&state) >> 33;
        void **slot = &live[random % LIVE];
        free(*slot);
        *slot = malloc(16 + random / LIVE % 1000);
    }
    for (int i = 0; i < LIVE; i++) free(live[i]);
    return NULL;
}

static void threads(long events, int count) {
    pthread_t thread[256];
    if (count > 256) count = 256;
    share = events / count;
    mallopt(M_ARENA_MAX, count);
    for (int i = 0; i < count; i++) pthread_create(&thread[i], NULL, churn, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < count; i++) pthread_join(thread[i], NULL);
}

int main(int count, char **arguments) {
    long events = count > 2 ? atol(arguments[2]) : 0;
    if (!events) return 2;
    if (!strcmp(arguments[1], "pair")) pairs(events);
    else if (!strcmp(arguments[1], "bignum")) bignum(events);
    else if (!strcmp(arguments[1], "deep")) deep(events);
    else if (count > 3) threads(events, atoi(arguments[3]));
    return 0;
}
