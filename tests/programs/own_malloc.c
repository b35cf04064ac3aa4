/* expect: 0; trace: any; stderr: any */
/* A program with a malloc of its own: the recorder must not mix the two, nor call one from the other. */
#include "target.h"

static char arena[64 << 20] __attribute__((aligned(16)));
static atomic_size_t used;

static size_t *header(void *block) { return (size_t *)block - 2; }
void *malloc(size_t size) {
    size_t room = (size + 31) & ~(size_t)15, at = atomic_fetch_add(&used, room);
    if (at + room > sizeof arena) return NULL;
    void *block = arena + at + 16;
    *header(block) = size;
    return block;
}
void free(void *block) {
    if (block && ((char *)block < arena || (char *)block >= arena + sizeof arena)) _exit(97);
}
void *calloc(size_t count, size_t size) { return malloc(count * size); }
void *realloc(void *old, size_t size) {
    void *block = malloc(size);
    if (old && block) memcpy(block, old, *header(old) < size ? *header(old) : size);
    return block;
}

int main(void) {
    for (int i = 0; i < 1000; i++) {
        char *p = strdup("some text");
        CHECK(p >= arena && p < arena + sizeof arena);
        p = reallocarray(p, 10, 10);
        CHECK(p >= arena && p < arena + sizeof arena && !strcmp(p, "some text"));
        free(p);
    }
    puts("own");
    return 0;
}
