/* links: tests/unit/trace_builder.c analyzer/input/reader.c analyzer/input/bundle.c analyzer/input/recover.c analyzer/input/records.c analyzer/input/tables.c analyzer/input/ids.c analyzer/input/nodes.c analyzer/input/trace.c analyzer/input/decode.c analyzer/input/decode_plain.c analyzer/input/inflate.c analyzer/replay/clock.c analyzer/replay/crew.c analyzer/replay/heap.c analyzer/replay/landscape.c analyzer/replay/mappings.c analyzer/replay/model.c analyzer/replay/model_maps.c analyzer/replay/model_control.c analyzer/replay/operations.c analyzer/replay/pages.c analyzer/replay/prefetch.c analyzer/replay/replay.c analyzer/replay/schedule.c analyzer/replay/teller.c analyzer/analysis/histogram.c analyzer/analysis/ages.c analyzer/analysis/sites.c analyzer/analysis/slices.c analyzer/analysis/totals.c analyzer/analysis/residency.c analyzer/analysis/look_areas.c analyzer/analysis/mapping_kinds.c analyzer/analysis/stack_shares.c analyzer/analysis/heap_trim.c analyzer/analysis/heap_pins.c analyzer/analysis/page_shares.c analyzer/analysis/curve.c analyzer/analysis/phases.c analyzer/analysis/phase_record.c analyzer/analysis/open_ops.c analyzer/analysis/phase_paths.c analyzer/analysis/phase_sets.c analyzer/analysis/phase_names.c analyzer/analysis/spread.c analyzer/analysis/drift.c preload/columns.c preload/words.c analyzer/text/utf8.c analyzer/text/printable.c libs: -lz -ldeflate flags: -pthread */
/*
 * The replay against a brute-force account of the same program: a generator plays threads that allocate, move, free and
 * map, keeps the true state in plain arrays, and writes the events as rings and frames; the replay must find the same.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/analysis/curve.h"
#include "../../analyzer/analysis/phases.h"
#include "../../analyzer/analysis/residency.h"
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

/* Phases, by hand: two rounds of "work" with a nested "part", a gap, operations, items, samples and requests. */
static void phases(void **state) {
    (void)state;
    static const struct analysis *const with_phases[] = {&phases_analysis};
    enum { WORK = 1, PART, OP, ASYNC };
    struct record_text text;
    struct trace_builder b;
    struct trace trace;
    struct reader_refusal refusal;
    struct replay_options options = {0};
    struct replay_result result;
    struct phases *found;
    uint64_t words[400];
    size_t count = 0;
    const struct trace_event events[] = {
        {.stamp = 1010, .kind = TRACE_EVENT_ALLOC, .address = 0x10, .size = 1000, .stack = 1},
        {.stamp = 1100, .kind = TRACE_EVENT_PHASE_BEGIN, .address = WORK},
        {.stamp = 1110, .kind = TRACE_EVENT_ALLOC, .address = 0x20, .size = 50, .stack = 1},
        {.stamp = 1120, .kind = TRACE_EVENT_PHASE_BEGIN, .address = PART},
        {.stamp = 1130, .kind = TRACE_EVENT_ALLOC, .address = 0x30, .size = 7, .stack = 1},
        {.stamp = 1140, .kind = TRACE_EVENT_ITEMS, .size = 5},
        {.stamp = 1150, .kind = TRACE_EVENT_PHASE_END, .address = PART},
        {.stamp = 1160, .kind = TRACE_EVENT_ITEMS, .size = 3},
        {.stamp = 1165, .kind = TRACE_EVENT_FREE, .address = 0x10},
        {.stamp = 1170, .kind = TRACE_EVENT_OP_BEGIN, .address = OP},
        {.stamp = 1180, .kind = TRACE_EVENT_OP_START, .address = ASYNC, .size = 9},
        {.stamp = 1190, .kind = TRACE_EVENT_OP_END, .address = OP, .size = 1},
        {.stamp = 1200, .kind = TRACE_EVENT_PHASE_END, .address = WORK},
        {.stamp = 1250, .kind = TRACE_EVENT_ALLOC, .address = 0x40, .size = 11, .stack = 1},
        {.stamp = 1300, .kind = TRACE_EVENT_PHASE_BEGIN, .address = WORK},
        {.stamp = 1310, .kind = TRACE_EVENT_FREE, .address = 0x20},
        {.stamp = 1320, .kind = TRACE_EVENT_OP_FINISH, .address = 2, .size = 9},
        {.stamp = 1330, .kind = TRACE_EVENT_PHASE_END, .address = WORK},
        {.stamp = 1340, .kind = TRACE_EVENT_PHASE_END, .address = WORK}, /* without a begin */
    };
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) count += event_words(words + count, &events[i]);
    record_begin(&text);
    record_put(&text, TRACE_RECORD_CLOCK, "nnnn", (uint64_t)1000, (uint64_t)0, (uint64_t)0, (uint64_t)0);
    record_put(&text, TRACE_RECORD_CLOCK, "nnnn", (uint64_t)2000, (uint64_t)10000, (uint64_t)0, (uint64_t)0);
    record_put(&text, TRACE_RECORD_STRING, "ns", (uint64_t)WORK, "work");
    record_put(&text, TRACE_RECORD_STRING, "ns", (uint64_t)PART, "part");
    record_put(&text, TRACE_RECORD_STRING, "ns", (uint64_t)OP, "op");
    record_put(&text, TRACE_RECORD_STRING, "ns", (uint64_t)ASYNC, "async");
    record_put(&text, TRACE_RECORD_REQUEST, "nnns", (uint64_t)1400, (uint64_t)TRACE_COMMAND_MARK, (uint64_t)0, "done");
    const uint64_t samples[][3] = {{1050, 5000, 0}, {1101, 6000, 1}, {1145, 9000, 0}, {1201, 7000, 1}};
    for (size_t i = 0; i < 4; i++)
        record_put(&text, TRACE_RECORD_MEMORY, "nnnnnnnnn", samples[i][0], (uint64_t)0, samples[i][1], (uint64_t)0,
                   (uint64_t)100, (uint64_t)0, (uint64_t)1, (uint64_t)1, samples[i][2]);
    builder_begin(&b);
    builder_records(&b, &text);
    builder_ring_slot(&b, 1, words, 0, count, 512, NULL, 0);
    builder_write(&b, path, TRACE_STATE_OPEN);
    assert_int_equal(trace_open(&trace, path, &refusal), 0);
    assert_int_equal(replay_trace(&trace, with_phases, (void **)&found, 1, &options, &result), 0);

    assert_int_equal(phases_count(found), 4);
    const struct phase *run = phases_get(found, 0), *work = phases_get(found, 1), *part = phases_get(found, 2),
                       *between = phases_get(found, 3);
    assert_string_equal(work->name, "work");
    assert_int_equal(work->rounds, 2);
    assert_int_equal(work->parent, 0);
    assert_int_equal(work->duration_ns, 1000 + 300);
    assert_int_equal(work->items, 3);
    assert_int_equal(work->first.live_bytes, 1000);
    assert_int_equal(work->last.live_bytes, 7 + 11);
    assert_int_equal(work->live_peak, 1057);
    assert_int_equal(work->allocations, 2);
    assert_int_equal(work->retained_bytes, 7); /* 50 + 7 at the end of the first round, 50 of it freed in the second */
    assert_int_equal(work->first.rss, 5900);   /* the sample of the edge itself, less the recorder's pages */
    assert_int_equal(work->rss_peak, 8900);
    assert_int_equal(work->overhead_bytes, 3000);
    assert_int_equal(work->kept[0].end.rss, 6900);
    assert_int_equal(work->op_count, 2);
    assert_string_equal(work->ops[0].name, "op");
    assert_int_equal(work->ops[0].failed, 1);
    assert_int_equal(work->ops[0].ns.histogram.max, 200);
    assert_int_equal(work->ops[1].rejected, 1);
    assert_int_equal(work->ops[1].ns.histogram.max, 1400);
    assert_int_equal(work->ops[1].peak_in_flight, 1);
    assert_int_equal(run->op_count, 2);
    assert_string_equal(part->name, "part");
    assert_int_equal(part->parent, 1);
    assert_int_equal(part->items, 5);
    assert_int_equal(part->retained_bytes, 7);
    assert_string_equal(between->name, "between work");
    assert_int_equal(between->rounds, 1);
    assert_int_equal(between->duration_ns, 1000);
    assert_int_equal(between->retained_bytes, 11);
    assert_int_equal(run->rounds, 1);
    assert_int_equal(run->retained_bytes, 18);
    assert_int_equal(phases_anomalies(found), 1);
    const struct phase_mark *marks;
    assert_int_equal(phases_marks(found, &marks), 1);
    assert_string_equal(marks[0].name, "done");
    assert_int_equal(marks[0].ns, 4000);
    phases_release(found);
    trace_close(&trace);
    builder_end(&b);
}

/* Replays these events and samples with the phases analysis alone; strings 1 to 4 are a, b, op and bytes. */
static struct phases *phases_of(const struct trace_event *events, size_t event_count, const uint64_t (*samples)[3],
                                size_t sample_count) {
    static const struct analysis *const with_phases[] = {&phases_analysis};
    static const char *const names[] = {"a", "b", "op", "bytes"};
    struct record_text text;
    struct trace_builder b;
    struct trace trace;
    struct reader_refusal refusal;
    struct replay_options options = {0};
    struct replay_result result;
    struct phases *found;
    uint64_t words[1000];
    size_t count = 0;
    for (size_t i = 0; i < event_count; i++) count += event_words(words + count, &events[i]);
    record_begin(&text);
    record_put(&text, TRACE_RECORD_CLOCK, "nnnn", (uint64_t)1000, (uint64_t)0, (uint64_t)0, (uint64_t)0);
    record_put(&text, TRACE_RECORD_CLOCK, "nnnn", (uint64_t)2000, (uint64_t)10000, (uint64_t)0, (uint64_t)0);
    for (size_t i = 0; i < 4; i++) record_put(&text, TRACE_RECORD_STRING, "ns", (uint64_t)i + 1, names[i]);
    for (size_t i = 0; i < sample_count; i++)
        record_put(&text, TRACE_RECORD_MEMORY, "nnnnnnnnn", samples[i][0], (uint64_t)0, samples[i][1], (uint64_t)0,
                   (uint64_t)0, (uint64_t)0, (uint64_t)1, (uint64_t)1, samples[i][2]);
    builder_begin(&b);
    builder_records(&b, &text);
    builder_ring_slot(&b, 1, words, 0, count, 1024, NULL, 0);
    builder_write(&b, path, TRACE_STATE_OPEN);
    assert_int_equal(trace_open(&trace, path, &refusal), 0);
    assert_int_equal(replay_trace(&trace, with_phases, (void **)&found, 1, &options, &result), 0);
    trace_close(&trace);
    builder_end(&b);
    return found;
}

enum { A = 1, B, OPERATION, BYTES };

/* b runs inside a, later alone: its second operation is none of a's. Units are kept apart from items. */
static void work_counts_for_the_phases_around(void **state) {
    (void)state;
    const struct trace_event events[] = {
        {.stamp = 1100, .kind = TRACE_EVENT_PHASE_BEGIN, .address = A},
        {.stamp = 1110, .kind = TRACE_EVENT_PHASE_BEGIN, .address = B},
        {.stamp = 1120, .kind = TRACE_EVENT_OP_BEGIN, .address = OPERATION},
        {.stamp = 1130, .kind = TRACE_EVENT_OP_END, .address = OPERATION},
        {.stamp = 1135, .kind = TRACE_EVENT_ITEMS, .size = 2},
        {.stamp = 1136, .kind = TRACE_EVENT_ITEMS, .address = BYTES, .size = 700},
        {.stamp = 1137, .kind = TRACE_EVENT_ITEMS, .address = BYTES, .size = 50},
        {.stamp = 1140, .kind = TRACE_EVENT_PHASE_END, .address = B},
        {.stamp = 1150, .kind = TRACE_EVENT_PHASE_END, .address = A},
        {.stamp = 1160, .kind = TRACE_EVENT_PHASE_BEGIN, .address = B},
        {.stamp = 1170, .kind = TRACE_EVENT_OP_BEGIN, .address = OPERATION},
        {.stamp = 1180, .kind = TRACE_EVENT_OP_END, .address = OPERATION},
        {.stamp = 1190, .kind = TRACE_EVENT_PHASE_END, .address = B},
        {.stamp = 1200, .kind = TRACE_EVENT_PHASE_BEGIN, .address = B},
        {.stamp = 1210, .kind = TRACE_EVENT_PHASE_BEGIN, .address = B}, /* inside itself */
        {.stamp = 1220, .kind = TRACE_EVENT_OP_BEGIN, .address = OPERATION},
        {.stamp = 1230, .kind = TRACE_EVENT_OP_END, .address = OPERATION},
        {.stamp = 1240, .kind = TRACE_EVENT_PHASE_END, .address = B},
        {.stamp = 1250, .kind = TRACE_EVENT_PHASE_END, .address = B},
    };
    struct phases *found = phases_of(events, sizeof events / sizeof *events, NULL, 0);
    const struct phase *run = phases_get(found, 0), *a = phases_get(found, 1), *b = phases_get(found, 2);
    assert_int_equal(run->ops[0].count, 3);
    assert_int_equal(a->ops[0].count, 1);
    assert_int_equal(b->ops[0].count, 3);
    assert_int_equal(b->ops[0].peak_in_flight, 1);
    assert_int_equal(b->items, 2);
    assert_int_equal(b->unit_count, 1);
    assert_string_equal(b->units[0].name, "bytes");
    assert_int_equal(b->units[0].count, 750);
    assert_int_equal(a->unit_count, 0);
    phases_release(found);
}

/* What one round hands to the next is no growth; what both leave behind is. */
static void retained_at_the_end_of_the_phase(void **state) {
    (void)state;
    const struct trace_event events[] = {
        {.stamp = 1100, .kind = TRACE_EVENT_PHASE_BEGIN, .address = A},
        {.stamp = 1110, .kind = TRACE_EVENT_ALLOC, .address = 0x10, .size = 1000, .stack = 1},
        {.stamp = 1120, .kind = TRACE_EVENT_PHASE_END, .address = A},
        {.stamp = 1130, .kind = TRACE_EVENT_ALLOC, .address = 0x20, .size = 300, .stack = 1},
        {.stamp = 1140, .kind = TRACE_EVENT_PHASE_BEGIN, .address = A},
        {.stamp = 1150, .kind = TRACE_EVENT_FREE, .address = 0x10},
        {.stamp = 1160, .kind = TRACE_EVENT_PHASE_BEGIN, .address = B},
        {.stamp = 1170, .kind = TRACE_EVENT_ALLOC, .address = 0x30, .size = 1000, .stack = 1},
        {.stamp = 1175, .kind = TRACE_EVENT_ALLOC, .address = 0x40, .size = 20, .stack = 1},
        {.stamp = 1180, .kind = TRACE_EVENT_PHASE_END, .address = B},
        {.stamp = 1190, .kind = TRACE_EVENT_PHASE_END, .address = A},
        {.stamp = 1200, .kind = TRACE_EVENT_FREE, .address = 0x30},
    };
    struct phases *found = phases_of(events, sizeof events / sizeof *events, NULL, 0);
    assert_int_equal(phases_get(found, 1)->retained_bytes, 1020); /* a */
    assert_string_equal(phases_get(found, 2)->name, "between a");
    assert_int_equal(phases_get(found, 2)->retained_bytes, 300);
    assert_int_equal(phases_get(found, 3)->retained_bytes, 1020); /* b */
    assert_int_equal(phases_get(found, 0)->retained_bytes, 320);
    phases_release(found);
}

/* The sample of an edge comes after it; the highest RSS is never below that of the end. So is it between rounds. */
static void peaks_cover_the_ends(void **state) {
    (void)state;
    const struct trace_event events[] = {
        {.stamp = 1100, .kind = TRACE_EVENT_PHASE_BEGIN, .address = A},
        {.stamp = 1200, .kind = TRACE_EVENT_PHASE_END, .address = A},
        {.stamp = 1250, .kind = TRACE_EVENT_ALLOC, .address = 0x10, .size = 5000, .stack = 1},
        {.stamp = 1260, .kind = TRACE_EVENT_FREE, .address = 0x10},
        {.stamp = 1300, .kind = TRACE_EVENT_PHASE_BEGIN, .address = A},
        {.stamp = 1400, .kind = TRACE_EVENT_PHASE_END, .address = A},
    };
    static const uint64_t samples[][3] = {
        {1101, 5000, 1}, {1201, 7000, 1}, {1255, 9000, 0}, {1301, 6000, 1}, {1401, 6500, 1}};
    struct phases *found = phases_of(events, sizeof events / sizeof *events, samples, 5);
    const struct phase *a = phases_get(found, 1), *between = phases_get(found, 2);
    assert_int_equal(a->rss_peak, 7000);
    assert_int_equal(a->overhead_bytes, 2000);
    assert_int_equal(a->last.rss, 6500);
    assert_int_equal(between->rss_peak, 9000);
    assert_int_equal(between->live_peak, 5000);
    assert_int_equal(between->overhead_bytes, 2000);
    phases_release(found);
}

static double median_of_third(const struct drift *drift, bool last) {
    double means[DRIFT_BINS / 3];
    size_t count = drift_third(drift, last, means);
    for (size_t i = 0; i < count; i++) /* a rank statistic, without a sort */
        for (size_t j = i + 1; j < count; j++)
            if (means[j] < means[i]) {
                double swapped = means[i];
                means[i] = means[j];
                means[j] = swapped;
            }
    return count ? (means[(count - 1) / 2] + means[count / 2]) / 2 : NAN;
}

/* Of a ramp from 1 to n: the middle of the first third is n / 6, of the last 5 n / 6, however many values there are. */
static void drift_of_a_ramp(void **state) {
    (void)state;
    static const size_t counts[] = {3, 9, 90, 192, 193, 1000, 100000};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct drift drift = {.width = 0};
        double n = (double)counts[c];
        for (size_t i = 1; i <= counts[c]; i++) assert_int_equal(drift_add(&drift, (double)i), 0);
        double low = median_of_third(&drift, false), high = median_of_third(&drift, true);
        assert_true(fabs(low - n / 6) <= 1 + 0.02 * n);
        assert_true(fabs(high - 5 * n / 6) <= 1 + 0.02 * n);
        drift_release(&drift);
    }
    struct drift few = {.width = 0};
    drift_add(&few, 1);
    drift_add(&few, 2);
    assert_int_equal(drift_third(&few, false, (double[DRIFT_BINS / 3]){0}), 0);
    drift_release(&few);
}

static void histogram_quantiles(void **state) {
    (void)state;
    struct histogram h = {.bits = 5};
    for (uint64_t v = 1; v <= 100000; v++) assert_int_equal(histogram_add(&h, v * 1000), 0);
    for (double share = 0.01; share < 1; share += 0.01)
        assert_true(histogram_at(&h, share) > share * 1e8 * 0.98 && histogram_at(&h, share) < share * 1e8 * 1.02);
    assert_int_equal((uint64_t)histogram_at(&h, 1), 100000000);
    histogram_release(&h);
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

/* Residency. */

enum { R = TRACE_MAP_READ, W = TRACE_MAP_WRITE, X = TRACE_MAP_EXECUTE, OWN = TRACE_MAP_OWN, GONE = TRACE_MAP_GONE };

static void add_map(struct record_text *text, uint64_t start, uint64_t pages, uint64_t flags, const char *name) {
    record_put(text, TRACE_RECORD_MAPPING, "nnnnns", (uint64_t)1, (uint64_t)1, start, pages * 4096, flags, name);
}
static void add_pages(struct record_text *text, uint64_t first, uint64_t absent, uint64_t present) {
    record_put(text, TRACE_RECORD_RESIDENCY, "nnnnn", (uint64_t)1, first, (uint64_t)4096, absent, present);
}
static void end_look(struct record_text *text, uint64_t stamp, uint64_t rss) {
    record_put(text, TRACE_RECORD_MEMORY, "nnnnnnnnn", stamp, (uint64_t)0, rss, (uint64_t)0, (uint64_t)0, (uint64_t)0,
               (uint64_t)1, (uint64_t)1, (uint64_t)TRACE_MEMORY_LOOK);
}

/* Two looks at a process whose pages were shared out by hand, see the comments. */
static void residency_of_a_small_process(struct record_text *text) {
    record_begin(text);
    add_map(text, 0, 1u << 30, GONE, "");
    add_map(text, 0x10000, 8, R | W, "[heap]");
    add_pages(text, 0x10000, 0, 6);
    add_map(text, 0x20000, 2, R | X, "/lib/x.so");
    add_pages(text, 0x20000, 0, 2);
    add_map(text, 0x22000, 1, R | W, "/lib/x.so");
    add_pages(text, 0x22000, 0, 1);
    add_map(text, 0x23000, 2, R | W, ""); /* its uninitialised data */
    add_pages(text, 0x23000, 1, 1);
    add_map(text, 0x30000, 1, 0, ""); /* guard of a stack */
    add_map(text, 0x31000, 4, R | W, "");
    add_pages(text, 0x31000, 2, 2);
    add_map(text, 0x40000, 3, R | W, "");
    add_map(text, 0x41000, 1, R | W | OWN, ""); /* splits the one before */
    add_pages(text, 0x40000, 0, 3);
    add_map(text, 0x7fff000, 1, 0, ""); /* guard of a stack that begins where an arena would */
    add_map(text, 0x8000000, 4, R | W, "");
    add_pages(text, 0x8000000, 3, 1);
    end_look(text, 1100, 18 * 4096);
    add_map(text, 0x40000, 1, GONE, "");
    add_pages(text, 0x12000, 1, 0);
    end_look(text, 1200, 15 * 4096);
}

static const struct analysis *const with_residency[] = {&residency_analysis};

static void pages_are_shared_out(void **state) {
    (void)state;
    static struct record_text text;
    struct trace_builder b;
    struct trace trace;
    struct reader_refusal refusal;
    struct replay_options options = {0};
    struct replay_result result;
    struct residency *found;
    uint64_t words[40];
    size_t count = 0;
    const struct trace_event events[] = {
        {.stamp = 1010, .kind = TRACE_EVENT_ALLOC, .address = 0x10010, .size = 1000, .stack = 1},
        {.stamp = 1011, .kind = TRACE_EVENT_ALLOC, .address = 0x10400, .size = 3000, .stack = 2},
        {.stamp = 1012, .kind = TRACE_EVENT_ALLOC, .address = 0x11800, .size = 8192, .stack = 1},
        {.stamp = 1013, .kind = TRACE_EVENT_ALLOC, .address = 0x13900, .size = 512, .stack = 3},
        {.stamp = 1014, .kind = TRACE_EVENT_ALLOC, .address = 0x15ff0, .size = 32, .stack = 3},
        {.stamp = 1150, .kind = TRACE_EVENT_FREE, .address = 0x10400},
        {.stamp = 1300, .kind = TRACE_EVENT_MARK},
    };
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) count += event_words(words + count, &events[i]);
    residency_of_a_small_process(&text);
    builder_begin(&b);
    builder_records(&b, &text);
    builder_ring_slot(&b, 1, words, 0, count, 64, NULL, 0);
    builder_write(&b, path, TRACE_STATE_OPEN);
    assert_int_equal(trace_open(&trace, path, &refusal), 0);
    assert_int_equal(replay_trace(&trace, with_residency, (void **)&found, 1, &options, &result), 0);

    assert_int_equal(found->look_count, 2);
    const struct residency_look *first = &found->looks[0], *last = &found->looks[1];
    assert_int_equal(residency_sum(first), 16 * 4096);
    assert_int_equal(first->parts[RESIDENCY_SITES], 5 * 4096);
    assert_int_equal(first->parts[RESIDENCY_FREE], 4096); /* 0x14000 */
    assert_int_equal(first->trim, 4096);
    assert_int_equal(first->parts[RESIDENCY_CODE], 2 * 4096);
    assert_int_equal(first->parts[RESIDENCY_FILES], 2 * 4096);
    assert_int_equal(first->parts[RESIDENCY_STACKS], 3 * 4096);
    assert_int_equal(first->parts[RESIDENCY_RECORDER], 4096);
    assert_int_equal(first->parts[RESIDENCY_OTHER], 2 * 4096);
    assert_int_equal(first->untouched, 16); /* the second half of the last block, on a page that is absent */
    assert_int_equal(first->slack, 5 * 4096 - (1000 + 3000 + 8192 + 512 + 16));

    /* At the first look: page 0x10 is 1000 : 3000, page 0x13 is 2048 : 512, the others have one block each. */
    const struct residency_share *one = residency_of(found, 1), *two = residency_of(found, 2),
                                 *three = residency_of(found, 3);
    assert_int_equal(found->peak, 0);
    assert_int_equal(one->peak, 1024 + 4096 + 4096 + 3276);
    assert_int_equal(two->peak, 3072);
    assert_int_equal(three->peak, 820 + 4096);

    /* At the last one the second block is gone, and so is the page in the middle of the third. */
    assert_int_equal(last->parts[RESIDENCY_SITES], 4 * 4096);
    assert_int_equal(last->parts[RESIDENCY_OTHER], 4096);
    assert_int_equal(residency_sum(last), 14 * 4096);
    assert_int_equal(last->untouched, 16 + 4096);
    assert_int_equal(one->last, 4096 + 4096 + 3276);
    assert_int_equal(two->last, 0);
    assert_int_equal(one->alone, 2 * 4096);
    assert_int_equal(one->wasted, 4096 - 1000 + 4096 - 2048);
    assert_int_equal(three->wasted, 4096 - 16);
    assert_true(isnan(residency_explained(found))); /* it did not grow */
    assert_null(residency_of(found, 4));
    assert_int_equal(found->pin_count, 1);
    assert_int_equal(found->pins[0].address, 0x15ff0);
    assert_int_equal(found->pins[0].free_below, 4096);
    assert_int_equal(found->pins[0].blocks_above, 0);
    assert_int_equal(found->file_count, 1);
    assert_string_equal(found->files[0].name, "/lib/x.so");
    assert_int_equal(found->files[0].code, 2 * 4096);
    assert_int_equal(found->files[0].data, 2 * 4096);

    residency_release(found);
    trace_close(&trace);
    builder_end(&b);
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_shared_out),
        cmocka_unit_test(heap_from_rings),
        cmocka_unit_test(heap_from_frames),
        cmocka_unit_test(pinned_pages),
        cmocka_unit_test(mappings),
        cmocka_unit_test(mremap_keeps_the_block),
        cmocka_unit_test(heap_in_mapping_counts_once),
        cmocka_unit_test(program_break),
        cmocka_unit_test(impossible_events),
        cmocka_unit_test(abandoned_reallocs),
        cmocka_unit_test(equal_stamps),
        cmocka_unit_test(phases),
        cmocka_unit_test(work_counts_for_the_phases_around),
        cmocka_unit_test(retained_at_the_end_of_the_phase),
        cmocka_unit_test(peaks_cover_the_ends),
        cmocka_unit_test(drift_of_a_ramp),
        cmocka_unit_test(histogram_quantiles),
        cmocka_unit_test(curve_keeps_extremes),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
