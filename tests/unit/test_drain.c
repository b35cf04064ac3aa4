/* links: preload/drain.c preload/columns.c preload/plain.c preload/words.c preload/packing.c preload/deflate.c preload/huffman.c preload/sys.c libs: -lz */
/*
 * Draining a ring: which frames become plain ones. The ring is filled by hand with events that columns foretell well or
 * badly, and the owner's hurry is what its slot says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../preload/drain.h"

enum { WORDS = 1 << 14, EVENTS = 4000 };

struct bench {
    struct drain *drain;
    struct drain_host host;
    uint8_t *header, *slot;
    uint64_t random, position, stamp;
    unsigned frames, plain; /* appended */
    uint64_t bytes;
};

static int nothing(void *self) {
    (void)self;
    return 0;
}
static void nothing_more(void *self) { (void)self; }
static uint32_t no_nodes(void *self) {
    (void)self;
    return 0;
}
static const uint8_t *no_node(void *self, uint32_t id) {
    (void)self;
    (void)id;
    return NULL;
}
static long no_edges(void *self, uint64_t first, uint64_t *out) {
    (void)self;
    (void)first;
    (void)out;
    return 0;
}
static uint64_t no_clock(void) { return 1; }

static int append(void *self, struct trace_frame *frame, const void *payload) {
    struct bench *b = self;
    assert_non_null(payload);
    assert_int_equal(frame->kind, TRACE_FRAME_EVENTS);
    b->frames++;
    b->plain += (frame->flags & TRACE_FRAME_PLAIN) != 0;
    b->bytes += frame->stored_length;
    return 0;
}

static void *memory(size_t size) {
    void *bytes = aligned_alloc(4096, (size + 4095) & ~(size_t)4095);
    return memset(bytes, 0, size);
}

static int set_up(void **state) {
    struct bench *b = calloc(1, sizeof *b);
    b->drain = memory(drain_size());
    b->header = memory(TRACE_HEADER_SIZE);
    b->slot = memory(TRACE_SLOT_CONTROL + WORDS * sizeof(uint64_t));
    b->host =
        (struct drain_host){b->header, NULL, nothing, nothing_more, append, no_edges, no_node, no_nodes, no_clock, b};
    *(uint32_t *)(b->slot + TRACE_SLOT_AT_THREAD) = 1;
    b->random = 1;
    assert_int_equal(drain_init(b->drain, 1), 0);
    *state = b;
    return 0;
}

static int tear_down(void **state) {
    struct bench *b = *state;
    free(b->drain);
    free(b->header);
    free(b->slot);
    free(b);
    return 0;
}

static uint64_t draw(struct bench *b) {
    return (b->random = b->random * 6364136223846793005u + 1442695040888963407u) >> 33;
}

static void put(struct bench *b, uint64_t word) {
    ((uint64_t *)(b->slot + TRACE_SLOT_CONTROL))[b->position++ % WORDS] = word;
}

/* Allocations at random, or the same again and again; all are released at once. */
static void fill(struct bench *b, bool random) {
    for (unsigned i = 0; i < EVENTS / 2; i++) {
        uint64_t address = 0x10000 + (random ? draw(b) % 60000 * 16 : 0);
        put(b, TRACE_EVENT_ALLOC | address << 16);
        put(b, b->stamp += 100);
        put(b, 1ull << 32 | (random ? draw(b) % 1000 : 32));
        put(b, TRACE_EVENT_FREE | address << 16);
        put(b, b->stamp += random ? draw(b) % 1000 : 100);
    }
    *(uint64_t *)(b->slot + TRACE_SLOT_AT_HEAD) = b->position;
}

/* Frames of `rounds` full rings, each one's owner in a hurry or not; how many of them are plain. */
static unsigned plain_of(struct bench *b, unsigned rounds, bool random, bool hurry) {
    b->plain = b->frames = 0;
    for (unsigned round = 0; round < rounds; round++) {
        *(uint32_t *)(b->slot + TRACE_SLOT_AT_HURRY) = hurry;
        fill(b, random);
        assert_int_equal(drain_ring(b->drain, &b->host, b->slot, WORDS), 0);
        assert_int_equal(*(uint32_t *)(b->slot + TRACE_SLOT_AT_HURRY), 0);
    }
    assert_int_equal(b->frames, rounds);
    return b->plain;
}

static bool says_plain(const struct bench *b) {
    return *(uint32_t *)(b->header + TRACE_AT_INCOMPATIBLE) & TRACE_FEATURE_PLAIN;
}

/* One in 32 frames is not, to see whether it should be. */
static void test_in_a_hurry(void **state) {
    struct bench *b = *state;
    assert_int_equal(plain_of(b, 3, true, false), 0);
    assert_false(says_plain(b));
    assert_int_equal(plain_of(b, 1, true, true), 0);
    assert_int_equal(plain_of(b, 31, true, true), 31);
    assert_true(says_plain(b));
    assert_int_equal(plain_of(b, 1, true, true), 0);
    assert_int_equal(plain_of(b, 3, true, true), 3);
}

static void test_hurry_ends(void **state) {
    struct bench *b = *state;
    assert_int_equal(plain_of(b, 1, true, true), 0);
    assert_int_equal(plain_of(b, 31, true, false), 31);
    assert_int_equal(plain_of(b, 5, true, false), 0);
}

static void test_cheap_events(void **state) {
    struct bench *b = *state;
    assert_int_equal(plain_of(b, 40, false, true), 0);
    assert_false(says_plain(b));
    assert_true(b->bytes < 40 * EVENTS / 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_in_a_hurry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hurry_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cheap_events, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
