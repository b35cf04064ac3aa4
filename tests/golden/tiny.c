/* The program behind tests/golden/: `thread` adds a second thread, `kill` ends it by SIGKILL. */
#include "tidemark.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void *hand_over(void *block) {
    free(block);
    return malloc(77);
}

static int with_a_thread(void) {
    pthread_t thread;
    void *given;
    if (pthread_create(&thread, NULL, hand_over, malloc(55)) || pthread_join(thread, &given)) return 1;
    free(given);
    return 0;
}

static char *round_of_work(int round) {
    tidemark_phase_begin("round");
    tidemark_op_begin("step");
    char *kept = malloc((size_t)100 + (size_t)round);
    free(realloc(malloc(10), 2000));
    tidemark_op_end("step", round != 2);
    tidemark_items(3);
    tidemark_phase_end("round");
    return kept;
}

int main(int argc, char **argv) {
    const char *how = argc > 1 ? argv[1] : "";
    char *kept[4];
    for (int round = 0; round < 4; round++) kept[round] = round_of_work(round);
    tidemark_op_finish(tidemark_op_start("later"), TIDEMARK_REJECTED);
    tidemark_value("answer", 42.5);
    tidemark_mark("here");
    if (strcmp(how, "thread") == 0 && with_a_thread()) return 1;
    if (strcmp(how, "kill") == 0) raise(SIGKILL);
    for (int round = 0; round < 4; round++) free(kept[round]);
    return 0;
}
