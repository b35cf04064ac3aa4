/* expect: 0; sees: 48001x100 */
/*
 * Sixteen terabytes that are reserved, written to here and there: the recorder's looks at resident pages, at each mark,
 * may not take as long as reading of every page would, which is a quarter of a minute of processor time.
 */
#include "../../include/tidemark.h"
#include "target.h"
#include <sys/mman.h>
#include <time.h>

#define SIZE (16ull << 40)
enum { PLACES = 64, MOST_SECONDS = 4 };

static long processor_seconds(void) {
    struct timespec used;
    CHECK(!clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used));
    return used.tv_sec;
}

int main(void) {
    char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) p = NULL; /* where memory is counted strictly */
    for (int i = 0; p && i < PLACES; i++) p[SIZE / PLACES * (unsigned)i] = 1;
    for (int i = 0; i < 5; i++) {
        tidemark_mark("look");
        blocks(48001, 20);
    }
    CHECK(processor_seconds() < MOST_SECONDS);
    for (int i = 0; p && i < PLACES; i++) CHECK(p[SIZE / PLACES * (unsigned)i] == 1);
    return 0;
}
