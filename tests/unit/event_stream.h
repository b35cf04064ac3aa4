/*
 * A thread's stream of events at random, as words in a ring and as a list made side by side: what programs do, and what
 * no program does.
 */
#ifndef TESTS_EVENT_STREAM_H
#define TESTS_EVENT_STREAM_H

#include <stdint.h>

#include "../../include/trace_format.h"

#define STREAM_RING_WORDS (1u << 18)
#define STREAM_PROFILES 12

/* What is drawn from; probabilities in 256ths. */
struct stream_profile {
    const char *name;
    uint32_t events;
    uint32_t live; /* blocks that are kept track of */
    uint32_t stacks;
    uint32_t sizes;
    unsigned wild; /* an address out of nowhere, also for frees: foreign, double, never allocated */
    unsigned realloc, other, control, flagged, wide;
    unsigned reuse;  /* an allocation gets an address freed before */
    unsigned jitter; /* a stamp steps back, as of an event of a signal handler */
    uint64_t base;   /* addresses grow from here */
    uint64_t tick;   /* largest step of the stamps */
    uint64_t align;
};

extern const struct stream_profile stream_profiles[STREAM_PROFILES];

struct stream {
    uint64_t *ring;
    struct trace_event *events;
    uint32_t count;
    uint64_t first, end;
    uint64_t random;
};

void stream_make(struct stream *stream, const struct stream_profile *profile, uint32_t events, uint64_t seed);
void stream_release(struct stream *stream);
/* The next random number. */
uint64_t stream_draw(struct stream *stream);

#endif
