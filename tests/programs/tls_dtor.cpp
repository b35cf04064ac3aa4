/* expect: 0; sees: 31001x8 31002x8 31003x32 */
/* Thread-local objects whose constructors and destructors allocate, and keys whose destructors set themselves again. */
#include "target.h"
#include <thread>

static pthread_key_t key;
static void key_gone(void *value) {
    blocks(31003, 1);
    static thread_local int rounds;
    if (++rounds < 4) pthread_setspecific(key, value);
}

struct Holder {
    char *block;
    Holder() : block(static_cast<char *>(keep(malloc(31001)))) {}
    ~Holder() {
        free(block);
        blocks(31002, 1);
    }
};
static thread_local Holder holder;

int main() {
    CHECK(!pthread_key_create(&key, key_gone));
    for (int i = 0; i < 8; i++)
        std::thread([] {
            pthread_setspecific(key, &key);
            keep(holder.block);
        }).join();
    puts("done");
    return 0;
}
