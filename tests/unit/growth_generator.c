/*
 * Each pattern below plays the life of one call site, block by block, and leaves the evidence that the collector would
 * have gathered. Parameters are drawn wide on purpose: small counts, slow saturation, lives near the length of the run.
 */
#include "growth_generator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/growth_container.h"

/*
 * A cache that still meets new keys at its first rate when the recording ends is growth by all that can be seen. The
 * caches here have at most so many keys for each draw over the whole run.
 */
#define EXHAUSTED 0.45

/* Deaths after the last round, as numbers of rounds past it. */
enum { AFTER_PHASE, AT_TEARDOWN, AT_EXIT, NEVER };

static uint64_t next(struct generator *generator) {
    uint64_t z = generator->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double unit(struct generator *generator) { return (double)(next(generator) >> 11) * 0x1p-53; }
static int between(struct generator *generator, int low, int high) {
    return low + (int)(unit(generator) * (high - low + 1));
}
static double log_between(struct generator *generator, double low, double high) {
    return low * pow(high / low, unit(generator));
}
static bool chance(struct generator *generator, double p) { return unit(generator) < p; }

static int poisson(struct generator *generator, double mean) {
    if (mean > 50) { /* by the normal approximation */
        double normal = sqrt(-2 * log(1 - unit(generator))) * cos(2 * M_PI * unit(generator));
        return (int)fmax(0, round(mean + sqrt(mean) * normal));
    }
    int count = 0;
    for (double product = 1 - unit(generator), limit = exp(-mean); product > limit; count++)
        product *= 1 - unit(generator);
    return count;
}

static size_t rounds_of(const struct synthetic *site) { return site->evidence.count; }

static void add(struct growth_amount *amount, uint64_t blocks, uint64_t bytes) {
    amount->blocks += blocks;
    amount->bytes += bytes;
}

/* `blocks` blocks born in `birth` and released in round `death`; from rounds_of() on see the enum. */
static void live(struct synthetic *site, size_t birth, size_t death, uint64_t blocks, uint64_t size) {
    size_t count = rounds_of(site);
    struct growth_round *round = &site->rounds[birth];
    if (birth >= count || blocks == 0) return;
    if (birth < site->evidence.first) site->evidence.first = (uint32_t)birth;
    for (size_t i = birth; i < death && i < count; i++) site->level[i] += blocks;
    if (death < count) {
        growth_lives_add(&site->lives, death - birth, blocks);
        site->evidence.freed += blocks;
        return;
    }
    add(&round->held, blocks, blocks * size);
    if (death > count + AFTER_PHASE) add(&round->kept, blocks, blocks * size);
    if (death > count + AT_TEARDOWN) add(&round->exited, blocks, blocks * size);
    if (death > count + AT_EXIT) add(&round->never, blocks, blocks * size);
}

static void keep(struct synthetic *site, size_t birth, uint64_t blocks) {
    live(site, birth, rounds_of(site) + NEVER, blocks, 64);
}

static void churn(struct synthetic *site, uint64_t blocks) {
    for (size_t i = 0; i < rounds_of(site); i++) live(site, i, i, blocks, 64);
}

/* What a cleanup at the end of the program does with blocks that are left. */
static size_t at_the_end(const struct synthetic *site, struct generator *generator) {
    return rounds_of(site) + (size_t)between(generator, AT_TEARDOWN, NEVER);
}

/* Clean patterns. */

static void released(struct synthetic *site, struct generator *generator) {
    churn(site, (uint64_t)between(generator, 1, 1000));
}

static void one_time(struct synthetic *site, struct generator *generator) {
    size_t when = chance(generator, 0.5) ? 0 : (size_t)between(generator, 0, (int)rounds_of(site) - 1);
    live(site, when, at_the_end(site, generator), (uint64_t)between(generator, 1, 50), 64);
}

/* Keys drawn from `keys` equally likely ones; each is stored when first met. */
static void store_new_keys(struct synthetic *site, struct generator *generator, double keys, double draws) {
    double known = 0;
    for (size_t i = 0; i < rounds_of(site); i++) {
        double fresh = (keys - known) * -expm1(draws * log1p(-1 / keys));
        int stored = poisson(generator, fresh);
        if (stored > keys - known) stored = (int)(keys - known);
        known += stored;
        keep(site, i, (uint64_t)stored);
    }
}

static void lazy_slots(struct synthetic *site, struct generator *generator) {
    double draws = log_between(generator, 1, 100),
           most = fmin(64, fmax(2, EXHAUSTED * draws * (double)rounds_of(site)));
    store_new_keys(site, generator, between(generator, 2, (int)most), draws);
}

static void coupon_cache(struct synthetic *site, struct generator *generator) {
    double draws = log_between(generator, 5, 2000);
    store_new_keys(site, generator, fmax(4, draws * (double)rounds_of(site) * log_between(generator, 0.01, EXHAUSTED)),
                   draws);
}

static void zipf_cache(struct synthetic *site, struct generator *generator) {
    enum { MOST_KEYS = 4096 };
    static double weight[MOST_KEYS];
    static bool known[MOST_KEYS];
    double exponent = 0.8 + 0.7 * unit(generator), total = 0;
    int draws = (int)log_between(generator, 10, 400);
    int keys = (int)fmin(MOST_KEYS, fmax(4, draws * (double)rounds_of(site) * log_between(generator, 0.02, EXHAUSTED)));
    for (int i = 0; i < keys; i++) weight[i] = total += pow(i + 1, -exponent);
    memset(known, 0, sizeof known);
    for (size_t i = 0; i < rounds_of(site); i++) {
        for (int draw = 0; draw < draws; draw++) {
            double at = unit(generator) * total;
            int low = 0, high = keys - 1;
            while (low < high) {
                int middle = (low + high) / 2;
                if (weight[middle] < at) low = middle + 1;
                else high = middle;
            }
            if (!known[low]) keep(site, i, 1);
            known[low] = true;
        }
    }
}

static void lru_cache(struct synthetic *site, struct generator *generator) {
    int misses = between(generator, 1, 100);
    double full = 0.1 + unit(generator) * 0.6 * (double)rounds_of(site); /* rounds until it is full */
    for (size_t i = 0; i < rounds_of(site); i++) {
        for (int j = 0; j < misses; j++) {
            double death = (double)i + (j + unit(generator)) / misses + full;
            live(site, i, death < (double)rounds_of(site) ? (size_t)death : at_the_end(site, generator), 1, 64);
        }
    }
}

/* Grows to the highest load seen; loads rise, fall or scatter. */
static void pool(struct synthetic *site, struct generator *generator) {
    double base = log_between(generator, 2, 200), rise = 0.2 * unit(generator), scatter = 0.5 * unit(generator);
    double size = 0;
    for (size_t i = 0; i < rounds_of(site); i++) {
        double load = floor(base * (1 + rise * (double)i) * (1 + scatter * (2 * unit(generator) - 1)));
        site->rounds[i].work = fmax(1, load);
        if (load > size) keep(site, i, (uint64_t)(load - size));
        size = fmax(size, load);
    }
}

static void queue(struct synthetic *site, struct generator *generator) {
    double in = log_between(generator, 1, 200), out = in * (0.7 + 0.6 * unit(generator));
    size_t head = 0, tail = 0, capacity = 200000;
    size_t *births = malloc(capacity * sizeof *births);
    for (size_t i = 0; i < rounds_of(site); i++) {
        for (int n = poisson(generator, in); n > 0 && tail < capacity; n--) births[tail++] = i;
        for (int n = poisson(generator, out); n > 0 && head < tail; n--) live(site, births[head++], i, 1, 64);
    }
    while (head < tail) live(site, births[head++], rounds_of(site) + AFTER_PHASE, 1, 64);
    free(births);
}

static void sawtooth(struct synthetic *site, struct generator *generator) {
    size_t period = (size_t)between(generator, 2, (int)rounds_of(site) / 2 + 1),
           phase = (size_t)between(generator, 0, (int)period - 1);
    uint64_t blocks = (uint64_t)between(generator, 1, 100);
    for (size_t i = 0; i < rounds_of(site); i++) {
        size_t death = i + period - (i + phase) % period;
        live(site, i, death < rounds_of(site) ? death : at_the_end(site, generator), blocks, 64);
    }
}

static void irregular_sawtooth(struct synthetic *site, struct generator *generator) {
    double flush = 0.2 + 0.5 * unit(generator);
    uint64_t blocks = (uint64_t)between(generator, 1, 20);
    size_t begin = 0;
    size_t latest = rounds_of(site) / 2; /* the first flush, without which there is nothing to see */
    for (size_t i = 1; i <= rounds_of(site); i++) {
        if (i < rounds_of(site) && !(i == latest && begin == 0) && !chance(generator, flush)) continue;
        size_t death = i < rounds_of(site) ? i : at_the_end(site, generator);
        while (begin < i && begin < rounds_of(site)) live(site, begin++, death, blocks, 64);
    }
}

/*
 * Garbage waits for the collector, which runs when the heap has grown by a factor; a few per cent are promoted for
 * longer.
 */
static void collected_heap(struct synthetic *site, struct generator *generator) {
    double every = 0.3 + unit(generator) * fmin(4, (double)rounds_of(site) / 4), due = every * unit(generator);
    uint64_t blocks = (uint64_t)between(generator, 5, 200);
    size_t begin = 0;
    for (size_t i = 0; i < rounds_of(site); i++) {
        if ((double)i < due) continue;
        for (; begin <= i; begin++) live(site, begin, i, blocks, 64);
        due += every;
    }
    for (; begin < rounds_of(site); begin++) live(site, begin, at_the_end(site, generator), blocks, 64);
}

static void sessions(struct synthetic *site, struct generator *generator) {
    double mean = log_between(generator, 0.1, fmax(0.2, (double)rounds_of(site) / 5));
    int blocks = between(generator, 1, 100);
    for (size_t i = 0; i < rounds_of(site); i++) {
        for (int j = 0; j < blocks; j++) {
            double death = (double)i + unit(generator) - mean * log(1 - unit(generator));
            live(site, i, death < (double)rounds_of(site) ? (size_t)death : at_the_end(site, generator), 1, 64);
        }
    }
}

/* Keeps its newest block, and replaces it in the next round that needs one. */
static void last_one(struct synthetic *site, struct generator *generator) {
    double often = chance(generator, 0.5) ? 1 : unit(generator);
    size_t last = 0;
    churn(site, (uint64_t)between(generator, 0, 500));
    for (size_t i = 1; i <= rounds_of(site); i++) {
        if (i < rounds_of(site) && !chance(generator, often)) continue;
        live(site, last, i < rounds_of(site) ? i : at_the_end(site, generator), 1, 64);
        last = i;
    }
}

/* A buffer that realloc enlarges to the largest request so far. */
static void high_water_mark(struct synthetic *site, struct generator *generator) {
    int requests = between(generator, 1, 100);
    double largest = 0, shape = 1 + 2 * unit(generator);
    for (size_t i = 0; i < rounds_of(site); i++) {
        double most = pow(1 - pow(unit(generator), 1.0 / requests), -1 / shape);
        if (most <= largest) continue;
        live(site, i, rounds_of(site) + NEVER, 1, (uint64_t)(64 * (most - largest)));
        largest = most;
    }
}

/* A free list of nodes, of which ever more or fewer are in use: it grows to the most ever. */
static void wandering_pool(struct synthetic *site, struct generator *generator) {
    int bound = (int)log_between(generator, 20, 1000), steps = (int)log_between(generator, 5, 2000);
    int used = between(generator, 0, bound / 4), most = 0;
    for (size_t i = 0; i < rounds_of(site); i++) {
        int before = most;
        for (int step = 0; step < steps; step++) {
            used += chance(generator, 0.5) ? 1 : -1;
            used = used < 0 ? 0 : used > bound ? bound : used;
            if (used > most) most = used;
        }
        keep(site, i, (uint64_t)(most - before));
    }
}

/* The steps of a table that doubles when `entries` outgrow it. */
static void enlarge(struct synthetic *site, double entries, double *capacity, size_t round) {
    struct growth_evidence *evidence = &site->evidence;
    while (entries > *capacity && evidence->step_count < 64) {
        *capacity *= 2;
        live(site, round, rounds_of(site) + NEVER, 1, (uint64_t)(*capacity * 8));
        site->steps[evidence->step_count++] = (struct growth_step){(uint32_t)round, (uint64_t)(*capacity * 16)};
    }
}

/* The table of a cache whose keys run out. */
static void doubling_table(struct synthetic *site, struct generator *generator) {
    double draws = log_between(generator, 10, 2000), capacity = 8, entries = 0;
    double keys = fmax(20, draws * (double)rounds_of(site) * log_between(generator, 0.01, EXHAUSTED));
    for (size_t i = 0; i < rounds_of(site); i++) {
        entries += (keys - entries) * -expm1(-draws / keys);
        enlarge(site, entries, &capacity, i);
    }
}

/* Ever larger blocks, from which entries are cut. */
static void fill_arena(struct synthetic *site, double entries, double *capacity, double *block, size_t round) {
    for (; entries > *capacity; *capacity += *block) {
        *block *= 2;
        live(site, round, rounds_of(site) + NEVER, 1, (uint64_t)(*block * 16));
    }
}

static void note_arena(struct synthetic *site) {
    site->evidence.step_count = container_of_blocks(site->rounds, rounds_of(site), site->steps);
    site->evidence.arena = site->evidence.step_count > 0;
}

static void arena_of_a_cache(struct synthetic *site, struct generator *generator) {
    double draws = log_between(generator, 10, 2000), capacity = 0, block = 4, entries = 0;
    double keys = fmax(20, draws * (double)rounds_of(site) * log_between(generator, 0.01, EXHAUSTED));
    for (size_t i = 0; i < rounds_of(site); i++) {
        entries += (keys - entries) * -expm1(-draws / keys);
        fill_arena(site, entries, &capacity, &block, i);
    }
    note_arena(site);
}

static void backlog(struct synthetic *site, struct generator *generator) {
    uint64_t blocks = (uint64_t)between(generator, 1, 200);
    for (size_t i = 0; i < rounds_of(site); i++) live(site, i, rounds_of(site) + AFTER_PHASE, blocks, 64);
}

/* Holds an amount that rises with the work of the round, and lets the previous round's go. */
static void rising_work(struct synthetic *site, struct generator *generator) {
    double rise = 1.05 + unit(generator), work = log_between(generator, 1, 50);
    for (size_t i = 0; i < rounds_of(site); i++, work = fmin(work * rise, 1e6)) {
        site->rounds[i].work = work;
        live(site, i, i + 1 < rounds_of(site) ? i + 1 : at_the_end(site, generator), (uint64_t)fmin(work, 1000), 64);
    }
}

/* Each of a few rare events leaves a block when first met. */
static void rare_events(struct synthetic *site, struct generator *generator) {
    double p = log_between(generator, 0.05, 1);
    int kinds = between(generator, 1, (int)fmax(1, fmin(12, EXHAUSTED * p * (double)rounds_of(site))));
    int left = kinds;
    churn(site, 100);
    for (size_t i = 0; i < rounds_of(site); i++) {
        for (int j = poisson(generator, p); j > 0; j--) {
            if (chance(generator, (double)left / kinds)) keep(site, i, 1), left--;
        }
    }
}

/* A few settings, each replaced now and then. */
static void reloads(struct synthetic *site, struct generator *generator) {
    for (int setting = between(generator, 1, 8); setting > 0; setting--) {
        double often = log_between(generator, 0.1, 1);
        size_t last = 0;
        for (size_t i = 1; i <= rounds_of(site); i++) {
            if (i < rounds_of(site) && !chance(generator, often)) continue;
            live(site, last, i < rounds_of(site) ? i : at_the_end(site, generator), 1, 64);
            last = i;
        }
    }
}

/*
 * A cache that fills evenly and is full before the end; while it fills, some entries are replaced when they are a few
 * rounds old.
 */
static void renewed_cache(struct synthetic *site, struct generator *generator) {
    size_t full = (size_t)between(generator, 1, (int)(0.6 * (double)rounds_of(site))),
           age = (size_t)between(generator, 1, 6);
    uint64_t blocks = (uint64_t)log_between(generator, 3, 100), renewed = blocks / 3;
    for (size_t i = 0; i < full; i++) {
        bool renew = i + age < full;
        keep(site, i, renew ? blocks - renewed : blocks);
        if (!renew) continue;
        live(site, i, i + age, renewed, 64);
        keep(site, i + age, renewed);
    }
}

/* Leaks. */

static void every_round(struct synthetic *site, struct generator *generator) {
    uint64_t blocks = (uint64_t)log_between(generator, 1, 1000);
    for (size_t i = 0; i < rounds_of(site); i++) keep(site, i, blocks);
}

static void every_round_in_churn(struct synthetic *site, struct generator *generator) {
    churn(site, (uint64_t)between(generator, 10, 10000));
    every_round(site, generator);
}

static void held_to_teardown(struct synthetic *site, struct generator *generator) {
    uint64_t blocks = (uint64_t)log_between(generator, 1, 100);
    size_t death = rounds_of(site) + (size_t)between(generator, AT_TEARDOWN, AT_EXIT);
    for (size_t i = 0; i < rounds_of(site); i++) live(site, i, death, blocks, 64);
}

static void by_realloc(struct synthetic *site, struct generator *generator) {
    uint64_t size = (uint64_t)between(generator, 8, 4096);
    for (size_t i = 0; i < rounds_of(site); i++) live(site, i, rounds_of(site) + NEVER, 1, size);
}

/* Every n-th operation, counted over the rounds. */
static void every_nth(struct synthetic *site, struct generator *generator, int nth) {
    int operations = (int)log_between(generator, nth, 100 * nth), done = between(generator, 0, nth - 1);
    for (size_t i = 0; i < rounds_of(site); i++) {
        int after = done + operations;
        keep(site, i, (uint64_t)(after / nth - done / nth));
        done = after;
    }
    churn(site, (uint64_t)operations);
}
static void one_in_ten(struct synthetic *site, struct generator *generator) { every_nth(site, generator, 10); }
static void one_in_hundred(struct synthetic *site, struct generator *generator) { every_nth(site, generator, 100); }

static void random_counts(struct synthetic *site, struct generator *generator) {
    double mean = log_between(generator, 3, 300);
    for (size_t i = 0; i < rounds_of(site); i++) keep(site, i, (uint64_t)poisson(generator, mean));
}

static void batches(struct synthetic *site, struct generator *generator) {
    int most = between(generator, 2, 50);
    for (size_t i = 0; i < rounds_of(site); i++) keep(site, i, (uint64_t)between(generator, 1, most));
}

static void error_path(struct synthetic *site, struct generator *generator) {
    double often = 0.15 + 0.6 * unit(generator);
    churn(site, 100);
    for (size_t i = 0; i < rounds_of(site); i++) keep(site, i, chance(generator, often) ? 1 : 0);
}

static void up_to_three(struct synthetic *site, struct generator *generator) {
    churn(site, 100);
    for (size_t i = 0; i < rounds_of(site); i++) keep(site, i, (uint64_t)between(generator, 0, 3));
}

/* One in so many items, of which every round has more. */
static void under_rising_work(struct synthetic *site, struct generator *generator) {
    double rise = log_between(generator, 0.3, 3), per_work = log_between(generator, 10, 100);
    for (size_t i = 0; i < rounds_of(site); i++) {
        site->rounds[i].work = 1 + rise * (double)i;
        keep(site, i, (uint64_t)(per_work * site->rounds[i].work));
    }
}

static void one_thread_of_many(struct synthetic *site, struct generator *generator) {
    int threads = between(generator, 2, 16);
    churn(site, (uint64_t)threads * 100);
    for (size_t i = 0; i < rounds_of(site); i++) keep(site, i, 100 / (uint64_t)threads);
}

static void with_long_lived(struct synthetic *site, struct generator *generator) {
    live(site, 0, at_the_end(site, generator), (uint64_t)between(generator, 1, 500), 64);
    every_round(site, generator);
}

static void under_sawtooth(struct synthetic *site, struct generator *generator) {
    size_t period = (size_t)between(generator, 2, 3);
    for (size_t i = 0; i < rounds_of(site); i++) {
        size_t death = i + period - i % period;
        live(site, i, death < rounds_of(site) ? death : rounds_of(site) + AT_TEARDOWN, 20, 64);
    }
    every_round(site, generator);
}

static void behind_shrinking_cache(struct synthetic *site, struct generator *generator) {
    size_t count = rounds_of(site), gone = count < 12 ? 1 : count / 6;
    for (size_t i = 1; i <= gone; i++) live(site, 0, i, 30, 64);
    for (size_t i = 0; i < count; i++) keep(site, i, (uint64_t)between(generator, 10, 11));
}

/* Of the same stack. */
static void behind_warming_cache(struct synthetic *site, struct generator *generator) {
    double fill = log_between(generator, 50, 5000), falls = 0.5 + 0.4 * unit(generator);
    bool by_chance = unit(generator) < 0.5;
    double leak = by_chance ? log_between(generator, 10, 1000) : between(generator, 1, 20);
    for (size_t i = 0; i < rounds_of(site); i++) {
        keep(site, i, (uint64_t)(by_chance ? poisson(generator, leak) : leak));
        keep(site, i, (uint64_t)poisson(generator, fill * pow(falls, (double)i)));
    }
}

static void growing_vector(struct synthetic *site, struct generator *generator) {
    double rate = log_between(generator, 2, 500), capacity = rate / 2, entries = 0;
    for (size_t i = 0; i < rounds_of(site); i++) enlarge(site, entries += rate, &capacity, i);
}

static void growing_arena(struct synthetic *site, struct generator *generator) {
    double rate = log_between(generator, 2, 500), capacity = 0, block = rate / 4, entries = 0;
    for (size_t i = 0; i < rounds_of(site); i++) fill_arena(site, entries += rate, &capacity, &block, i);
    note_arena(site);
}

const struct pattern patterns[] = {
    {"released", false, false, 1, released},
    {"one-time", false, false, 1, one_time},
    {"lazy slots", false, false, 1, lazy_slots},
    {"coupon cache", false, false, 1, coupon_cache},
    {"Zipf cache", false, false, 0.3, zipf_cache},
    {"LRU cache", false, false, 1, lru_cache},
    {"pool", false, false, 1, pool},
    {"queue", false, false, 0.3, queue},
    {"sawtooth", false, false, 1, sawtooth},
    {"irregular sawtooth", false, false, 1, irregular_sawtooth},
    {"collected heap", false, false, 1, collected_heap},
    {"sessions", false, false, 1, sessions},
    {"last one kept", false, false, 1, last_one},
    {"high-water mark", false, false, 1, high_water_mark},
    {"wandering pool", false, false, 0, wandering_pool},
    {"doubling table", false, false, 1, doubling_table},
    {"arena of a cache", false, false, 1, arena_of_a_cache},
    {"backlog", false, false, 1, backlog},
    {"rising work", false, false, 1, rising_work},
    {"rare events", false, false, 1, rare_events},
    {"reloads", false, false, 1, reloads},
    {"renewed cache", false, false, 1, renewed_cache},
    {"every round", true, true, 1, every_round},
    {"every round, in churn", true, true, 1, every_round_in_churn},
    {"held to teardown", true, true, 1, held_to_teardown},
    {"by realloc", true, true, 1, by_realloc},
    {"one thread of many", true, true, 1, one_thread_of_many},
    {"with long-lived blocks", true, true, 1, with_long_lived},
    {"one in ten operations", true, false, 1, one_in_ten},
    {"one in a hundred operations", true, false, 1, one_in_hundred},
    {"random counts", true, false, 1, random_counts},
    {"batches", true, false, 1, batches},
    {"error path", true, false, 1, error_path},
    {"up to three", true, false, 1, up_to_three},
    {"under rising work", true, false, 1, under_rising_work},
    {"under a sawtooth", true, false, 1, under_sawtooth},
    {"behind a shrinking cache", true, false, 1, behind_shrinking_cache},
    {"behind a warming cache", true, false, 1, behind_warming_cache},
    {"growing vector", true, false, 1, growing_vector},
    {"growing arena", true, false, 1, growing_arena},
};
const size_t pattern_count = sizeof patterns / sizeof *patterns;

static void sum_up(struct synthetic *site) {
    struct growth_level *level = &site->evidence.level;
    uint64_t high = 0, first = site->level[site->evidence.first];
    level->steady_after_warm_up = true;
    for (size_t i = 0; i < rounds_of(site); i++) {
        if (site->level[i] > level->peak) level->peak = site->level[i], level->rises++, level->last_rise = (uint32_t)i;
        site->rounds[i].level = (double)site->level[i];
        level->unchanged = i > 0 && site->level[i] == site->level[i - 1] ? level->unchanged + 1 : 1;
        level->sum += site->level[i];
        if (i > site->evidence.first && site->level[i] > first) level->steady_after_warm_up = false;
        if (high > 0 && site->level[i] * 2 <= high) level->falls++, high = 0;
        if (site->level[i] > high) high = site->level[i];
    }
    level->last = site->level[rounds_of(site) - 1];
    site->evidence.process_rise = (int64_t)level->last; /* the site is all there is */
}

void generate(struct synthetic *site, const struct pattern *pattern, size_t rounds, struct generator *generator) {
    memset(site, 0, sizeof *site);
    site->evidence = (struct growth_evidence){
        .rounds = site->rounds, .count = rounds, .first = (uint32_t)rounds, .steps = site->steps, .threads = 1};
    for (size_t i = 0; i < rounds; i++) site->rounds[i].work = 1;
    pattern->make(site, generator);
    if (site->evidence.first == rounds) site->evidence.first = 0;
    site->evidence.reach = growth_lives_reach(&site->lives);
    site->evidence.owner_freed = site->evidence.freed;
    site->evidence.exit_seen = chance(generator, 0.5);
    sum_up(site);
}

const struct pattern *pick_pattern(bool leak, struct generator *generator) {
    double total = 0;
    for (size_t i = 0; i < pattern_count; i++) total += patterns[i].leak == leak ? patterns[i].weight : 0;
    double at = unit(generator) * total;
    for (size_t i = 0; i < pattern_count; i++) {
        if (patterns[i].leak == leak && (at -= patterns[i].weight) < 0) return &patterns[i];
    }
    return &patterns[leak ? pattern_count - 1 : 0];
}
