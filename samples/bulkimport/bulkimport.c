/*
 * Bulk import: folders of workout files of growing size, read and parsed by 1, 4, 8 and 16 threads.
 *
 * Files are taken in batches; a batch starts its threads, which take one file after the other, and ends when all are
 * read. About one file in 125 is damaged and is counted as a failure. Phases: generate, import-tT@N of batch.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tidemark.h>

#include "bulkimport/athletes.h"
#include "bulkimport/fit.h"
#include "common/sample.h"

enum { MOST_THREADS = 16, POINTS = 60, ATHLETES = 40, DAMAGED_EVERY = 125, RARE_EVERY = 400, FOLDER_FILES = 1000 };
enum { BUFFER_SIZE = 16 * 1024, ARENA_SIZE = 64 * 1024, PROFILE_FIELDS = 512 };

static const struct kind LEAKS[] = {{"round", "each batch opens a log and never closes it (lost)"},
                                    {"rare", "one file in 400 leaves its device name"},
                                    {"error", "a damaged file leaves its error message"},
                                    {"thread", "each thread leaves its log when it ends"},
                                    {"vector", "the vector of results is never cleared"},
                                    {NULL, NULL}};
static const struct kind VARIANTS[] = {
    {"table-doubling", "the athlete table starts tiny and doubles until all are known"},
    {"arena-per-thread", "each thread works in an arena that goes with it"},
    {"one-time", "the first damaged file loads the profile of known fields"},
    {NULL, NULL}};
static const struct program PROGRAM = {"bulkimport", "workout files parsed by several threads", LEAKS, VARIANTS};

struct result {
    uint32_t file;
    int workouts; /* or -errno */
    uint64_t ns;
};

struct import {
    const struct options *options;
    char *folder;
    unsigned batch;
    struct athletes athletes;
    atomic_uint next;   /* file to take */
    unsigned end;       /* of this batch */
    atomic_ulong files; /* ever taken */
    atomic_ulong workouts, failed;
    pthread_mutex_t lock; /* of what follows */
    uint16_t *profile;
    struct result *results; /* only in the vector leak */
    size_t result_count, result_room;
};

static pthread_key_t arena_key;

static OWN_FRAME void open_batch_log(unsigned first) {
    char *log = malloc(200);
    if (log) snprintf(log, 200, "batch from file %u", first);
    lose(log);
}

static OWN_FRAME void copy_device_name(const char *device) {
    char *name = malloc(40);
    if (name) snprintf(name, 40, "device %s", device);
    lose(name);
}

static OWN_FRAME void keep_error_message(unsigned file, int error) {
    char *message = malloc(80);
    if (message) snprintf(message, 80, "file %u: error %d", file, error);
    lose(message);
}

static OWN_FRAME void make_worker_log(void) {
    char *log = malloc(512);
    if (log) memset(log, '-', 512);
    lose(log);
}

/* Capacity grows by half; nobody ever clears the vector. */
static OWN_FRAME void append_result(struct import *import, struct result result) {
    if (import->result_count == import->result_room) {
        size_t room = import->result_room ? import->result_room + import->result_room / 2 : 16;
        struct result *larger = malloc(room * sizeof *larger);
        if (!larger) return;
        if (import->results) memcpy(larger, import->results, import->result_count * sizeof *larger);
        free(import->results);
        import->results = larger;
        import->result_room = room;
    }
    import->results[import->result_count++] = result;
}

static OWN_FRAME void load_profile(struct import *import) {
    import->profile = xmalloc(PROFILE_FIELDS * sizeof *import->profile);
    for (unsigned i = 0; i < PROFILE_FIELDS; i++) import->profile[i] = (uint16_t)i;
}

static char *file_path(const struct import *import, unsigned file) {
    char name[64];
    snprintf(name, sizeof name, "%03u/%05u.fit", file / FOLDER_FILES, file);
    return path_in(import->folder, name);
}

static void make_folder(const struct import *import, unsigned file) {
    char name[16];
    snprintf(name, sizeof name, "%03u", file / FOLDER_FILES);
    char *path = path_in(import->folder, name);
    if (mkdir(path, 0700) != 0) die(path);
    free(path);
}

/* One to three workouts; every DAMAGED_EVERY-th file has one bit wrong. */
static void generate_file(const struct import *import, unsigned file, unsigned char *bytes) {
    struct rng rng = rng_seeded(file + 1);
    size_t size = 0;
    for (unsigned workout = 0; workout <= file % 3; workout++)
        size += fit_write(bytes + size, POINTS, 1 + rng_below(&rng, ATHLETES), &rng);
    if (file % DAMAGED_EVERY == DAMAGED_EVERY / 2) bytes[size / 2] ^= 1;
    char *path = file_path(import, file);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size) die(path);
    close(fd);
    free(path);
}

static void generate(const struct import *import, unsigned files) {
    unsigned char *bytes = xmalloc(3 * fit_size(POINTS));
    tidemark_phase_begin("generate");
    for (unsigned file = 0; file < files; file++) {
        if (file % FOLDER_FILES == 0) make_folder(import, file);
        generate_file(import, file, bytes);
    }
    tidemark_items(files);
    tidemark_phase_end("generate");
    free(bytes);
}

static int read_file(const struct import *import, unsigned file, unsigned char *buffer, struct fit_workout *workouts) {
    char *path = file_path(import, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, buffer, BUFFER_SIZE);
    if (fd >= 0) close(fd);
    free(path);
    return size < 0 ? -errno : fit_parse(buffer, (size_t)size, workouts);
}

static void note_failure(struct import *import, unsigned file, int error) {
    atomic_fetch_add(&import->failed, 1);
    pthread_mutex_lock(&import->lock);
    if (varies(import->options, "one-time") && !import->profile) load_profile(import);
    if (leaks(import->options, "error")) keep_error_message(file, error);
    pthread_mutex_unlock(&import->lock);
}

static void note_result(struct import *import, struct result result, const char *device) {
    unsigned long nth = atomic_fetch_add(&import->files, 1);
    if (leaks(import->options, "rare") && nth % RARE_EVERY == RARE_EVERY - 1) copy_device_name(device);
    if (!leaks(import->options, "vector")) return;
    pthread_mutex_lock(&import->lock);
    append_result(import, result);
    pthread_mutex_unlock(&import->lock);
}

static void import_file(struct import *import, unsigned file, unsigned char *buffer) {
    struct fit_workout workouts[FIT_MOST_WORKOUTS];
    uint64_t begin = clock_ns();
    tidemark_op_begin("file");
    int count = read_file(import, file, buffer, workouts);
    for (int i = 0; i < count; i++) athletes_add(&import->athletes, workouts[i].athlete, workouts[i].distance_cm);
    if (count < 0) note_failure(import, file, count);
    tidemark_op_end("file", count >= 0);
    note_result(import, (struct result){file, count, clock_ns() - begin}, count > 0 ? workouts[0].device : "none");
    if (count > 0) atomic_fetch_add(&import->workouts, (unsigned long)count);
    for (int i = 0; i < count; i++) fit_workout_release(&workouts[i]);
}

static unsigned char *worker_buffer(const struct import *import) {
    if (!varies(import->options, "arena-per-thread")) return xmalloc(BUFFER_SIZE);
    unsigned char *arena = xmalloc(ARENA_SIZE);
    pthread_setspecific(arena_key, arena);
    return arena;
}

static void *work(void *argument) {
    struct import *import = argument;
    unsigned char *buffer = worker_buffer(import);
    if (leaks(import->options, "thread")) make_worker_log();
    for (unsigned file; (file = atomic_fetch_add(&import->next, 1)) < import->end;) import_file(import, file, buffer);
    if (!varies(import->options, "arena-per-thread")) free(buffer);
    return NULL;
}

static void import_batch(struct import *import, unsigned first, unsigned threads) {
    pthread_t workers[MOST_THREADS];
    tidemark_phase_begin("batch");
    if (leaks(import->options, "round")) open_batch_log(first);
    atomic_store(&import->next, first);
    import->end = first + import->batch;
    for (unsigned i = 0; i < threads; i++)
        if (pthread_create(&workers[i], NULL, work, import) != 0) die("pthread_create");
    for (unsigned i = 0; i < threads; i++) pthread_join(workers[i], NULL);
    tidemark_items(import->batch);
    tidemark_phase_end("batch");
}

static void import_all(struct import *import, unsigned files, unsigned threads) {
    char phase[32];
    unsigned long workouts = atomic_load(&import->workouts), failed = atomic_load(&import->failed);
    uint64_t begin = clock_ns();
    snprintf(phase, sizeof phase, "import-t%u@%u", threads, files);
    tidemark_phase_begin(phase);
    for (unsigned first = 0; first < files; first += import->batch) import_batch(import, first, threads);
    workouts = atomic_load(&import->workouts) - workouts;
    tidemark_items(files);
    tidemark_items_named("workouts", workouts);
    tidemark_value("threads", threads);
    tidemark_value("workouts", (double)workouts);
    tidemark_phase_end(phase);
    printf("%2u threads, %5u files: %6.0f files/s, %lu workouts, %lu damaged\n", threads, files,
           files * 1e9 / (double)(clock_ns() - begin), workouts, atomic_load(&import->failed) - failed);
}

int main(int argc, char **argv) {
    struct options options = options_parse(&PROGRAM, argc, argv);
    const unsigned sizes[] = {by_size(&options, 50, 100, 100), by_size(&options, 200, 1000, 1000),
                              by_size(&options, 400, 2000, 10000), by_size(&options, 800, 5000, 50000)};
    struct import import = {.options = &options,
                            .folder = work_folder("bulkimport"),
                            .batch = by_size(&options, 50, 100, 100),
                            .lock = PTHREAD_MUTEX_INITIALIZER};
    athletes_init(&import.athletes, varies(&options, "table-doubling") ? 8 : 1024);
    pthread_key_create(&arena_key, free);
    generate(&import, sizes[3]);
    for (unsigned repeat = 0; repeat < rounds_or(&options, 1, 1, 1); repeat++)
        for (int size = 0; size < 4; size++)
            for (unsigned threads = 1; threads <= MOST_THREADS; threads = threads == 1 ? 4 : 2 * threads)
                import_all(&import, sizes[size], threads);
    printf("%zu athletes\n", import.athletes.count);
    athletes_release(&import.athletes);
    free(import.profile);
    free(import.results);
    work_folder_remove(import.folder);
    return 0;
}
