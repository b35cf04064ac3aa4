/*
 * Circuit breakers before a flaky service: a burst of concurrent requests, calls from a pool, rising load, then long.
 *
 * Phases: async-burst, sync-pool, load@N, no-memory, no-descriptors, unprotected, protected, sustained of window.
 * A request that a breaker turns away is rejected, which is no failure.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <tidemark.h>

#include "breaker/circuit.h"
#include "breaker/engine.h"
#include "common/sample.h"

enum {
    POOL = 16,
    FALLBACKS = 256,
    FALLBACK_SIZE = 2048,
    RARE_EVERY = 700,
    TOOTH = 6,
    HISTORY_SIZE = 4096,
    SUSTAINED_LEVEL = 50
};

static const struct kind LEAKS[] = {
    {"error", "each failed request leaves its context"},
    {"rare", "one request in 700 leaves a note that it was slow"},
    {"round", "each window leaves its summary (lost)"},
    {"cache", "each window loses copies of answers while the fallback cache shrinks by as much"},
    {"teardown", "the circuits' state is logged in each window; released when the program ends"},
    {NULL, NULL}};
static const struct kind VARIANTS[] = {{"backlog", "more jobs arrive than are served, then fewer, until none waits"},
                                       {"sawtooth", "a history grows for six windows and is then dropped"},
                                       {"lru", "answers are kept for a fallback, the oldest make room"},
                                       {NULL, NULL}};
static const struct program PROGRAM = {"breaker", "circuit breakers before a flaky service", LEAKS, VARIANTS};

struct job {
    struct job *next;
    size_t size;
};

struct entry {
    struct entry *next;
    uint64_t value;
    char text[HISTORY_SIZE - 16];
};

struct work {
    const struct options *options;
    struct engine engine;
    unsigned windows, window_requests, window, fallbacks;
    bool sustained;
    uint64_t answered;
    unsigned char *fallback[FALLBACKS];
    struct job *first, **last;
    unsigned waiting;
    struct entry *history, *log;
};

static OWN_FRAME void keep_failure_context(const struct request *request) {
    char *context = malloc(96);
    if (context) snprintf(context, 96, "request %llu failed", (unsigned long long)request->id);
    lose(context);
}

static OWN_FRAME void note_slow_request(const struct request *request) {
    char *note = malloc(120);
    if (note) snprintf(note, 120, "request %llu was slow", (unsigned long long)request->id);
    lose(note);
}

static OWN_FRAME void summarise_window(unsigned window) {
    char *summary = malloc(300);
    if (summary) snprintf(summary, 300, "window %u is over", window);
    lose(summary);
}

static OWN_FRAME void copy_answer(size_t size) {
    unsigned char *copy = malloc(size);
    if (copy) memset(copy, 'a', size);
    lose(copy);
}

static struct entry *link_entry(struct entry *entry, struct entry *next, uint64_t value) {
    if (!entry) return next;
    memset(entry, 0, sizeof *entry);
    entry->value = value;
    entry->next = next;
    return entry;
}

static OWN_FRAME void log_circuits(struct work *work) {
    work->log = link_entry(malloc(sizeof(struct entry)), work->log, engine_transitions(&work->engine));
}

static OWN_FRAME void grow_history(struct work *work) {
    work->history = link_entry(malloc(sizeof(struct entry)), work->history, work->window);
}

static void drop_entries(struct entry **entries) {
    while (*entries) {
        struct entry *next = (*entries)->next;
        free(*entries);
        *entries = next;
    }
}

/* The answer that is given while a circuit is open: the last one to a request of the same number. */
static void keep_fallback(struct work *work, const struct request *request) {
    unsigned char **slot = &work->fallback[request->id % work->fallbacks];
    if (!*slot) *slot = xmalloc(FALLBACK_SIZE);
    memcpy(*slot, request->body, request->size);
}

static void replace_fallback(struct work *work, const struct request *request) {
    unsigned char **slot = &work->fallback[request->id % work->fallbacks];
    free(*slot);
    *slot = xmalloc(FALLBACK_SIZE);
    memcpy(*slot, request->body, request->size);
}

static void shrink_fallbacks(struct work *work, unsigned count) {
    for (unsigned i = count; i < work->fallbacks; i++) {
        free(work->fallback[i]);
        work->fallback[i] = NULL;
    }
    work->fallbacks = count;
}

static void on_answer(void *context, const struct request *request, bool ok) {
    struct work *work = context;
    const struct options *options = work->options;
    if (!request->body) return;
    if (ok && varies(options, "lru")) replace_fallback(work, request);
    if (ok && !varies(options, "lru")) keep_fallback(work, request);
    if (!work->sustained) return;
    if (!ok && leaks(options, "error")) keep_failure_context(request);
    if (leaks(options, "rare") && ++work->answered % RARE_EVERY == 0) note_slow_request(request);
}

static void burst(struct work *work) {
    tidemark_phase_begin("async-burst");
    unsigned requests = by_size(work->options, ENGINE_ROOM, 2 * ENGINE_ROOM, 20 * ENGINE_ROOM);
    engine_run(&work->engine, requests, ENGINE_ROOM, 0);
    tidemark_items(requests);
    tidemark_phase_end("async-burst");
}

struct pool {
    struct circuit circuit;
    atomic_uint left;
    uint64_t first_call;
};

/* One synchronous call through a socket pair: -1 when there is no descriptor, 0 failed, 1 fine. */
static int call_service(struct rng *rng, uint64_t call) {
    int ends[2];
    char answer = service_fails(rng, 0, call) ? 'n' : 'y';
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
    sleep_until(clock_ns() + 100000 + rng_below(rng, 100000));
    bool ok = write(ends[1], &answer, 1) == 1 && read(ends[0], &answer, 1) == 1 && answer == 'y';
    close(ends[0]);
    close(ends[1]);
    return ok;
}

static void *pool_worker(void *argument) {
    struct pool *pool = argument;
    for (unsigned left; (left = atomic_fetch_sub(&pool->left, 1)) - 1 < 1u << 31;) {
        struct rng rng = rng_seeded(left);
        uint64_t operation = tidemark_op_start("sync");
        enum tidemark_status status = TIDEMARK_REJECTED;
        if (circuit_allows(&pool->circuit, clock_ns())) {
            bool ok = call_service(&rng, left) > 0;
            circuit_report(&pool->circuit, ok, clock_ns());
            status = ok ? TIDEMARK_OK : TIDEMARK_FAILED;
        }
        tidemark_op_finish(operation, status);
    }
    return NULL;
}

static void sync_pool(const struct work *work) {
    pthread_t workers[POOL];
    unsigned calls = by_size(work->options, 1000, 1000, 10000);
    struct pool pool = {.left = calls};
    circuit_init(&pool.circuit);
    tidemark_phase_begin("sync-pool");
    for (int i = 0; i < POOL; i++)
        if (pthread_create(&workers[i], NULL, pool_worker, &pool) != 0) die("pthread_create");
    for (int i = 0; i < POOL; i++) pthread_join(workers[i], NULL);
    tidemark_items(calls);
    tidemark_value("transitions", (double)pool.circuit.transitions);
    tidemark_phase_end("sync-pool");
}

static void load_level(struct work *work, unsigned level) {
    char phase[16];
    unsigned requests = by_size(work->options, 500, 2000, 20000);
    uint64_t begin = clock_ns();
    snprintf(phase, sizeof phase, "load@%u", level);
    tidemark_phase_begin(phase);
    engine_run(&work->engine, requests, level, 0);
    tidemark_items(requests);
    tidemark_value("transitions", (double)engine_transitions(&work->engine));
    tidemark_phase_end(phase);
    printf("%-12s %8.0f requests/s\n", phase, requests * 1e9 / (double)(clock_ns() - begin));
}

/* A request whose body cannot be had fails and harms nobody. */
static void no_memory(struct work *work) {
    volatile size_t too_much = SIZE_MAX / 4;
    uint64_t failed = work->engine.failed;
    tidemark_phase_begin("no-memory");
    for (int i = 0; i < 20; i++) engine_start(&work->engine, too_much);
    while (work->engine.in_flight) engine_answer(&work->engine, true);
    tidemark_value("refused", (double)(work->engine.failed - failed));
    tidemark_phase_end("no-memory");
}

static void no_descriptors(void) {
    struct rlimit old, low;
    struct rng rng = rng_seeded(5);
    unsigned refused = 0;
    getrlimit(RLIMIT_NOFILE, &old);
    low = (struct rlimit){3, old.rlim_max};
    tidemark_phase_begin("no-descriptors");
    setrlimit(RLIMIT_NOFILE, &low);
    for (unsigned i = 0; i < 20; i++) {
        tidemark_op_begin("sync");
        refused += call_service(&rng, i) < 0;
        tidemark_op_end("sync", false);
    }
    setrlimit(RLIMIT_NOFILE, &old);
    tidemark_value("refused", refused);
    tidemark_phase_end("no-descriptors");
}

static uint64_t cheap_call(const unsigned char *bytes, size_t size) { return crc32(0, bytes, (uInt)size); }

/* The price of the breaker itself: mean ns of a call with and without it. */
static double timed_calls(const char *phase, struct circuit *circuit, unsigned calls) {
    unsigned char bytes[1024] = {1};
    uint64_t sum = 0, begin = clock_ns();
    tidemark_phase_begin(phase);
    for (unsigned i = 0; i < calls; i++) {
        if (circuit && !circuit_allows(circuit, begin)) continue;
        sum += cheap_call(bytes, sizeof bytes - i % 2);
        if (circuit) circuit_report(circuit, true, begin);
    }
    lose(&sum);
    double mean = (double)(clock_ns() - begin) / calls;
    tidemark_items(calls);
    tidemark_value("call-ns", mean);
    tidemark_phase_end(phase);
    return mean;
}

static void compare_calls(const struct work *work) {
    struct circuit circuit;
    unsigned calls = by_size(work->options, 20000, 100000, 1000000);
    circuit_init(&circuit);
    double plain = timed_calls("unprotected", NULL, calls), protected = timed_calls("protected", &circuit, calls);
    printf("a call: %.0f ns, protected %.0f ns\n", plain, protected);
}

static void enqueue_job(struct work *work) {
    struct job *job = xmalloc(sizeof *job + 200);
    *job = (struct job){NULL, 200};
    *work->last = job;
    work->last = &job->next;
    work->waiting++;
}

static void serve_job(struct work *work) {
    struct job *job = work->first;
    work->first = job->next;
    if (!work->first) work->last = &work->first;
    work->waiting--;
    free(job);
}

/* Arrivals beyond what is served for a third of the windows, then below it until none waits. */
static void backlog_window(struct work *work) {
    unsigned served = work->window_requests, arrivals = served;
    if (work->window < work->windows / 3) arrivals += served / 4;
    if (work->window > work->windows / 2 && work->waiting) arrivals -= served / 2;
    for (unsigned i = 0; i < arrivals; i++) enqueue_job(work);
    for (unsigned i = 0; i < served && work->first; i++) serve_job(work);
}

static void vary_window(struct work *work) {
    if (varies(work->options, "backlog")) backlog_window(work);
    if (!varies(work->options, "sawtooth")) return;
    if (work->window % TOOTH == 0) drop_entries(&work->history);
    grow_history(work);
}

/* The cache gives back as much as the copies take. */
static void hide_copies(struct work *work) {
    unsigned left = FALLBACKS * (work->windows - work->window - 1) / work->windows + 1;
    unsigned freed = work->fallbacks > left ? work->fallbacks - left : 0;
    shrink_fallbacks(work, work->fallbacks - freed);
    for (unsigned i = 0; i < FALLBACKS / work->windows; i++) copy_answer(FALLBACK_SIZE);
}

static void sustained(struct work *work) {
    uint64_t pace = 1000000000ull / work->window_requests / by_size(work->options, 50, 5, 1);
    tidemark_phase_begin("sustained");
    for (work->window = 0; work->window < work->windows; work->window++) {
        tidemark_phase_begin("window");
        engine_run(&work->engine, work->window_requests, SUSTAINED_LEVEL, pace);
        vary_window(work);
        if (leaks(work->options, "round")) summarise_window(work->window);
        if (leaks(work->options, "cache")) hide_copies(work);
        if (leaks(work->options, "teardown")) log_circuits(work);
        tidemark_items(work->window_requests);
        tidemark_phase_end("window");
    }
    tidemark_value("transitions", (double)engine_transitions(&work->engine));
    tidemark_phase_end("sustained");
}

static void work_release(struct work *work) {
    shrink_fallbacks(work, 0);
    drop_entries(&work->history);
    drop_entries(&work->log);
    while (work->first) serve_job(work);
    free(work);
}

int main(int argc, char **argv) {
    static const unsigned LEVELS[] = {10, 25, 50, 100, 200};
    struct options options = options_parse(&PROGRAM, argc, argv);
    struct work *work = xcalloc(1, sizeof *work);
    work->options = &options;
    work->windows = rounds_or(&options, 32, 30, 30);
    work->window_requests = by_size(&options, 400, 1000, 2000);
    work->fallbacks = FALLBACKS;
    work->last = &work->first;
    engine_init(&work->engine, on_answer, work);
    burst(work);
    sync_pool(work);
    for (int i = 0; i < 5; i++) load_level(work, LEVELS[i]);
    no_memory(work);
    no_descriptors();
    compare_calls(work);
    work->sustained = true;
    sustained(work);
    printf("requests: %llu ok, %llu failed, %llu rejected; %llu changes of circuits\n",
           (unsigned long long)work->engine.ok, (unsigned long long)work->engine.failed,
           (unsigned long long)work->engine.rejected, (unsigned long long)engine_transitions(&work->engine));
    work_release(work);
    return 0;
}
