/* expect: 0; sees: 51001x2000 */
/* Exceptions thrown across frames that allocate, rethrown, nested, from threads, and bad_alloc from new itself. */
#include "target.h"
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static __attribute__((noinline)) void deep(int level) {
    std::string text(static_cast<size_t>(level) + 30, 'y');
    if (level == 0) throw std::runtime_error(text);
    try {
        deep(level - 1);
    } catch (...) {
        if (level % 3 == 0) blocks(100, 1);
        throw;
    }
    keep(&text);
}

static void many(int count) {
    for (int i = 0; i < count; i++) {
        try {
            deep(i % 12);
        } catch (const std::exception &) {
            blocks(51001, 1);
        }
    }
}

int main() {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) threads.emplace_back(many, 400);
    for (auto &thread : threads) thread.join();
    many(400);
    bool thrown = false;
    try {
        keep(::operator new(static_cast<size_t>(-1) / 2));
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    CHECK(thrown);
    CHECK(::operator new(static_cast<size_t>(-1) / 2, std::nothrow) == nullptr);
    puts("done");
    return 0;
}
