/* expect: 0; flags: -std=c++17 -faligned-new -fsized-deallocation; sees: 52001x2 52002x2 52003x2 52224x2 52480x4 52006x1 */
/* Every operator new and delete: plain, array, nothrow, sized, aligned; a new handler; one failing without throwing. */
#include "target.h"
#include <new>

static int handler_calls;
static void handler() {
    if (++handler_calls == 3) std::set_new_handler(nullptr);
}

static void check_aligned(void *block, size_t alignment) {
    CHECK(block && reinterpret_cast<uintptr_t>(block) % alignment == 0);
    keep(block);
}

int main() {
    const auto align = std::align_val_t(256);
    void *p = ::operator new(52001);
    check_aligned(p, 16), ::operator delete(p);
    p = ::operator new(52001), check_aligned(p, 16), ::operator delete(p, static_cast<size_t>(52001));
    p = ::operator new[](52002), check_aligned(p, 16), ::operator delete[](p);
    p = ::operator new[](52002), check_aligned(p, 16), ::operator delete[](p, static_cast<size_t>(52002));
    p = ::operator new(52003, std::nothrow), check_aligned(p, 16), ::operator delete(p, std::nothrow);
    p = ::operator new[](52003, std::nothrow), check_aligned(p, 16), ::operator delete[](p, std::nothrow);
    p = ::operator new(52224, align), check_aligned(p, 256), ::operator delete(p, align);
    p = ::operator new(52224, align, std::nothrow), check_aligned(p, 256), ::operator delete(p, align, std::nothrow);
    p = ::operator new[](52480, align), check_aligned(p, 256), ::operator delete[](p, align);
    p = ::operator new[](52480, align, std::nothrow), check_aligned(p, 256),
    ::operator delete[](p, align, std::nothrow);
    p = ::operator new[](52480, align), check_aligned(p, 256), ::operator delete[](p, 52480, align);
    p = ::operator new[](52480, align), check_aligned(p, 256), ::operator delete(p, 52480, align);
    p = ::operator new(0), CHECK(p), ::operator delete(p);
    ::operator delete(nullptr);
    ::operator delete[](nullptr);
    std::set_new_handler(handler);
    CHECK(::operator new(static_cast<size_t>(-1) / 2, std::nothrow) == nullptr);
    CHECK(handler_calls == 3);
    p = keep(new char[52006]);
    delete[] static_cast<char *>(p);
    puts("done");
    return 0;
}
