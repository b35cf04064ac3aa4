/* expect: 0; case: api_calls; sees: 75001x10 */
/* The public API, with and without a recorder: phases in any order, names too long, ends without a begin. */
#include "target.h"
#include "tidemark.h"

static void *operate(void *unused) {
    (void)unused;
    for (int i = 0; i < 500; i++) {
        tidemark_op_begin("query");
        free(keep(malloc(100)));
        tidemark_op_end("query", i % 10 != 0);
    }
    return NULL;
}

int main(void) {
    char name[1000];
    memset(name, 'n', sizeof name - 1);
    name[999] = 0;
    pthread_t threads[4];
    for (int i = 0; i < 10; i++) {
        tidemark_phase_begin("round");
        tidemark_phase_begin("inner");
        blocks(75001, 1);
        tidemark_items(10);
        tidemark_items_named("rows", 20);
        tidemark_value("level", 1.5);
        tidemark_phase_end("inner");
        tidemark_phase_end("round");
        tidemark_mark("mark");
    }
    tidemark_phase_end("never begun");
    tidemark_phase_begin(name);
    tidemark_phase_end(name);
    tidemark_mark("");
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, operate, NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    uint64_t ids[100];
    for (int i = 0; i < 100; i++) ids[i] = tidemark_op_start("request");
    for (int i = 99; i >= 0; i--) tidemark_op_finish(ids[i], i % 2 ? TIDEMARK_OK : TIDEMARK_REJECTED);
    tidemark_op_finish(12345678, TIDEMARK_OK);
    void *born = malloc(75002), *unseen;
    tidemark_pause();
    unseen = malloc(75003);
    free(born);
    tidemark_resume();
    free(unseen);
    puts("done");
    return 0;
}
