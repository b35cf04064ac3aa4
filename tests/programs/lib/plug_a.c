/* One of two libraries of the same size and shape, so that one is loaded where the other was. */
#include <stdlib.h>

__attribute__((noinline)) void *alpha_allocates(size_t size) {
    void *block = malloc(size);
    __asm__ volatile("" : : "g"(block) : "memory");
    return block;
}
void *plugin_work(size_t size) { return alpha_allocates(size); }
