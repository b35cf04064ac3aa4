/*
 * The smallest program worth watching: a session cache that serves the same kind of work in 20 rounds.
 *
 * Clean by default: the cache holds at most SLOTS sessions and frees what it replaces. With --leak every request also
 * keeps a copy of its name that nobody frees, in remember_visitor().
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tidemark.h>

enum { ROUNDS = 20, REQUESTS = 1000, SLOTS = 256, NAME_SIZE = 48 };

static char *cache[SLOTS];
static char *last_visitor;

static char *open_session(int visitor) {
    char *session = malloc(1024);
    if (!session) abort();
    snprintf(session, 1024, "visitor %d", visitor);
    return session;
}

static __attribute__((noinline)) void remember_visitor(const char *session) {
    last_visitor = malloc(NAME_SIZE); /* the leak: the previous copy is lost */
    if (last_visitor) snprintf(last_visitor, NAME_SIZE, "last seen: %.32s", session);
}

static void serve(int visitor, int leak) {
    char **slot = &cache[visitor % SLOTS];
    free(*slot);
    *slot = open_session(visitor);
    if (leak && visitor % 10 == 0) remember_visitor(*slot);
}

int main(int argc, char **argv) {
    int leak = strcmp(argv[argc - 1], "--leak") == 0;
    for (int round = 0; round < ROUNDS; round++) {
        tidemark_phase_begin("requests");
        for (int i = 0; i < REQUESTS; i++) serve(round * REQUESTS + i, leak);
        tidemark_items(REQUESTS);
        tidemark_phase_end("requests");
    }
    for (int i = 0; i < SLOTS; i++) free(cache[i]);
    printf("served %d requests in %d rounds\n", ROUNDS * REQUESTS, ROUNDS);
    return 0;
}
