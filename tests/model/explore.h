/*
 * Every state that a small protocol can reach, whatever order its threads take their steps in (explicit-state search
 * with a table of visited states). A state is plain bytes, zeros at first; one step is one access to shared
 * memory.
 */
#ifndef TESTS_MODEL_EXPLORE_H
#define TESTS_MODEL_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>

struct model {
    size_t state_size;
    unsigned actors;
    /* Takes the actor's next step, if it has one now. */
    bool (*step)(void *state, unsigned actor);
    /* What must hold in each state; NULL: it does, else what is wrong. */
    const char *(*check)(const void *state);
};

struct explored {
    size_t states;
    const char *wrong; /* of the first bad state met; NULL: none */
};

struct explored explore(const struct model *model);

#endif
