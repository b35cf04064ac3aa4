/*
 * Small workloads that leak, and others that only look as if: `kinds KIND ROUNDS`, each round of main's loop is one
 * repetition of the phase `round`. What the verdict on each must be stands in the table of
 * tests/cli/verdict_kinds.bats.
 *
 * A function whose name begins with leak_ allocates what is never released, or only at the exit; the verdict has to
 * name it. Those that begin with keep_ hold memory rightly. Everything random comes from one seeded generator.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tidemark.h"

#define OWN __attribute__((noinline, noclone))

namespace {

uint64_t state = 88172645463325252ull;
uint64_t any(uint64_t below) { /* xorshift64, Marsaglia 2003 */
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state % below;
}

int rounds;
void *volatile sink; /* so that nothing is optimised away */

template <typename T> T *lose(T *block) {
    sink = block;
    return block;
}

void churn(unsigned times) {
    for (unsigned i = 0; i < times; i++) {
        void *block = lose(malloc(16 + any(400)));
        free(block);
    }
}

/* Leaks. */

OWN void leak_every(size_t size) { lose(malloc(size)); }
void every(int) { leak_every(100); }

OWN void leak_in_worker() { lose(malloc(64)); }
void one_thread_of_many(int) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; i++)
        threads.emplace_back([i] {
            for (int j = 0; j < 20; j++) free(lose(malloc(64)));
            if (i == 5) leak_in_worker();
        });
    for (auto &thread : threads) thread.join();
}

std::map<uint64_t, std::string> sessions;
OWN void leak_into_map(int round) {
    for (int i = 0; i < 20; i++) sessions[(uint64_t)(round * 20 + i)] = "a session's name, long enough for the heap";
}

struct node {
    std::shared_ptr<node> other;
    char payload[100];
};
OWN std::shared_ptr<node> leak_cycle() {
    auto a = std::make_shared<node>(), b = std::make_shared<node>();
    a->other = b;
    b->other = a;
    return a;
}
void shared_cycle(int) { leak_cycle(); }

std::vector<uint64_t> history;
OWN void leak_into_vector(int) {
    for (int i = 0; i < 100; i++) history.push_back(any(1000));
}

std::unordered_map<uint64_t, uint64_t> index_of;
OWN void leak_into_hash(int round) {
    for (int i = 0; i < 50; i++) index_of[(uint64_t)(round * 50 + i)] = 1;
}

OWN void *leak_per_thread() { return malloc(256); }
void *request(void *) {
    static thread_local void *scratch;
    scratch = leak_per_thread();
    sink = scratch;
    return nullptr;
}
void thread_per_request(int) {
    pthread_t thread;
    pthread_create(&thread, nullptr, request, nullptr);
    pthread_join(thread, nullptr);
}

OWN int leak_on_error(bool fails) {
    char *copy = lose(strdup("a request that may fail"));
    if (fails) return -1;
    free(copy);
    return 0;
}
void error_one_in_fifty(int) {
    for (int i = 0; i < 60; i++) leak_on_error(any(50) == 0);
}
void error_every_seventh(int round) { leak_on_error(round % 7 == 3); }

OWN void leak_tiny() { lose(malloc(8)); }
void tiny_among_churn(int) {
    churn(4000);
    leak_tiny();
}

OWN void leak_map_pages() {
    sink = mmap(nullptr, 64 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
void map_pages(int) { leak_map_pages(); }

char *text;
size_t text_length;
OWN void leak_by_realloc(int) {
    text_length += 500;
    text = static_cast<char *>(realloc(text, text_length));
    memset(text + text_length - 500, 'x', 500);
}

OWN void leak_for_a_while() { lose(malloc(200)); }
void leak_at_first(int round) {
    if (round < rounds / 5) leak_for_a_while();
    churn(50);
}
OWN void leak_later() { lose(malloc(200)); }
void leak_after_the_middle(int round) {
    if (round >= rounds / 2) leak_later();
    churn(50);
}

std::vector<std::unique_ptr<std::string>> *results = new std::vector<std::unique_ptr<std::string>>;
OWN void leak_until_exit(int) { results->push_back(std::make_unique<std::string>(200, 'x')); }

OWN void leak_inside() { lose(malloc(48)); }
void nested(int) {
    for (int i = 0; i < 3; i++) {
        tidemark_phase_begin("inner");
        churn(20);
        leak_inside();
        tidemark_phase_end("inner");
    }
    tidemark_phase_begin("clean");
    churn(20);
    tidemark_phase_end("clean");
}

OWN void leak_by_amount(int amount) {
    for (int i = 0; i < amount; i++) lose(malloc(40));
}
void rounds_differ(int) {
    int amount = 5 + (int)any(20);
    churn((unsigned)amount * 20);
    leak_by_amount(amount);
    tidemark_items((uint64_t)amount);
}

OWN void *make_node() { return malloc(80); }
OWN void balanced_user() {
    for (int i = 0; i < 10; i++) free(lose(make_node()));
}
OWN void leak_through_wrapper() { sink = make_node(); }
void shared_wrapper(int) {
    balanced_user();
    leak_through_wrapper();
}

OWN void leak_file() { lose(fopen("/dev/null", "r")); }
void file_handles(int) { leak_file(); }
OWN void leak_read_file() {
    FILE *file = lose(fopen("/proc/self/status", "r"));
    char line[80];
    if (file && !fgets(line, sizeof line, file)) abort();
}
void file_buffers(int) { leak_read_file(); }
OWN void leak_directory() { lose(opendir("/proc/self")); }
void directory_handles(int) { leak_directory(); }

void *brief(void *argument) { return argument; }
OWN void leak_thread() {
    pthread_t thread;
    pthread_create(&thread, nullptr, brief, nullptr);
}
void not_joined(int) { leak_thread(); }

std::list<std::string> journal;
OWN void leak_into_list(int) { journal.emplace_back("a line of the journal that is longer than a short string"); }
std::deque<uint64_t> queue;
OWN void leak_into_queue(int) { /* consumed more slowly than filled */
    for (uint64_t i = 0; i < 200; i++) queue.push_back(i);
    for (int i = 0; i < 100; i++) queue.pop_front();
}

struct shape {
    shape() = default;
    shape(const shape &) = default;
    shape &operator=(const shape &) = default;
    ~shape() {} /* NOLINT: not virtual, that is the fault */
    char corner[24];
};
struct polygon : shape {
    std::string *name = new std::string(60, 'p');
    polygon() = default;
    polygon(const polygon &) = delete;
    polygon &operator=(const polygon &) = delete;
    ~polygon() { delete name; }
};
OWN shape *leak_behind_base() { return new polygon; }
void base_destructor(int) { delete leak_behind_base(); }

char *value;
OWN void leak_old_value() {
    value = lose(strdup("the value before it is forgotten"));
} /* a setter that does not free */
void overwritten(int) { leak_old_value(); }

std::vector<uint64_t> samples;
OWN void leak_into_shared(uint64_t sample) { samples.push_back(sample); }
OWN void measure_start() {
    for (int i = 0; i < 40; i++) leak_into_shared(any(100));
}
OWN void measure_middle() {
    for (int i = 0; i < 40; i++) leak_into_shared(any(200));
}
OWN void measure_end() {
    for (int i = 0; i < 40; i++) leak_into_shared(any(300));
}
void vector_of_three(int) {
    measure_start();
    measure_middle();
    measure_end();
}

std::vector<std::vector<uint64_t>> reports;
OWN void leak_report() { reports.emplace_back(25 + any(10)); }
void vector_of_vectors(int) { leak_report(); }

std::string protocol;
OWN void leak_into_string(const char *line) { protocol += line; }
void string_grows(int) {
    for (int i = 0; i < 3; i++) leak_into_string("a request came in\n");
    leak_into_string("a request was answered\n");
    leak_into_string("a request was logged\n");
}

OWN void leak_on_item(int item) {
    void *row = lose(malloc(80));
    if (item % 100 != 7) free(row);
}
void rising_work(int round) {
    int items = 2000 + 1000 * round;
    for (int i = 0; i < items; i++) leak_on_item(i);
    tidemark_items((uint64_t)items);
}

int operations;
OWN void leak_rarely() {
    void *context = lose(malloc(120));
    if (++operations % 300 != 0) free(context);
}
void one_in_three_hundred(int) {
    for (int i = 0; i < 997; i++) leak_rarely();
}

std::vector<void *> collected;
OWN void *leak_uncollected() { return lose(malloc(100 + any(50))); }
void among_collected(int round) { /* freed every fifth round; one of twenty never gets into the list */
    for (int i = 0; i < 100; i++) {
        void *block = leak_uncollected();
        if (i % 20 != 0) collected.push_back(block);
    }
    if (round % 5 != 4) return;
    for (void *block : collected) free(block);
    collected.clear();
}

OWN void leak_listener(int round) {
    static std::vector<std::shared_ptr<std::string>> registered;
    registered.push_back(std::make_shared<std::string>(80, (char)('a' + round % 26)));
    churn(20);
}

/* Not leaks. */

std::unordered_set<std::string> names;
OWN void keep_interned(int) { /* bounded by the input's 300 words */
    for (int i = 0; i < 40; i++) names.insert("an interned name longer than short " + std::to_string(any(300)));
}

std::list<std::pair<uint64_t, std::string>> lru;
OWN void keep_lru(int round) { /* of 64 entries whose sizes rise */
    for (int i = 0; i < 10; i++) {
        lru.emplace_front(any(1000), std::string(100 + (size_t)round * 20, 'x'));
        if (lru.size() > 64) lru.pop_back();
    }
}

std::list<std::string> differing;
OWN void keep_differing(int) { /* of 240 entries of any size */
    for (int i = 0; i < 60; i++) {
        differing.emplace_front(30 + any(400), 'x');
        if (differing.size() > 240) differing.pop_back();
    }
}

std::vector<uint64_t> reused;
OWN void keep_vector(int) {
    reused.clear();
    reused.reserve(500);
    for (uint64_t i = 0, n = 100 + any(400); i < n; i++) reused.push_back(i);
}

std::unordered_map<uint64_t, std::string> bounded_table;
OWN void keep_hash(int) {
    for (int i = 0; i < 100; i++) bounded_table[any(2000)] = "a value that is longer than a short string is";
}

std::unordered_map<uint64_t, std::string> zipf_table;
OWN void keep_zipf(int) {
    for (int i = 0; i < 200; i++) {
        double u = (double)(1 + any(1 << 30)) / (1 << 30);
        uint64_t key = (uint64_t)exp(u * log(3000.0)); /* about 1/k */
        zipf_table.emplace(key, "a value that is longer than a short string is");
    }
}

std::vector<void *> arena;
OWN void keep_arena(int) {
    for (void *chunk : arena) free(chunk);
    arena.clear();
    for (uint64_t i = 0, n = 3 + any(5); i < n; i++) arena.push_back(malloc(4096));
}

std::vector<void *> pool;
OWN void keep_pool(int round) { /* connections as many as were ever wanted at once */
    unsigned wanted = 2 + (unsigned)any(4 + (uint64_t)round / 10);
    std::vector<void *> taken;
    while (taken.size() < wanted) {
        if (pool.empty()) taken.push_back(malloc(512));
        else taken.push_back(pool.back()), pool.pop_back();
    }
    pool.insert(pool.end(), taken.begin(), taken.end());
}

void *ring[32];
OWN void keep_ring(int round) {
    for (int i = 0; i < 5; i++) {
        void **slot = &ring[(round * 5 + i) % 32];
        free(*slot);
        *slot = malloc(64 + any(200));
    }
}

std::deque<std::vector<void *>> deferred;
OWN void keep_deferred(size_t by) {
    deferred.emplace_back();
    for (int i = 0; i < 10; i++) deferred.back().push_back(malloc(120));
    while (deferred.size() > by) {
        for (void *block : deferred.front()) free(block);
        deferred.pop_front();
    }
}
void deferred_by_one(int) { keep_deferred(1); }
void deferred_by_five(int) { keep_deferred(5); }

char *front, *back;
OWN void keep_two_buffers(int) {
    free(back);
    back = front;
    front = static_cast<char *>(malloc(1000 + any(200)));
}

OWN void keep_once(int) {
    static auto *table = new std::vector<std::string>(200, std::string(50, 't'));
    sink = table;
}

OWN void keep_sawtooth(int round) { /* flushed every 4 rounds */
    static std::vector<void *> batch;
    for (int i = 0; i < 5; i++) batch.push_back(malloc(100));
    if (round % 4 != 3) return;
    for (void *block : batch) free(block);
    batch.clear();
}

OWN void keep_lazily(int) { /* 200 slots, filled when first asked for */
    static void *slots[200];
    for (int i = 0; i < 15; i++) {
        void **slot = &slots[any(200)];
        if (!*slot) *slot = malloc(80);
    }
}

OWN void keep_per_thread(int) {
    std::vector<std::thread> batch;
    for (int i = 0; i < 4; i++)
        batch.emplace_back([] {
            thread_local std::string scratch(500, 's');
            sink = &scratch[0];
        });
    for (auto &thread : batch) thread.join();
}

OWN void keep_text(int round) { /* grows and is cut back */
    static std::string line;
    line.append(300, 'x');
    if (round % 8 == 7) {
        line.clear();
        line.shrink_to_fit();
    }
}

OWN void keep_best(int) { /* the highest of random sizes so far */
    static void *best;
    static size_t most;
    size_t size = 100 + any(100000);
    if (size <= most) return;
    most = size;
    best = realloc(best, most);
}

OWN void keep_sessions(int) { /* each ends after 1 to 12 rounds */
    static std::map<uint64_t, std::pair<int, void *>> open;
    static uint64_t next;
    for (auto it = open.begin(); it != open.end();) {
        if (--it->second.first > 0) ++it;
        else free(it->second.second), it = open.erase(it);
    }
    for (int i = 0; i < 8; i++) open[next++] = {1 + (int)any(12), malloc(150)};
}

OWN void keep_backlog(int round) { /* rises to the middle, then is worked off */
    static std::deque<void *> waiting;
    for (int i = 0; i < 10; i++) waiting.push_back(malloc(90));
    for (int i = 0, n = round < rounds / 2 ? 5 : 20; i < n && !waiting.empty(); i++) {
        free(waiting.front());
        waiting.pop_front();
    }
}

struct kind {
    const char *name;
    void (*round)(int);
};
const kind kinds[] = {
    {"every", every},
    {"one-thread-of-many", one_thread_of_many},
    {"map-never-erased", leak_into_map},
    {"shared-cycle", shared_cycle},
    {"vector-grows", leak_into_vector},
    {"hash-grows", leak_into_hash},
    {"thread-per-request", thread_per_request},
    {"error-one-in-fifty", error_one_in_fifty},
    {"error-every-seventh", error_every_seventh},
    {"tiny-among-churn", tiny_among_churn},
    {"map-pages", map_pages},
    {"realloc-grows", leak_by_realloc},
    {"leak-at-first", leak_at_first},
    {"leak-after-the-middle", leak_after_the_middle},
    {"freed-at-exit", leak_until_exit},
    {"nested", nested},
    {"rounds-differ", rounds_differ},
    {"shared-wrapper", shared_wrapper},
    {"file-handles", file_handles},
    {"file-buffers", file_buffers},
    {"directory-handles", directory_handles},
    {"not-joined", not_joined},
    {"list-grows", leak_into_list},
    {"queue-grows", leak_into_queue},
    {"base-destructor", base_destructor},
    {"overwritten", overwritten},
    {"listeners", leak_listener},
    {"vector-of-three", vector_of_three},
    {"vector-of-vectors", vector_of_vectors},
    {"string-grows", string_grows},
    {"rising-work", rising_work},
    {"one-in-three-hundred", one_in_three_hundred},
    {"among-collected", among_collected},
    {"interned", keep_interned},
    {"lru", keep_lru},
    {"lru-differing", keep_differing},
    {"vector-reused", keep_vector},
    {"hash-bounded", keep_hash},
    {"zipf-cache", keep_zipf},
    {"arena", keep_arena},
    {"pool", keep_pool},
    {"ring", keep_ring},
    {"deferred-by-one", deferred_by_one},
    {"deferred-by-five", deferred_by_five},
    {"two-buffers", keep_two_buffers},
    {"once", keep_once},
    {"sawtooth", keep_sawtooth},
    {"lazy-slots", keep_lazily},
    {"thread-locals", keep_per_thread},
    {"text-cut-back", keep_text},
    {"high-water", keep_best},
    {"sessions", keep_sessions},
    {"backlog", keep_backlog},
};

void free_results() { delete results; }

} // namespace

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    rounds = atoi(argv[2]);
    atexit(free_results);
    for (const kind &kind : kinds) {
        if (strcmp(kind.name, argv[1]) != 0) continue;
        for (int i = 0; i < rounds; i++) {
            tidemark_phase_begin("round");
            kind.round(i);
            tidemark_phase_end("round");
        }
        return 0;
    }
    return 2;
}
