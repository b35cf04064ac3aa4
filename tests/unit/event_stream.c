/*
 * A thread's stream of events at random. See event_stream.h.
 */
#include "event_stream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_MASK ((1ull << 48) - 1)

const struct stream_profile stream_profiles[STREAM_PROFILES] = {
    {"plain", 4000, 64, 20, 10, 0, 8, 0, 0, 0, 0, 200, 0, 0x555555000000, 300, 16},
    {"mixed", 4000, 200, 300, 1000, 20, 40, 20, 10, 10, 4, 128, 5, 0x7fff00000000, 100000, 16},
    {"foreign", 3000, 8, 5, 5, 200, 10, 0, 1, 0, 0, 60, 0, 0x10000, 5000, 8},
    {"many stacks", 32768, 1000, 1u << 31, 50, 2, 10, 1, 1, 1, 1, 100, 0, 0x400000, 90, 16},
    {"tight", 3000, 4, 2, 1, 0, 100, 0, 0, 0, 0, 250, 0, 0x1000, 1, 16},
    {"bursts", 5000, 90, 400, 200, 3, 20, 1, 1, 0, 0, 90, 0, 0x7f0000000000, 2, 16},
    {"far apart", 5000, 500, 70, 1u << 20, 0, 20, 0, 0, 0, 0, 90, 0, 0x500000000000, 3, 1 << 12},
    {"same stamp", 2500, 30, 9, 3, 9, 9, 9, 9, 9, 9, 99, 0, 0x1000, 0, 1},
    {"hostile", 4000, 100, 1u << 31, 1u << 31, 128, 64, 64, 32, 64, 32, 50, 60, 0, 1ull << 40, 1},
    {"control only", 1500, 1, 1, 1, 0, 0, 0, 256, 0, 0, 0, 3, 0, 1000, 1},
    {"many blocks", 32768, 60000, 1u << 31, 5000, 1, 10, 1, 1, 1, 1, 30, 0, 0x400000, 90, 16},
    {"wide", 2000, 50, 50, 50, 10, 20, 30, 0, 256, 256, 50, 0, 0x1000, 1000, 16},
};

uint64_t stream_draw(struct stream *s) {
    s->random ^= s->random << 13;
    s->random ^= s->random >> 7;
    s->random ^= s->random << 17;
    return s->random * 0x2545f4914f6cdd1dull >> 8;
}

static bool chance(struct stream *s, unsigned of256) { return (stream_draw(s) & 255) < of256; }

static void put_word(struct stream *s, uint64_t word) { s->ring[s->end++ & (STREAM_RING_WORDS - 1)] = word; }

static bool has_stack(unsigned kind) {
    return kind != TRACE_EVENT_FREE && kind != TRACE_EVENT_REALLOC_OUT && kind < TRACE_EVENT_PHASE_BEGIN;
}

static bool has_value(unsigned kind) {
    static const uint8_t with[] = {TRACE_EVENT_ITEMS,     TRACE_EVENT_OP_END,  TRACE_EVENT_OP_START,
                                   TRACE_EVENT_OP_FINISH, TRACE_EVENT_VALUE,   TRACE_EVENT_EXEC_FAIL,
                                   TRACE_EVENT_STOP,      TRACE_EVENT_ANOMALY, TRACE_EVENT_EXIT};
    return memchr(with, (int)kind, sizeof with) != NULL;
}

/* The event as words, by the table of FORMAT.md. */
static void put_event(struct stream *s, struct trace_event event) {
    s->events[s->count++] = event;
    put_word(s, event.kind | (uint64_t)event.flags << 8 | event.address << 16);
    put_word(s, event.stamp);
    if (has_stack(event.kind)) put_word(s, (uint64_t)event.stack << 32 | (uint32_t)event.size);
    if (has_value(event.kind)) put_word(s, event.size);
    if (event.flags & TRACE_EVENT_WIDE) put_word(s, event.size);
}

struct pool {
    uint64_t *addresses;
    uint32_t used, capacity;
};

static void pool_add(struct pool *p, struct stream *s, uint64_t address) {
    if (p->used < p->capacity) p->addresses[p->used++] = address;
    else p->addresses[stream_draw(s) % p->capacity] = address;
}

/* Mostly the newest, as allocators and programs like it. */
static uint64_t pool_take(struct pool *p, struct stream *s) {
    if (!p->used) return stream_draw(s) & ADDRESS_MASK;
    uint32_t at = chance(s, 160) ? p->used - 1 : (uint32_t)(stream_draw(s) % p->used);
    uint64_t address = p->addresses[at];
    p->addresses[at] = p->addresses[--p->used];
    return address;
}

struct generator {
    const struct stream_profile *profile;
    struct stream *stream;
    struct pool live, freed;
    uint64_t top, stamp;
};

static struct trace_event draw_common(struct generator *g, unsigned kind) {
    struct stream *s = g->stream;
    g->stamp += g->profile->tick ? stream_draw(s) % g->profile->tick : 0;
    struct trace_event event = {.kind = (uint8_t)kind, .stamp = g->stamp};
    if (chance(s, g->profile->jitter)) event.stamp -= stream_draw(s) % 5000;
    if (chance(s, g->profile->flagged))
        event.flags = (uint8_t)(stream_draw(s) & (TRACE_EVENT_FAILED | TRACE_EVENT_INTERNAL | TRACE_EVENT_APPROXIMATE |
                                                  TRACE_EVENT_NO_STACK | 0x60));
    if (has_stack(kind)) {
        event.stack = (uint32_t)(stream_draw(s) % g->profile->stacks);
        event.size = stream_draw(s) % g->profile->sizes;
        if (chance(s, g->profile->wide) || kind == TRACE_EVENT_BREAK) {
            event.flags |= TRACE_EVENT_WIDE;
            event.size = stream_draw(s) << (stream_draw(s) % 56);
        }
    }
    return event;
}

static void make_alloc(struct generator *g, unsigned kind) {
    struct stream *s = g->stream;
    struct trace_event event = draw_common(g, kind);
    if (chance(s, g->profile->wild)) event.address = stream_draw(s) & ADDRESS_MASK;
    else if (g->freed.used && chance(s, g->profile->reuse)) event.address = pool_take(&g->freed, s);
    else event.address = g->top = (g->top + (event.size / g->profile->align + 1) * g->profile->align) & ADDRESS_MASK;
    pool_add(&g->live, s, event.address);
    put_event(s, event);
}

static void make_free(struct generator *g, unsigned kind) {
    struct stream *s = g->stream;
    struct trace_event event = draw_common(g, kind);
    if (!chance(s, g->profile->wild)) event.address = pool_take(&g->live, s);
    else
        event.address = g->freed.used && chance(s, 80) ? g->freed.addresses[stream_draw(s) % g->freed.used]
                                                       : stream_draw(s) & ADDRESS_MASK;
    pool_add(&g->freed, s, event.address);
    put_event(s, event);
}

static void make_other(struct generator *g, bool control) {
    struct stream *s = g->stream;
    unsigned kind = control ? TRACE_EVENT_PHASE_BEGIN + (unsigned)(stream_draw(s) % 17)
                            : TRACE_EVENT_REALLOC_FAIL + (unsigned)(stream_draw(s) % 9);
    struct trace_event event = draw_common(g, kind);
    event.address = stream_draw(s) & ADDRESS_MASK;
    if (has_value(kind)) event.size = stream_draw(s) << (stream_draw(s) % 56);
    put_event(s, event);
}

static void make_one(struct generator *g) {
    struct stream *s = g->stream;
    if (chance(s, g->profile->control)) {
        make_other(g, true);
    } else if (chance(s, g->profile->other)) {
        make_other(g, false);
    } else if (chance(s, g->profile->realloc)) {
        make_free(g, TRACE_EVENT_REALLOC_OUT);
        if (s->count < g->profile->events) make_alloc(g, TRACE_EVENT_REALLOC_IN);
    } else if (g->live.used < g->profile->live && chance(s, 140)) {
        make_alloc(g, TRACE_EVENT_ALLOC);
    } else {
        make_free(g, TRACE_EVENT_FREE);
    }
}

void stream_make(struct stream *s, const struct stream_profile *profile, uint32_t events, uint64_t seed) {
    s->ring = calloc(STREAM_RING_WORDS, sizeof *s->ring);
    s->events = calloc(events + 1, sizeof *s->events);
    s->count = 0;
    s->random = seed * 0x9e3779b97f4a7c15ull + 1;
    s->first = s->end =
        STREAM_RING_WORDS * 3ull - stream_draw(s) % (2ull * events + 2); /* the ring wraps around inside */
    struct stream_profile sized = *profile;
    sized.events = events;
    struct generator g = {.profile = &sized, .stream = s, .top = profile->base, .stamp = 1ull << 50};
    g.live = (struct pool){calloc(profile->live, sizeof(uint64_t)), 0, profile->live};
    g.freed = (struct pool){calloc(profile->live, sizeof(uint64_t)), 0, profile->live};
    while (s->count < events) make_one(&g);
    free(g.live.addresses);
    free(g.freed.addresses);
}

void stream_release(struct stream *s) {
    free(s->ring);
    free(s->events);
}
