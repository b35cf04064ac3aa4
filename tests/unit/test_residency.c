/* links: tests/unit/replayed.c tests/unit/trace_builder.c preload/columns.c preload/words.c libs: -lz -ldeflate flags: -pthread */
/*
 * Whose the resident pages of a small process are, shared out by hand.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../analyzer/analysis/page_shares.h"
#include "../../analyzer/analysis/residency.h"
#include "replayed.h"

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

/* A forged trace may let so many blocks end in one page that what they cover together has no room in 32 bits. */
static void shares_of_a_page_never_exceed_it(void **state) {
    (void)state;
    struct page_shares shares = {0};
    struct shared_page *page = page_shares_add(&shares, 7, 0);
    const unsigned blocks = (1u << 20) + 5; /* 2^32 bytes, and a few */
    uint64_t sum = 0;
    for (unsigned i = 0; i < blocks; i++) page_shares_cover(page, PAGE_BYTES, false);
    assert_int_equal(page->blocks, blocks);
    assert_int_equal(page->bytes, UINT32_MAX);
    for (unsigned i = 0; i < blocks; i++) {
        uint64_t share = page_shares_give(page, PAGE_BYTES);
        assert_in_range(share, 0, 1);
        sum += share;
    }
    assert_int_equal(sum, PAGE_BYTES);
    page_shares_clear(&shares);
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

static void pages_are_shared_out(void **state) {
    (void)state;
    static struct record_text text;
    const struct trace_event events[] = {
        {.stamp = 1010, .kind = TRACE_EVENT_ALLOC, .address = 0x10010, .size = 1000, .stack = 1},
        {.stamp = 1011, .kind = TRACE_EVENT_ALLOC, .address = 0x10400, .size = 3000, .stack = 2},
        {.stamp = 1012, .kind = TRACE_EVENT_ALLOC, .address = 0x11800, .size = 8192, .stack = 1},
        {.stamp = 1013, .kind = TRACE_EVENT_ALLOC, .address = 0x13900, .size = 512, .stack = 3},
        {.stamp = 1014, .kind = TRACE_EVENT_ALLOC, .address = 0x15ff0, .size = 32, .stack = 3},
        {.stamp = 1150, .kind = TRACE_EVENT_FREE, .address = 0x10400},
        {.stamp = 1300, .kind = TRACE_EVENT_MARK},
    };
    residency_of_a_small_process(&text);
    struct residency *found = replayed(&residency_analysis, events, sizeof events / sizeof *events, &text);

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
}

enum { PIECES = 10000000 };

static bool no_piece(void *context, size_t *cursor, struct look_piece *piece) {
    (void)context, (void)cursor, (void)piece;
    return false;
}
static bool nobodys(void *context, uint64_t address) {
    (void)context, (void)address;
    return false;
}

/* Looks at ten million pieces, each after so many events more; how many of them were shared out. */
static size_t shared_out_of(unsigned looks, uint64_t events_between, bool last_too) {
    const struct replay_facts facts = {.duration_ns = 1000};
    const struct memory_sample sample = {.rss = 4096};
    struct look look = {.pieces = PIECES, .next = no_piece, .is_allocators = nobodys};
    struct residency *residency = residency_analysis.begin(&facts);
    for (unsigned i = 0; i < looks; i++) {
        const struct moment now = {.ns = i, .event = i * events_between};
        look.last = last_too && i + 1 == looks;
        residency_analysis.look(residency, &look, &sample, &now);
    }
    size_t count = residency->look_count;
    residency_release(residency);
    return count;
}

/* Else a heap of millions of blocks, looked at each second, takes longer to look at than all its events to replay. */
static void looks_cost_no_more_visits_than_there_are_events(void **state) {
    (void)state;
    size_t free_of_charge = shared_out_of(100, 0, false);
    assert_in_range(free_of_charge, 2, 10);
    assert_int_equal(shared_out_of(100, 0, true), free_of_charge + 1);
    assert_int_equal(shared_out_of(101, PIECES / 4, false), free_of_charge + 25);
    assert_int_equal(shared_out_of(101, PIECES, false), 101);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_shared_out),
        cmocka_unit_test(shares_of_a_page_never_exceed_it),
        cmocka_unit_test(looks_cost_no_more_visits_than_there_are_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
