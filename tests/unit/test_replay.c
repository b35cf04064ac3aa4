/* links: tests/unit/trace_builder.c preload/columns.c preload/words.c libs: -lz -ldeflate flags: -pthread */
/*
 * The replay against a brute-force account of the same program: a generator plays threads that allocate, move, free and
 * map, keeps the true state in plain arrays, and writes the events as rings and frames; the replay must find the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/analysis/curve.h"
#include "../../analyzer/analysis/sites.h"
#include "../../analyzer/analysis/totals.h"
#include "../../analyzer/replay/replay.h"
#include "trace_builder.h"

#define THREADS 5u
#define STACKS 40u
#define SLOTS 400u        /* addresses that blocks may have */
#define STREAM (1u << 20) /* words of a thread's stream */
#define MAP_PAGES 64u
#define MAP_BASE 0x7f0000000000u

static char path[64];

struct truth { /* what the generator knows */
    uint64_t stamp;
    bool live[SLOTS];
    uint64_t size[SLOTS];
    uint32_t stack[SLOTS];
    uint64_t birth[SLOTS]; /* number of the allocation */
    uint32_t owner[SLOTS];
    uint64_t last_birth[THREADS + 1];
    uint64_t live_bytes, live_blocks, peak;
    uint64_t allocations, frees, failed, bytes, temporary, unknown;
    uint64_t site_live[STACKS], site_allocations[STACKS], site_at_peak[STACKS];
    uint64_t map_pages; /* mapped, of those that count */
    uint8_t mapped[MAP_PAGES];
};

struct program {
    struct truth truth;
    uint64_t *words[THREADS + 1];
    size_t length[THREADS + 1];
    unsigned seed;
};

static unsigned draw(struct program *p, unsigned below) {
    p->seed = p->seed * 1664525u + 1013904223u;
    return (unsigned)((uint64_t)(p->seed >> 4) * below >> 28);
}

static void emit(struct program *p, unsigned thread, struct trace_event event) {
    event.stamp = p->truth.stamp += 1 + draw(p, 3);
    p->length[thread] += event_words(p->words[thread] + p->length[thread], &event);
    assert_true(p->length[thread] + 8 < STREAM);
}

static uint64_t address_of(unsigned slot) { return 0x1000000 + 48 * (uint64_t)slot; }

static void note_peak(struct truth *t) {
    uint64_t live = t->live_bytes;
    if (live <= t->peak) return;
    t->peak = live;
    memcpy(t->site_at_peak, t->site_live, sizeof t->site_live);
}

static void give_birth(struct truth *t, unsigned slot, unsigned thread, uint64_t size, uint32_t stack) {
    t->live[slot] = true;
    t->size[slot] = size;
    t->stack[slot] = stack;
    t->owner[slot] = thread;
    t->birth[slot] = ++t->allocations;
    t->last_birth[thread] = t->allocations;
    t->bytes += size;
    t->live_bytes += size;
    t->live_blocks++;
    t->site_live[stack] += size;
    t->site_allocations[stack]++;
    note_peak(t);
}

static void bury(struct truth *t, unsigned slot) {
    t->live[slot] = false;
    t->live_bytes -= t->size[slot];
    t->live_blocks--;
    t->site_live[t->stack[slot]] -= t->size[slot];
}

static uint64_t a_size(struct program *p) { return draw(p, 50) ? draw(p, 5000) : (uint64_t)draw(p, 1u << 27) << 8; }

static void allocate(struct program *p, unsigned thread, unsigned slot) {
    uint32_t stack = 1 + draw(p, STACKS - 1);
    uint64_t size = a_size(p);
    emit(p, thread,
         (struct trace_event){.kind = TRACE_EVENT_ALLOC, .address = address_of(slot), .size = size, .stack = stack});
    give_birth(&p->truth, slot, thread, size, stack);
}

static void release(struct program *p, unsigned thread, unsigned slot) {
    struct truth *t = &p->truth;
    emit(p, thread, (struct trace_event){.kind = TRACE_EVENT_FREE, .address = address_of(slot)});
    t->frees++;
    t->temporary += t->birth[slot] == t->last_birth[thread] && t->owner[slot] == thread;
    bury(t, slot);
}

/* A realloc during which another thread may take the old address. */
static void move(struct program *p, unsigned thread, unsigned slot) {
    struct truth *t = &p->truth;
    uint32_t stack = 1 + draw(p, STACKS - 1);
    uint64_t size = a_size(p);
    bool fails = draw(p, 10) == 0;
    emit(p, thread, (struct trace_event){.kind = TRACE_EVENT_REALLOC_OUT, .address = address_of(slot)});
    if (fails) {
        emit(p, thread,
             (struct trace_event){
                 .kind = TRACE_EVENT_REALLOC_FAIL, .address = address_of(slot), .size = size, .stack = stack});
        t->failed++;
        return;
    }
    unsigned other = 1 + (thread + 1) % THREADS, to = draw(p, SLOTS);
    while (t->live[to]) to = draw(p, SLOTS);
    uint64_t old_size = t->size[slot];
    uint32_t old_stack = t->stack[slot];
    t->live[slot] = false;
    if (to != slot && draw(p, 4) == 0) allocate(p, other, slot);
    emit(p, thread,
         (struct trace_event){.kind = TRACE_EVENT_REALLOC_IN, .address = address_of(to), .size = size, .stack = stack});
    t->frees++;
    t->live_blocks--;
    t->live_bytes -= old_size;
    t->site_live[old_stack] -= old_size;
    give_birth(t, to, thread, size, stack);
}

static void step_heap(struct program *p) {
    unsigned thread = 1 + draw(p, THREADS), slot = draw(p, SLOTS);
    if (draw(p, 100) == 0) {
        emit(p, thread,
             (struct trace_event){.kind = TRACE_EVENT_ALLOC, .flags = TRACE_EVENT_FAILED, .size = 1, .stack = 1});
        p->truth.failed++;
    } else if (!p->truth.live[slot]) {
        allocate(p, thread, slot);
        if (draw(p, 4) == 0) release(p, thread, slot);
    } else if (draw(p, 3) == 0) {
        move(p, thread, slot);
    } else {
        release(p, thread, slot);
    }
}

static void step_unknown_free(struct program *p) {
    emit(p, 1 + draw(p, THREADS),
         (struct trace_event){.kind = TRACE_EVENT_FREE, .address = 0x90000000 + draw(p, 1000) * 16});
    p->truth.frees++;
    p->truth.unknown++;
}

/* mmap with and without MAP_FIXED over others, munmap of any range, one that fails: page by page in the truth. */
static void step_map(struct program *p) {
    struct truth *t = &p->truth;
    unsigned thread = 1 + draw(p, THREADS), from = draw(p, MAP_PAGES), count = 1 + draw(p, MAP_PAGES - from);
    struct trace_event event = {
        .address = MAP_BASE + 4096 * (uint64_t)from, .size = 4096 * (uint64_t)count, .stack = 3};
    unsigned what = draw(p, 4);
    event.kind = what < 2 ? TRACE_EVENT_MAP : TRACE_EVENT_UNMAP;
    emit(p, thread, event);
    if (what == 3) {
        event.kind = TRACE_EVENT_UNMAP_FAIL;
        emit(p, thread, event);
        return;
    }
    memset(t->mapped + from, what < 2, count);
}

static uint64_t mapped_bytes(const struct truth *t) {
    uint64_t pages = 0;
    for (unsigned i = 0; i < MAP_PAGES; i++) pages += t->mapped[i];
    return 4096 * pages;
}

static uint64_t pinned_bytes(const struct truth *t) {
    uint64_t pages = 0;
    for (uint64_t page = 0x1000000 / 4096 - 1; page < 0x1000000 / 4096 + (1u << 24); page++) {
        bool pinned = false;
        if (page > 0x1000000 / 4096 + 48 * SLOTS / 4096 + (1u << 24)) break;
        for (unsigned slot = 0; slot < SLOTS && !pinned; slot++)
            pinned = t->live[slot] && t->size[slot] && address_of(slot) / 4096 <= page &&
                     (address_of(slot) + t->size[slot] - 1) / 4096 >= page;
        if (!pinned && page > 0x1000000 / 4096 + 16) break;
        pages += pinned;
    }
    return 4096 * pages;
}

static void program_begin(struct program *p, unsigned seed) {
    *p = (struct program){.seed = seed, .truth.stamp = 1000};
    for (unsigned i = 1; i <= THREADS; i++) p->words[i] = malloc(STREAM * sizeof(uint64_t));
}

static void program_end(struct program *p) {
    for (unsigned i = 1; i <= THREADS; i++) free(p->words[i]);
}

/* Words of whole events, about `share` of the stream: 0 to 8 eighths. */
static size_t event_boundary(const struct program *p, unsigned thread, unsigned share) {
    size_t wanted = p->length[thread] * share / 8, at = 0;
    while (at < wanted) {
        uint64_t word = p->words[thread][at];
        bool short_event = (word & 0xff) == TRACE_EVENT_FREE || (word & 0xff) == TRACE_EVENT_REALLOC_OUT ||
                           (word & 0xff) == TRACE_EVENT_PHASE_BEGIN || (word & 0xff) == TRACE_EVENT_PHASE_END;
        at += short_event ? 2 : word >> 8 & TRACE_EVENT_WIDE ? 4 : 3;
    }
    return at;
}

/* The first part as frames, of which some overlap nothing, the rest in rings. */
static void write_program(struct program *p, unsigned framed, int ordered) {
    struct trace_builder b;
    builder_begin(&b);
    builder_nodes(&b, 1, STACKS, 0x400000);
    for (unsigned thread = 1; thread <= THREADS; thread++) {
        size_t until = event_boundary(p, thread, framed);
        if (until) builder_events(&b, thread, p->words[thread], 0, until, ordered);
        size_t ring = 1;
        while (ring < p->length[thread] - until) ring *= 2;
        builder_ring_slot(&b, thread, p->words[thread], until, p->length[thread], ring < 512 ? 512 : ring, NULL, 0);
    }
    builder_write(&b, path, TRACE_STATE_OPEN);
    builder_end(&b);
}

static const struct analysis *const analyses[] = {&totals_analysis, &sites_analysis, &curve_analysis};
struct outcome {
    struct trace trace;
    struct replay_result result;
    void *selves[3];
};

static void replay_file(struct outcome *o, unsigned workers) {
    struct reader_refusal refusal;
    struct replay_options options = {.workers = workers};
    assert_int_equal(trace_open(&o->trace, path, &refusal), 0);
    assert_int_equal(replay_trace(&o->trace, analyses, o->selves, 3, &options, &o->result), 0);
}

static void outcome_end(struct outcome *o) {
    totals_release(o->selves[0]);
    sites_release(o->selves[1]);
    curve_release(o->selves[2]);
    trace_close(&o->trace);
}

static void check_sites(const struct truth *t, const struct sites *sites) {
    for (uint32_t stack = 1; stack < STACKS; stack++) {
        size_t at = sites_find(sites, stack);
        if (at == SIZE_MAX) {
            assert_int_equal(t->site_allocations[stack], 0);
            continue;
        }
        const struct site_stats *site = sites_get(sites, at);
        assert_int_equal(site->live_bytes, t->site_live[stack]);
        assert_int_equal(site->allocations, t->site_allocations[stack]);
        assert_int_equal(site->live_at_peak, t->site_at_peak[stack]);
    }
}

static uint64_t temporary_of(const struct sites *sites) {
    uint64_t temporary = 0;
    for (size_t i = 0; i < sites_count(sites); i++) temporary += sites_get(sites, i)->temporary;
    return temporary;
}

static void check_heap(const struct truth *t, const struct outcome *o) {
    const struct model_counts *c = &o->result.counts;
    const struct totals *totals = o->selves[0];
    assert_int_equal(c->impossible, 0);
    assert_int_equal(o->result.cut_rings, 0);
    assert_int_equal(c->allocations, t->allocations);
    assert_int_equal(c->frees, t->frees);
    assert_int_equal(c->failed, t->failed);
    assert_int_equal(c->unknown_frees, t->unknown);
    assert_int_equal(c->allocated_bytes, t->bytes);
    assert_int_equal(o->result.end.live_bytes, t->live_bytes);
    assert_int_equal(o->result.end.live_blocks, t->live_blocks);
    assert_int_equal(totals->peak_live_bytes, t->peak);
    check_sites(t, o->selves[1]);
}

/* Everything exact: all events with their stamps, from rings, with and without other threads. */
static void heap_from_rings(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 6; seed++) {
        struct program p;
        struct outcome o;
        program_begin(&p, seed);
        for (int i = 0; i < 20000; i++) draw(&p, 60) ? step_heap(&p) : step_unknown_free(&p);
        write_program(&p, 0, 1);
        replay_file(&o, seed); /* from alone to six threads */
        check_heap(&p.truth, &o);
        assert_int_equal(temporary_of(o.selves[1]), p.truth.temporary);
        outcome_end(&o);
        program_end(&p);
    }
}

/* One thread: its chunks are decoded from columns, pairs inside them need no stamps. */
static void heap_from_frames(void **state) {
    (void)state;
    for (unsigned framed = 0; framed <= 8; framed += 2) {
        struct program p;
        struct outcome o;
        program_begin(&p, 100 + framed);
        for (int i = 0; i < 60000; i++) {
            unsigned slot = draw(&p, SLOTS);
            if (!p.truth.live[slot]) allocate(&p, 1, slot);
            else release(&p, 1, slot);
        }
        for (unsigned thread = 2, slot = 0; thread <= THREADS; slot++)
            if (!p.truth.live[slot]) allocate(&p, thread++, slot);
        write_program(&p, framed, 0);
        replay_file(&o, 2);
        assert_int_equal(o.result.counts.impossible, 0);
        assert_int_equal(o.result.counts.allocations, p.truth.allocations);
        assert_int_equal(o.result.counts.frees, p.truth.frees);
        assert_int_equal(o.result.end.live_bytes, p.truth.live_bytes);
        check_sites(&p.truth, o.selves[1]);
        outcome_end(&o);
        program_end(&p);
    }
}

static void pinned_pages(void **state) {
    (void)state;
    struct program p;
    struct outcome o;
    program_begin(&p, 77);
    for (int i = 0; i < 3000; i++) {
        unsigned slot = draw(&p, SLOTS);
        if (p.truth.live[slot]) {
            release(&p, 1, slot);
            continue;
        }
        emit(&p, 1,
             (struct trace_event){
                 .kind = TRACE_EVENT_ALLOC, .address = address_of(slot), .size = slot % 40, .stack = 1});
        give_birth(&p.truth, slot, 1, slot % 40, 1);
    }
    write_program(&p, 0, 0);
    replay_file(&o, 0);
    assert_int_equal(o.result.end.pinned_bytes, pinned_bytes(&p.truth));
    outcome_end(&o);
    program_end(&p);
}

static void mappings(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= 30; seed++) {
        struct program p;
        struct outcome o;
        program_begin(&p, seed * 991);
        for (int i = 0; i < 400; i++) step_map(&p);
        write_program(&p, 0, 1);
        replay_file(&o, 0);
        assert_int_equal(o.result.end.live_bytes, mapped_bytes(&p.truth));
        assert_int_equal(o.result.counts.mapped_bytes, mapped_bytes(&p.truth));
        assert_int_equal(o.result.end.pinned_bytes, mapped_bytes(&p.truth));
        assert_int_equal(sites_get(o.selves[1], 0)->live_bytes, mapped_bytes(&p.truth));
        assert_int_equal(o.result.counts.mappings - o.result.counts.unmappings, o.result.end.live_blocks);
        outcome_end(&o);
        program_end(&p);
    }
}

struct line { /* of a small scenario */
    unsigned thread;
    struct trace_event event;
};

static void play(struct program *p, const struct line *lines, size_t count, struct outcome *o) {
    program_begin(p, 1);
    for (size_t i = 0; i < count; i++) emit(p, lines[i].thread, lines[i].event);
    write_program(p, 0, 1);
    replay_file(o, 0);
}

#define EVENT(thread, name, where, bytes, trace)                                                                       \
    {                                                                                                                  \
        thread, { .kind = TRACE_EVENT_##name, .address = (where), .size = (bytes), .stack = (trace) }                  \
    }
#define PLAY(p, lines, o) play(p, lines, sizeof(lines) / sizeof *(lines), o)

static void mremap_keeps_the_block(void **state) {
    (void)state;
    const struct line lines[] = {
        EVENT(1, MAP, 0x10000, 0x4000, 1),        EVENT(1, REMAP_OUT, 0x10000, 0x4000, 0),
        EVENT(1, REMAP_IN, 0x80000, 0x9000, 2),   EVENT(1, REMAP_OUT, 0x80000, 0x9000, 0),
        EVENT(1, REMAP_FAIL, 0x80000, 0x9000, 0), EVENT(1, REMAP_OUT, 0x81000, 0x1000, 0),
        EVENT(1, REMAP_IN, 0x20000, 0x2000, 3),
    };
    struct program p;
    struct outcome o;
    PLAY(&p, lines, &o);
    assert_int_equal(o.result.end.live_bytes, 0x8000 + 0x2000);
    assert_int_equal(o.result.counts.mappings, 2);
    assert_int_equal(o.result.end.live_blocks, 2);
    assert_int_equal(sites_get(o.selves[1], sites_find(o.selves[1], 1))->live_bytes, 0);
    assert_int_equal(sites_get(o.selves[1], sites_find(o.selves[1], 2))->live_bytes, 0x8000);
    outcome_end(&o);
    program_end(&p);
}

static void heap_in_mapping_counts_once(void **state) {
    (void)state;
    struct line lines[] = {
        EVENT(1, MAP, 0x100000, 0x10000, 1), EVENT(2, ALLOC, 0x100100, 100, 2), EVENT(2, ALLOC, 0x200000, 50, 2),
        EVENT(1, MAP, 0x300000, 0x10000, 1), EVENT(2, ALLOC, 0x300010, 7, 2),   EVENT(1, UNMAP, 0x300000, 0x10000, 0),
    };
    lines[3].event.flags = TRACE_EVENT_INTERNAL;
    struct program p;
    struct outcome o;
    PLAY(&p, lines, &o);
    assert_int_equal(o.result.end.live_bytes, 157);
    assert_int_equal(o.result.counts.mapped_bytes, 0);
    assert_int_equal(o.result.counts.mappings, 1);
    outcome_end(&o);
    program_end(&p);
}

static void program_break(void **state) {
    (void)state;
    const struct line lines[] = {
        EVENT(1, BREAK, 0x601000, 0x1000, 1),
        EVENT(1, BREAK, 0x605000, 0x4000, 2),
        EVENT(1, BREAK, 0x602000, (uint64_t)-0x3000, 3),
    };
    struct program p;
    struct outcome o;
    PLAY(&p, lines, &o);
    assert_int_equal(o.result.end.live_bytes, 0x2000);
    assert_int_equal(sites_get(o.selves[1], sites_find(o.selves[1], 2))->live_bytes, 0x1000);
    outcome_end(&o);
    program_end(&p);
}

static void impossible_events(void **state) {
    (void)state;
    const struct line lines[] = {
        EVENT(1, ALLOC, 0x1000, 10, 1),      EVENT(2, ALLOC, 0x1000, 20, 2),     /* the address is taken */
        EVENT(1, FREE, 0x5000, 0, 0),        EVENT(1, REALLOC_IN, 0x2000, 5, 1), /* no realloc-out before it */
        EVENT(1, REALLOC_OUT, 0x7000, 0, 0), EVENT(1, REALLOC_IN, 0x7000, 9, 1), /* of unknown birth: possible */
    };
    struct program p;
    struct outcome o;
    PLAY(&p, lines, &o);
    assert_int_equal(o.result.counts.impossible, 2);
    assert_int_equal(o.result.counts.unknown_frees, 2);
    assert_int_equal(o.result.end.live_bytes, 20 + 5 + 9);
    outcome_end(&o);
    program_end(&p);
}

/* Five reallocs that signal handlers left by siglongjmp: no event says what became of their blocks. */
static void abandoned_reallocs(void **state) {
    (void)state;
    const struct line lines[] = {
        EVENT(1, ALLOC, 0x1000, 1, 1),       EVENT(1, ALLOC, 0x2000, 2, 1),       EVENT(1, ALLOC, 0x3000, 4, 1),
        EVENT(1, ALLOC, 0x4000, 8, 1),       EVENT(1, ALLOC, 0x5000, 16, 1),      EVENT(1, REALLOC_OUT, 0x1000, 0, 0),
        EVENT(1, REALLOC_OUT, 0x2000, 0, 0), EVENT(1, REALLOC_OUT, 0x3000, 0, 0), EVENT(1, REALLOC_OUT, 0x4000, 0, 0),
        EVENT(1, REALLOC_OUT, 0x5000, 0, 0),                               /* one more than can be nested */
        EVENT(1, ALLOC, 0x1000, 32, 2),      EVENT(1, FREE, 0x1000, 0, 0), /* the address was given anew */
    };
    struct program p;
    struct outcome o;
    PLAY(&p, lines, &o);
    assert_int_equal(o.result.counts.impossible, 0);
    assert_int_equal(o.result.counts.frees, 1);
    assert_int_equal(o.result.end.live_bytes, 2 + 4 + 8 + 16);
    outcome_end(&o);
    program_end(&p);
}

/* A free and an alloc of one address with equal stamps in two threads: the free comes first. */
static void equal_stamps(void **state) {
    (void)state;
    struct trace_builder b;
    struct outcome o;
    uint64_t words[2][16];
    size_t count[2] = {0, 0};
    struct trace_event first = {.kind = TRACE_EVENT_ALLOC, .stamp = 10, .address = 0x1000, .size = 1, .stack = 1};
    struct trace_event end = {.kind = TRACE_EVENT_FREE, .stamp = 20, .address = 0x1000};
    struct trace_event again = {.kind = TRACE_EVENT_ALLOC, .stamp = 20, .address = 0x1000, .size = 2, .stack = 2};
    count[1] += event_words(words[1], &first);
    count[1] += event_words(words[1] + count[1], &end);
    count[0] += event_words(words[0], &again);
    builder_begin(&b);
    builder_ring_slot(&b, 1, words[0], 0, count[0], 512, NULL, 0);
    builder_ring_slot(&b, 2, words[1], 0, count[1], 512, NULL, 0);
    builder_write(&b, path, TRACE_STATE_OPEN);
    replay_file(&o, 0);
    assert_int_equal(o.result.counts.impossible, 0);
    assert_int_equal(o.result.end.live_bytes, 2);
    outcome_end(&o);
    builder_end(&b);
}

/* The curve keeps the extremes however often its intervals were joined. */
static void curve_keeps_extremes(void **state) {
    (void)state;
    struct program p;
    struct outcome o;
    program_begin(&p, 5);
    for (int i = 0; i < 30000; i++) {
        p.truth.stamp += 5000;
        step_heap(&p);
    }
    write_program(&p, 0, 1);
    replay_file(&o, 1);
    const struct curve *curve = o.selves[2];
    uint64_t highest = 0;
    assert_true(curve->count > CURVE_POINTS / 4 && curve->count <= CURVE_POINTS);
    for (size_t i = 0; i < curve->count; i++) {
        const struct curve_point *point = &curve->points[i];
        assert_true(point->live_min <= point->live_last && point->live_last <= point->live_max);
        assert_true(point->ns >= i * curve->width && point->ns < (i + 1) * curve->width);
        if (point->live_max > highest) highest = point->live_max;
    }
    assert_int_equal(highest, p.truth.peak);
    assert_int_equal(curve->points[curve->count - 1].live_last, p.truth.live_bytes);
    outcome_end(&o);
    program_end(&p);
}

static int begin(void **state) {
    (void)state;
    snprintf(path, sizeof path, "/tmp/test_replay.%d.tmk", (int)getpid());
    return 0;
}

static int end(void **state) {
    (void)state;
    unlink(path);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heap_from_rings),        cmocka_unit_test(heap_from_frames),
        cmocka_unit_test(pinned_pages),           cmocka_unit_test(mappings),
        cmocka_unit_test(mremap_keeps_the_block), cmocka_unit_test(heap_in_mapping_counts_once),
        cmocka_unit_test(program_break),          cmocka_unit_test(impossible_events),
        cmocka_unit_test(abandoned_reallocs),     cmocka_unit_test(equal_stamps),
        cmocka_unit_test(curve_keeps_extremes),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
