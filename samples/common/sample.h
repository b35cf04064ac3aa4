/*
 * What all sample workloads share: options, clock, random numbers, percentiles and a work folder.
 *
 * Every workload takes --size, --rounds, --leak and --variant, is clean unless told to leak, gives the same numbers for
 * the same options, and ends with status 0. Functions that can run out of memory end the program: a sample has no
 * caller that could do better. Only functions marked "any thread" may be called from several threads.
 */
#ifndef SAMPLES_COMMON_SAMPLE_H
#define SAMPLES_COMMON_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A function that stays one frame of its own, because verdicts name it. */
#if defined(__clang__)
#define OWN_FRAME __attribute__((noinline))
#else
#define OWN_FRAME __attribute__((noinline, noclone))
#endif

/* A block that is lost on purpose must not be optimised away with it. */
static inline void lose(const void *block) { __asm__ volatile("" : : "r"(block) : "memory"); }

enum sample_size { SIZE_QUICK, SIZE_STANDARD, SIZE_FULL };

/* One thing that a program can do differently; a list of them ends with name NULL. */
struct kind {
    const char *name;
    const char *text;
};

/* A program's own description, constant. */
struct program {
    const char *name;
    const char *text;
    const struct kind *leaks;
    const struct kind *variants;
};

struct options {
    enum sample_size size;
    unsigned rounds;     /* 0: the size's own number */
    const char *leak;    /* never NULL; "none" is clean */
    const char *variant; /* never NULL; "none" is the usual way of working */
    const char *limit;   /* --limit TEXT; NULL: none */
};

/* Reads the command line; on --help, --list or a mistake it prints and ends the program (0 or 2). */
struct options options_parse(const struct program *program, int argc, char **argv);
bool leaks(const struct options *options, const char *kind);
bool varies(const struct options *options, const char *kind);
unsigned by_size(const struct options *options, unsigned quick, unsigned standard, unsigned full);
unsigned rounds_or(const struct options *options, unsigned quick, unsigned standard, unsigned full);

/* Memory or the end of the program. Any thread. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
void die(const char *what);

/* CLOCK_MONOTONIC, ns. Any thread. */
uint64_t clock_ns(void);
void sleep_until(uint64_t ns);

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016. State is the caller's. */
struct rng {
    uint64_t state;
};
struct rng rng_seeded(uint64_t seed);
uint64_t rng_next(struct rng *rng);
unsigned rng_below(struct rng *rng, unsigned bound);
double rng_unit(struct rng *rng); /* 0 <= x < 1 */

/* Percentiles of times; room for the announced number is taken once, so that it never grows. */
struct times {
    uint64_t *ns;
    size_t count, room;
};
struct times times_for(size_t room);
void times_add(struct times *times, uint64_t ns); /* beyond the room: ignored */
uint64_t times_percentile(struct times *times, double percent);
double times_mean(const struct times *times);
void times_release(struct times *times);

/* A fresh folder under TMPDIR or /tmp; removing takes everything in it along. The name is the caller's to free. */
char *work_folder(const char *name);
void work_folder_remove(char *folder);

/* FOLDER/NAME, the caller's to free. Any thread. */
char *path_in(const char *folder, const char *name);

#endif
