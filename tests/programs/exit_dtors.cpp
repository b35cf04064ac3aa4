/* expect: 7; sees: 32001x1 32002x1 32003x1 32004x1 */
/* Global constructors and destructors in C++ and handlers that run after each other while the process exits. */
#include "target.h"
#include <string>
#include <vector>

struct Global {
    std::vector<std::string> texts;
    Global() {
        blocks(32001, 1);
        for (int i = 0; i < 100; i++) texts.push_back(std::string(40, 'x'));
    }
    ~Global() {
        texts.clear();
        blocks(32002, 1);
        dprintf(1, "global destroyed\n");
    }
};
static Global global;

int main() {
    atexit([] {
        blocks(32003, 1);
        atexit([] { blocks(32004, 1); });
    });
    exit(7);
}
