/* expect: 0; sees: 5368709121x1 6442450945x1 4294967295x1 4294967296x1 */
/* Blocks whose size does not fit 32 bits. */
#include "target.h"
#include <sys/mman.h>

int main(void) {
    char *p = keep(malloc(5368709121u));
    CHECK(p);
    p[0] = p[5368709120u] = 1;
    CHECK((p = realloc(p, 6442450945u)) && p[5368709120u] == 1);
    free(p);
    CHECK((p = malloc(4294967295u)) && (free(p), 1));
    CHECK((p = malloc(4294967296u)) && (free(p), 1));
    p = mmap(NULL, (size_t)8 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(p != MAP_FAILED && !munmap(p, (size_t)8 << 30));
    puts("done");
    return 0;
}
