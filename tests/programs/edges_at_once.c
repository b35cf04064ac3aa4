/* expect: 0; args: 20000; soak: 200000 */
/*
 * Phase edges as the first event of threads that come and go, and among those of threads that keep their rings full:
 * none may wait for a lock while it holds the one that whoever drains a ring takes last.
 */
#include "../../include/tidemark.h"
#include "target.h"

enum { CHURNERS = 8, SHORT = 4, AT_ONCE = 50 };
static int each;
static atomic_int at_work = CHURNERS;

static void *fill(void *edges) {
    for (int i = 0; i < each; i += AT_ONCE) {
        if (edges) tidemark_phase_begin("round");
        blocks(20, AT_ONCE);
        if (edges) tidemark_phase_end("round");
    }
    at_work--;
    return NULL;
}

static void *begin_with_an_edge(void *argument) {
    tidemark_phase_begin("short");
    blocks(48001, 1);
    tidemark_phase_end("short");
    return argument;
}

int main(int argc, char **argv) {
    pthread_t churners[CHURNERS], threads[SHORT];
    each = argc > 1 ? atoi(argv[1]) : 0;
    for (size_t i = 0; i < CHURNERS; i++) CHECK(!pthread_create(&churners[i], NULL, fill, i % 2 ? argv : NULL));
    while (at_work) {
        for (int j = 0; j < SHORT; j++) CHECK(!pthread_create(&threads[j], NULL, begin_with_an_edge, NULL));
        for (int j = 0; j < SHORT; j++) CHECK(!pthread_join(threads[j], NULL));
    }
    for (int i = 0; i < CHURNERS; i++) CHECK(!pthread_join(churners[i], NULL));
    return 0;
}
