/* The search (explore.h): breadth first, states in one growing table, hashed by FNV-1a. */
#include "explore.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct search {
    const struct model *model;
    unsigned char *states; /* in the order in which they were met */
    size_t count, capacity;
    size_t *slots; /* index + 1 of a state; 0: free */
    size_t slot_count;
};

static uint64_t hash(const unsigned char *bytes, size_t length) {
    uint64_t value = 14695981039346656037u;
    for (size_t i = 0; i < length; i++) value = (value ^ bytes[i]) * 1099511628211u;
    return value ^ value >> 32;
}

static unsigned char *state_at(struct search *s, size_t index) { return s->states + index * s->model->state_size; }

static size_t *slot_of(struct search *s, const unsigned char *state) {
    size_t at = hash(state, s->model->state_size) & (s->slot_count - 1);
    while (s->slots[at] && memcmp(state_at(s, s->slots[at] - 1), state, s->model->state_size))
        at = (at + 1) & (s->slot_count - 1);
    return &s->slots[at];
}

static void make_room(struct search *s) {
    if (s->count < s->capacity) return;
    s->capacity = s->capacity ? 2 * s->capacity : 1024;
    s->slot_count = 4 * s->capacity;
    s->states = realloc(s->states, s->capacity * s->model->state_size);
    free(s->slots);
    s->slots = calloc(s->slot_count, sizeof *s->slots);
    if (!s->states || !s->slots) abort();
    for (size_t i = 0; i < s->count; i++) *slot_of(s, state_at(s, i)) = i + 1;
}

static void add(struct search *s, const unsigned char *state) {
    make_room(s);
    size_t *slot = slot_of(s, state);
    if (*slot) return;
    memcpy(state_at(s, s->count), state, s->model->state_size);
    *slot = ++s->count;
}

struct explored explore(const struct model *model) {
    struct search s = {.model = model};
    unsigned char *next = calloc(1, model->state_size);
    const char *wrong = NULL;
    if (!next) abort();
    add(&s, next);
    for (size_t at = 0; at < s.count && !wrong; at++) {
        wrong = model->check(state_at(&s, at));
        for (unsigned actor = 0; actor < model->actors; actor++) {
            memcpy(next, state_at(&s, at), model->state_size);
            if (model->step(next, actor)) add(&s, next);
        }
    }
    free(next);
    free(s.states);
    free(s.slots);
    return (struct explored){s.count, wrong};
}
