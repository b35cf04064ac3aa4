/*
 * Heavy load: many operations at once, memory pressure, a busy processor, files, long load, the breaking point.
 *
 * Phases: concurrent, memory, processor, files, sustained of cycle, load@N, recovery of recovery-step. The program
 * stops by itself at a limit (--limit rss=MiB, time=SECONDS) or on SIGTERM, and marks why.
 */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tidemark.h>

#include "common/sample.h"
#include "heavyload/fragments.h"
#include "heavyload/operations.h"

enum { CONCURRENT = 24, CREW = 4, SLOTS = 128, SLOT_SIZE = 4096, SCRATCH = 32 * 1024, RARE_EVERY = 500, TOOTH = 5 };
enum { ARENA_SIZE = 64 * 1024, PRESSURE_BLOCK = 256 * 1024, REFERENCE_SIZE = 24 * 1024 * 1024 };

static const struct kind LEAKS[] = {{"mmap", "each cycle maps scratch memory and leaves it mapped"},
                                    {"thread", "each thread leaves its journal when it ends"},
                                    {"cache", "each cycle loses copies of results while the cache shrinks by as much"},
                                    {"rare", "one operation in 500 leaves a note"},
                                    {"realloc", "the record of cycles grows by realloc"},
                                    {NULL, NULL}};
static const struct kind VARIANTS[] = {{"fragmentation", "records of constant number wander apart in the heap"},
                                       {"rising-work", "cycles grow for half of the time, with scratch in proportion"},
                                       {"arena-per-thread", "each thread works in an arena that goes with it"},
                                       {"sawtooth", "an arena grows for five cycles and is then emptied"},
                                       {NULL, NULL}};
static const struct program PROGRAM = {"heavyload", "load on memory, processor and files up to the limits", LEAKS,
                                       VARIANTS};

struct chunk {
    struct chunk *next;
    char bytes[SCRATCH - sizeof(struct chunk *)];
};

struct load {
    const struct options *options;
    char *folder;
    unsigned char *reference; /* what a service holds before any load; a share of memory is a share of it, too */
    uint64_t begin_ns, rss_limit, time_limit_ns, operations, succeeded;
    unsigned cycles, cycle, capacity;
    const char *stopped; /* why; NULL: not stopped */
    unsigned char *slots[SLOTS];
    unsigned slot_count;
    uint64_t *scratch;
    size_t scratch_room;
    uint64_t *record;
    size_t record_size;
    struct chunk *arena;
    struct fragments fragments;
};

static volatile sig_atomic_t asked_to_stop;
static pthread_key_t arena_key;

static OWN_FRAME void map_scratch(void) {
    unsigned char *scratch = mmap(NULL, SCRATCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (scratch != MAP_FAILED) memset(scratch, 1, SCRATCH); /* never unmapped */
}

static OWN_FRAME void open_thread_journal(void) {
    char *journal = malloc(600);
    if (journal) memset(journal, 0, 600);
    lose(journal);
}

static OWN_FRAME void copy_result(void) {
    char *copy = malloc(SLOT_SIZE);
    if (copy) memset(copy, 'r', SLOT_SIZE);
    lose(copy);
}

static OWN_FRAME void note_operation(uint64_t n) {
    char *note = malloc(72);
    if (note) snprintf(note, 72, "operation %llu", (unsigned long long)n);
    lose(note);
}

static OWN_FRAME void extend_record(struct load *load) {
    uint64_t *longer = realloc(load->record, (load->record_size + 32) * sizeof *longer);
    if (!longer) return;
    for (int i = 0; i < 32; i++) longer[load->record_size++] = clock_ns();
    load->record = longer;
}

static OWN_FRAME void grow_arena(struct load *load) {
    struct chunk *chunk = xmalloc(sizeof *chunk);
    chunk->next = load->arena;
    load->arena = chunk;
}

static void empty_arena(struct load *load) {
    while (load->arena) {
        struct chunk *next = load->arena->next;
        free(load->arena);
        load->arena = next;
    }
}

static void on_request(int number) {
    (void)number;
    asked_to_stop = 1;
}

static void read_limit(struct load *load) {
    const char *limit = load->options->limit;
    load->rss_limit = 1ull << 30;
    load->time_limit_ns = 300000000000ull;
    if (limit && strncmp(limit, "rss=", 4) == 0) load->rss_limit = strtoull(limit + 4, NULL, 10) << 20;
    if (limit && strncmp(limit, "time=", 5) == 0) load->time_limit_ns = strtoull(limit + 5, NULL, 10) * 1000000000u;
}

static bool may_go_on(struct load *load) {
    if (load->stopped) return false;
    if (asked_to_stop) load->stopped = "stopped: on request";
    if (resident_bytes() > load->rss_limit) load->stopped = "stopped: memory limit";
    if (clock_ns() - load->begin_ns > load->time_limit_ns) load->stopped = "stopped: time limit";
    if (load->stopped) tidemark_mark(load->stopped);
    return !load->stopped;
}

static struct tally add_tally(struct load *load, const char *component, struct tally tally) {
    load->operations += tally.operations;
    load->succeeded += tally.succeeded;
    tidemark_items(tally.operations);
    printf("%-12s %7llu operations, %3.0f %% fine, %8.0f/s\n", component, (unsigned long long)tally.operations,
           100.0 * (double)tally.succeeded / (double)tally.operations,
           (double)tally.operations * 1e9 / (double)tally.ns);
    return tally;
}

static struct tally component(struct load *load, const char *name, operate *operation, unsigned threads,
                              uint64_t count) {
    struct crew crew = {.operation = operation, .context = load->folder, .count = count};
    tidemark_phase_begin(name);
    struct tally tally = add_tally(load, name, crew_run(&crew, threads));
    tidemark_phase_end(name);
    return tally;
}

/* Takes memory block by block until the component's own limit, then gives all back; beyond it requests are refused. */
static void pressure(struct load *load) {
    unsigned most = by_size(load->options, 64, 256, 1024), refused = 0, taken = 0;
    unsigned char **blocks = xcalloc(most, sizeof *blocks);
    uint64_t begin = clock_ns();
    tidemark_phase_begin("memory");
    for (unsigned n = 0; n < most + most / 4; n++) {
        tidemark_op_begin("block");
        bool ok = taken < most;
        if (ok) blocks[taken++] = memset(xmalloc(PRESSURE_BLOCK), (int)n, PRESSURE_BLOCK);
        refused += !ok;
        tidemark_op_end("block", ok);
    }
    for (unsigned i = 0; i < taken; i++) free(blocks[i]);
    tidemark_value("refused", refused);
    add_tally(load, "memory", (struct tally){taken + refused, taken, clock_ns() - begin});
    tidemark_phase_end("memory");
    free(blocks);
}

static bool operate_cycle(void *context, uint64_t n) {
    struct load *load = context;
    uint64_t total = load->operations + n;
    if (leaks(load->options, "rare") && total % RARE_EVERY == 0) note_operation(total);
    return operate_memory(NULL, n) && operate_processor(NULL, n);
}

static void enter_cycle(void *context) {
    struct load *load = context;
    if (leaks(load->options, "thread")) open_thread_journal();
    if (varies(load->options, "arena-per-thread"))
        pthread_setspecific(arena_key, memset(xmalloc(ARENA_SIZE), 0, ARENA_SIZE));
}

/* Results are kept in a fixed number of places; each new one replaces the one before. */
static void keep_results(struct load *load) {
    for (unsigned i = 0; i < load->slot_count; i += 4) {
        unsigned at = (i + load->cycle % 4) % load->slot_count;
        free(load->slots[at]);
        load->slots[at] = memset(xmalloc(SLOT_SIZE), (int)load->cycle, SLOT_SIZE);
    }
}

static void shrink_results(struct load *load, unsigned count) {
    while (load->slot_count > count) {
        load->slot_count--;
        free(load->slots[load->slot_count]);
        load->slots[load->slot_count] = NULL;
    }
}

static void hide_copies(struct load *load) {
    unsigned each = SLOTS / load->cycles ? SLOTS / load->cycles : 1;
    shrink_results(load, load->slot_count > each ? load->slot_count - each : 1);
    for (unsigned i = 0; i < each; i++) copy_result();
}

static uint64_t cycle_operations(const struct load *load) {
    uint64_t usual = by_size(load->options, 300, 1000, 4000);
    unsigned half = load->cycles / 2, step = load->cycle < half ? load->cycle : half;
    return varies(load->options, "rising-work") ? usual + usual * step / 8 : usual;
}

/* One number for each operation, in scratch memory that is kept at the largest size so far. */
static void use_scratch(struct load *load, uint64_t count) {
    if (count > load->scratch_room) {
        load->scratch = xrealloc(load->scratch, count * sizeof *load->scratch);
        load->scratch_room = count;
    }
    for (uint64_t i = 0; i < count; i++) load->scratch[i] = i;
}

static void vary_cycle(struct load *load) {
    const struct options *options = load->options;
    if (varies(options, "fragmentation")) fragments_step(&load->fragments, load->cycle);
    if (varies(options, "sawtooth") && load->cycle % TOOTH == 0) empty_arena(load);
    if (varies(options, "sawtooth")) grow_arena(load);
    if (leaks(options, "mmap")) map_scratch();
    if (leaks(options, "cache")) hide_copies(load);
    if (leaks(options, "realloc")) extend_record(load);
}

static struct tally run_cycle(struct load *load) {
    struct crew crew = {.operation = operate_cycle, .enter = enter_cycle, .context = load};
    crew.count = cycle_operations(load);
    tidemark_phase_begin("cycle");
    struct tally tally = crew_run(&crew, CREW);
    load->operations += tally.operations;
    load->succeeded += tally.succeeded;
    use_scratch(load, tally.operations);
    keep_results(load);
    vary_cycle(load);
    tidemark_items(tally.operations);
    tidemark_phase_end("cycle");
    return tally;
}

/* One cycle each 25 or 50 ms, as fast as it goes if that is too fast. */
static void sustained(struct load *load) {
    double before = (double)resident_bytes();
    uint64_t due = clock_ns(), pace = 1000000ull * by_size(load->options, 25, 50, 50);
    tidemark_phase_begin("sustained");
    for (load->cycle = 0; load->cycle < load->cycles && may_go_on(load); load->cycle++) {
        run_cycle(load);
        sleep_until(due += pace);
    }
    tidemark_value("cycles", load->cycle);
    tidemark_phase_end("sustained");
    printf("%-12s %7u cycles, resident %.1f MiB before and %.1f after\n", "sustained", load->cycle, before / 1048576,
           (double)resident_bytes() / 1048576);
}

/* The breaking point: the highest level at which an operation still takes less than a tenth of a second. */
static void find_capacity(struct load *load) {
    static const unsigned LEVELS[] = {4, 8, 16, 32, 48};
    char phase[16];
    for (int i = 0; i < 5 && may_go_on(load); i++) {
        snprintf(phase, sizeof phase, "load@%u", LEVELS[i]);
        struct tally tally =
            component(load, phase, operate_request, LEVELS[i], by_size(load->options, 500, 5000, 50000));
        double each_ms = (double)tally.ns / 1e6 * LEVELS[i] / (double)tally.operations;
        if (each_ms < 100 && 10 * tally.succeeded > 7 * tally.operations) load->capacity = LEVELS[i];
    }
    tidemark_value("capacity", load->capacity);
}

/* Light work until memory is back at 110 % of what it was before the load, at most 60 s. */
static void recover(struct load *load, uint64_t before) {
    uint64_t begin = clock_ns(), fine = 0;
    unsigned steps = by_size(load->options, 8, 16, 30);
    tidemark_phase_begin("recovery");
    for (unsigned i = 0; i < steps; i++) {
        tidemark_phase_begin("recovery-step");
        tidemark_op_begin("recovery");
        bool ok = operate_memory(NULL, i);
        tidemark_op_end("recovery", ok);
        fine += ok;
        malloc_trim(0);
        tidemark_phase_end("recovery-step");
        if (i >= 4 && resident_bytes() <= before + before / 10) break;
    }
    double seconds = (double)(clock_ns() - begin) / 1e9;
    tidemark_value("recovery-s", seconds);
    tidemark_phase_end("recovery");
    printf("%-12s %7llu operations fine, %.3f s\n", "recovery", (unsigned long long)fine, seconds);
}

static void recommend(const struct load *load) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN), pages = sysconf(_SC_PHYS_PAGES);
    printf("host: %ld processors, %ld MiB; %llu operations in all, capacity %u\n", processors, pages / 256,
           (unsigned long long)load->operations, load->capacity);
    if (load->stopped) printf("%s\n", load->stopped);
    if (load->capacity < 8) printf("recommendation: fewer than 8 at once; look for waits between operations\n");
    if (10 * load->succeeded < 8 * load->operations) printf("recommendation: too many failures; lower the load\n");
    if (load->capacity >= 8 && !load->stopped) printf("recommendation: none, the load was carried\n");
}

static void load_release(struct load *load) {
    shrink_results(load, 0);
    empty_arena(load);
    fragments_release(&load->fragments);
    free(load->scratch);
    free(load->record);
    free(load->reference);
    work_folder_remove(load->folder);
    free(load);
}

static void run_all(struct load *load) {
    const struct options *options = load->options;
    unsigned processors = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    component(load, "concurrent", operate_request, CONCURRENT, by_size(options, 2000, 20000, 200000));
    uint64_t before = resident_bytes();
    pressure(load);
    component(load, "processor", operate_processor, processors < MOST_THREADS ? processors : MOST_THREADS,
              by_size(options, 2000, 20000, 400000));
    component(load, "files", operate_file, 2, by_size(options, 400, 4000, 40000));
    sustained(load);
    find_capacity(load);
    recover(load, before);
}

int main(int argc, char **argv) {
    struct options options = options_parse(&PROGRAM, argc, argv);
    struct load *load = xcalloc(1, sizeof *load);
    struct sigaction on_term = {.sa_handler = on_request};
    sigaction(SIGTERM, &on_term, NULL);
    pthread_key_create(&arena_key, free);
    load->options = &options;
    load->folder = work_folder("heavyload");
    load->begin_ns = clock_ns();
    load->reference = memset(xmalloc(REFERENCE_SIZE), 1, REFERENCE_SIZE);
    load->cycles = rounds_or(&options, 32, 40, 60);
    load->slot_count = SLOTS;
    read_limit(load);
    run_all(load);
    recommend(load);
    load_release(load);
    return 0;
}
