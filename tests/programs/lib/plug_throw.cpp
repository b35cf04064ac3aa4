/* A C++ plug-in for a host that has no C++ library: it brings libstdc++ along, allocates with new, and throws. */
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

static __attribute__((noinline)) int deep(int level, std::vector<std::string> &texts) {
    texts.push_back(std::string(50 + static_cast<size_t>(level), 'x'));
    if (level == 0) throw std::runtime_error(texts.back());
    return deep(level - 1, texts) + 1;
}

extern "C" int plugin_throws(int level) {
    std::vector<std::string> texts;
    try {
        return deep(level, texts);
    } catch (const std::exception &error) {
        char *own = new char[50001];
        __asm__ volatile("" : : "g"(own) : "memory");
        delete[] own;
        return static_cast<int>(std::strlen(error.what()));
    }
}
