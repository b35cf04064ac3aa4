/*
 * Every block carries an id and is freed, or moved, by another thread than the one that made it; what was done to which
 * id is written to ORACLE_LOG. ids.py then proves from a trace that each free was paired with its own allocation.
 *
 * Usage: ids THREADS ROUNDS storm|sizes|near. With `storm` all blocks are of one size class, so that an address is used
 * again at once by whichever thread is quickest; with `near` a thread frees seven in eight of its blocks itself. The
 * log is kept in memory until the end: it must not disturb the order. With ORACLE_GATE the threads, known to the
 * recorder by then, wait until there is a file of that name.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST_THREADS 64
#define INBOX 16
enum { BEGIN_SIZE = 110000, END_SIZE = 120000 };

struct step { /* read by ids.py: "<QQIIQQ" */
    uint64_t kind, id;
    uint32_t size, thread;
    uint64_t address, old; /* kind 1 alloc, 2 free, 3 realloc of `old` */
};
struct worker {
    pthread_t thread;
    unsigned number, seed;
    struct step *log;
    size_t steps;
    uint64_t next_id;
};
static struct worker workers[MOST_THREADS];
static _Atomic(uint64_t *) inbox[MOST_THREADS][INBOX];
static unsigned threads;
static size_t rounds;
static bool storm, near;
static pthread_barrier_t start;

static unsigned next_random(struct worker *w) {
    w->seed = w->seed * 1664525u + 1013904223u;
    return w->seed >> 8;
}

static size_t a_size(struct worker *w) { return storm ? 41 + next_random(w) % 16 : 24 + next_random(w) % 1500; }

static void note(struct worker *w, uint64_t kind, uint64_t id, size_t size, void *address, uint64_t old) {
    w->log[w->steps++] = (struct step){kind, id, (uint32_t)size, w->number, (uintptr_t)address, old};
}

static uint64_t *make(struct worker *w) {
    size_t size = a_size(w);
    uint64_t *block = malloc(size);
    if (!block) _exit(9);
    *block = w->next_id++;
    note(w, 1, *block, size, block, 0);
    return block;
}

/* Mostly frees; now and then moves it first, which gives it a new id. */
static void consume(struct worker *w, uint64_t *block) {
    if (next_random(w) % 8 == 0) {
        size_t size = a_size(w) + (storm ? 0 : next_random(w) % 4000);
        uint64_t old_id = *block;
        block = realloc(block, size);
        if (!block || *block != old_id) _exit(8);
        *block = w->next_id++;
        note(w, 3, *block, size, block, old_id);
    }
    note(w, 2, *block, 0, block, 0);
    free(block);
}

static void marker(size_t size) {
    char *block = malloc(size);
    __asm__ volatile("" : : "g"(block) : "memory");
    free(block);
}

static void *work(void *argument) {
    struct worker *w = argument;
    const char *gate = getenv("ORACLE_GATE");
    marker(1);
    while (gate && access(gate, F_OK)) usleep(1000);
    pthread_barrier_wait(&start);
    marker(BEGIN_SIZE + w->number);
    for (size_t i = 0; i < rounds; i++) {
        unsigned other = (w->number + 1 + next_random(w) % (threads - 1)) % threads;
        unsigned to = near && next_random(w) % 8 ? w->number : other;
        uint64_t *back = atomic_exchange(&inbox[to][next_random(w) % INBOX], make(w));
        if (back) consume(w, back);
        uint64_t *mine = atomic_exchange(&inbox[w->number][next_random(w) % INBOX], NULL);
        if (mine) consume(w, mine);
    }
    marker(END_SIZE + w->number);
    return NULL;
}

static void write_log(const char *path) {
    FILE *file = fopen(path, "wb");
    if (!file) _exit(7);
    for (unsigned i = 0; i < threads; i++) fwrite(workers[i].log, sizeof(struct step), workers[i].steps, file);
    if (fclose(file)) _exit(6);
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    threads = (unsigned)atoi(argv[1]);
    rounds = (size_t)atol(argv[2]);
    storm = !strcmp(argv[3], "storm");
    near = !strcmp(argv[3], "near");
    size_t room = (rounds * 5 + 10) * sizeof(struct step);
    pthread_barrier_init(&start, NULL, threads);
    for (unsigned i = 0; i < threads; i++) {
        struct worker *w = &workers[i];
        *w = (struct worker){.number = i, .seed = i * 31 + 7, .next_id = (uint64_t)(i + 1) << 32};
        w->log = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (w->log == MAP_FAILED || pthread_create(&w->thread, NULL, work, w)) return 5;
    }
    for (unsigned i = 0; i < threads; i++) pthread_join(workers[i].thread, NULL);
    write_log(getenv("ORACLE_LOG") ? getenv("ORACLE_LOG") : "/dev/null");
    puts("done");
    return 0;
}
