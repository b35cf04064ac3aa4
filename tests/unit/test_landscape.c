/*
 * Mappings and resident pages against a plain account of every page: random records, in and out of order, overlapping,
 * splitting, some with lengths that no address space has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/replay/landscape.h"

enum { PAGE = 4096, PAGES = 200, ROUNDS = 20000 };

static unsigned seed = 7;
static unsigned draw(unsigned below) {
    seed = seed * 1664525u + 1013904223u;
    return (unsigned)((uint64_t)(seed >> 4) * below >> 28);
}

struct truth {
    bool mapped[PAGES], resident[PAGES];
    unsigned flags[PAGES];
};

static void feed(struct landscape *landscape, enum trace_record_kind kind, const uint8_t *body, size_t length) {
    struct record record = {.kind = kind, .body = wire_reader(body, length)};
    assert_int_equal(landscape_read(landscape, &record), 0);
}

/* Two ranges in one record, the second behind the first. */
static void map_some(struct landscape *landscape, struct truth *truth) {
    uint8_t body[200];
    struct wire_writer w = wire_writer(body, sizeof body);
    unsigned at = 0;
    wire_put_varint(&w, 1);
    wire_put_varint(&w, 2);
    for (int i = 0; i < 2; i++) {
        unsigned gap = draw(60), length = draw(40), flags = draw(5) ? draw(16) : TRACE_MAP_GONE;
        wire_put_varint(&w, (uint64_t)gap * PAGE);
        wire_put_varint(&w, (uint64_t)length * PAGE);
        wire_put_varint(&w, flags);
        wire_put_string(&w, "name", 4);
        at += gap;
        for (unsigned end = at + length; at < end; at++) {
            truth->mapped[at] = flags != TRACE_MAP_GONE;
            truth->resident[at] = false;
            truth->flags[at] = flags;
        }
    }
    feed(landscape, TRACE_RECORD_MAPPING, body, (size_t)(w.at - body));
}

static void fill_some(struct landscape *landscape, struct truth *truth) {
    uint8_t body[200];
    struct wire_writer w = wire_writer(body, sizeof body);
    unsigned at = draw(150), runs = draw(8);
    wire_put_varint(&w, 1);
    wire_put_varint(&w, (uint64_t)at * PAGE);
    wire_put_varint(&w, PAGE);
    for (unsigned i = 0; i < runs; i++) {
        unsigned length = draw(7);
        wire_put_varint(&w, length);
        for (unsigned end = at + length; at < end; at++) truth->resident[at] = truth->mapped[at] && i % 2;
    }
    feed(landscape, TRACE_RECORD_RESIDENCY, body, (size_t)(w.at - body));
}

static void check(const struct landscape *landscape, const struct truth *truth) {
    struct truth found = {0};
    uint64_t end = 0;
    for (size_t i = 0; i < landscape->count; i++) {
        const struct look_map *map = &landscape->maps[i];
        assert_true(map->start >= end && map->start < map->end);
        uint64_t run_end = map->start;
        for (uint64_t page = map->start / PAGE; page < map->end / PAGE; page++) {
            found.mapped[page] = true;
            found.flags[page] = map->flags;
        }
        for (size_t j = 0; j < map->run_count; j++) {
            assert_true(map->runs[j].start >= run_end && map->runs[j].start < map->runs[j].end);
            run_end = map->runs[j].end;
            for (uint64_t page = map->runs[j].start / PAGE; page < run_end / PAGE; page++) found.resident[page] = true;
        }
        assert_true(run_end <= map->end);
        end = map->end;
    }
    for (unsigned page = 0; page < PAGES; page++) {
        assert_int_equal(found.mapped[page], truth->mapped[page]);
        assert_int_equal(found.resident[page], truth->resident[page]);
        if (found.mapped[page]) assert_int_equal(found.flags[page], truth->flags[page]);
    }
}

static void every_page_is_as_last_said(void **state) {
    (void)state;
    struct landscape landscape = {0};
    struct truth truth = {0};
    for (int i = 0; i < ROUNDS; i++) {
        if (draw(3)) fill_some(&landscape, &truth);
        else map_some(&landscape, &truth);
        check(&landscape, &truth);
    }
    landscape_end(&landscape);
}

/* Whatever the bytes are, ranges stay ascending, disjoint and within the address space. */
static void any_bytes_are_survived(void **state) {
    (void)state;
    struct landscape landscape = {0};
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t body[64];
        size_t length = draw(sizeof body);
        for (size_t k = 0; k < length; k++) body[k] = (uint8_t)(draw(3) ? draw(256) : draw(4) ? 0xff : 1);
        feed(&landscape, draw(2) ? TRACE_RECORD_MAPPING : TRACE_RECORD_RESIDENCY, body, length);
        uint64_t end = 0;
        for (size_t k = 0; k < landscape.count; k++) {
            const struct look_map *map = &landscape.maps[k];
            assert_true(map->start >= end && map->start < map->end && map->end <= (uint64_t)1 << 48);
            for (size_t j = 0; j < map->run_count; j++)
                assert_true(map->runs[j].start >= map->start && map->runs[j].end <= map->end);
            end = map->end;
        }
    }
    landscape_end(&landscape);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_page_is_as_last_said),
        cmocka_unit_test(any_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
