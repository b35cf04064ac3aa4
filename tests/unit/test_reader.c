/* links: tests/unit/trace_builder.c preload/columns.c preload/words.c libs: -lz -ldeflate */
/*
 * The reader against files made by hand: what is refused and why, what a damaged or cut file still gives, and that what
 * the slots hold is taken once.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/input/trace.h"
#include "trace_builder.h"

#define THREAD 3u
#define EVENTS 60u

static char path[64];

static int make_path(void **state) {
    (void)state;
    snprintf(path, sizeof path, "/tmp/test_reader.%d.tmk", (int)getpid());
    return 0;
}

static int drop_path(void **state) {
    (void)state;
    unlink(path);
    return 0;
}

/* Alternating allocs and frees at stamps 100, 101, ...; returns the words. */
static size_t make_stream(uint64_t *words, size_t events) {
    size_t count = 0;
    for (size_t i = 0; i < events; i++) {
        struct trace_event event = {.kind = i % 2 ? TRACE_EVENT_FREE : TRACE_EVENT_ALLOC,
                                    .stamp = 100 + i,
                                    .address = 0x10000 + 64 * (i / 2),
                                    .size = 10 + i,
                                    .stack = 1};
        count += event_words(words + count, &event);
    }
    return count;
}

static enum reader_error refusal_of(void) {
    struct reader_refusal refusal;
    struct trace_input input;
    int error = reader_open(&input, path, &refusal);
    assert_int_equal(error != 0, refusal.error != READER_OK);
    const struct reader_explanation why = reader_explain(&refusal);
    assert_true(strlen(why.text) > 5);
    assert_null(strchr(why.text, '\n'));
    if (!error) reader_close(&input);
    return refusal.error;
}

static void refusals(void **state) {
    (void)state;
    struct trace_builder b;
    builder_begin(&b);
    builder_write(&b, path, TRACE_STATE_CLOSED);
    assert_int_equal(refusal_of(), READER_OK);
    builder_set(&b, TRACE_AT_MAJOR, TRACE_VERSION_MAJOR + 1, 2);
    builder_write_raw(&b, path);
    assert_int_equal(refusal_of(), READER_VERSION);
    builder_set(&b, TRACE_AT_MAJOR, TRACE_VERSION_MAJOR, 2);
    builder_set(&b, TRACE_AT_COMPATIBLE, 0xffff, 4);
    builder_write_raw(&b, path);
    assert_int_equal(refusal_of(), READER_OK);
    builder_set(&b, TRACE_AT_INCOMPATIBLE, 4, 4);
    builder_write_raw(&b, path);
    assert_int_equal(refusal_of(), READER_FEATURES);
    builder_set(&b, TRACE_AT_INCOMPATIBLE, 0, 4);
    builder_set(&b, TRACE_AT_HEADER_SIZE, 17, 4);
    builder_write_raw(&b, path);
    assert_int_equal(refusal_of(), READER_HEADER);
    b.bytes[3] ^= 1;
    builder_write_raw(&b, path);
    assert_int_equal(refusal_of(), READER_FOREIGN);
    b.bytes[3] ^= 1;
    b.length = 20;
    builder_write_raw(&b, path);
    assert_int_equal(refusal_of(), READER_CUT);
    b.length = 0;
    builder_write_raw(&b, path);
    assert_int_equal(refusal_of(), READER_EMPTY);
    builder_end(&b);
    unlink(path);
    assert_int_equal(refusal_of(), READER_UNREADABLE);
}

/* Events in frames and slots as the reader finds them: words of rings decoded, frames by their headers. */
static size_t events_in(const struct trace *trace) {
    struct trace_event events[4 * EVENTS];
    struct payload payload = {0};
    size_t found = 0, used;
    for (size_t i = 0; i < trace->input.frame_count; i++) {
        const struct frame_entry *entry = &trace->input.frames[i];
        if (entry->frame.kind == TRACE_FRAME_EVENTS && !reader_payload(&trace->input, entry, &payload))
            found += entry->frame.count;
    }
    payload_release(&payload);
    for (size_t i = 0; i < trace->recovery.ring_count; i++) {
        const struct ring_rest *rest = &trace->recovery.rings[i];
        found += recover_events(rest->words, rest->count + rest->nested, events, 4 * EVENTS, &used);
    }
    return found;
}

static void open_trace(struct trace *trace) {
    struct reader_refusal refusal;
    assert_int_equal(trace_open(trace, path, &refusal), 0);
}

/* The ring holds positions that a frame already has, and wraps around its end. */
static void slots_once(void **state) {
    (void)state;
    uint64_t words[4 * EVENTS], nested[4];
    size_t count = make_stream(words, EVENTS);
    struct trace_event free_event = {.kind = TRACE_EVENT_FREE, .stamp = 900, .address = 0x99};
    size_t nested_count = event_words(nested, &free_event);
    struct trace_builder b;
    struct trace trace;
    builder_begin(&b);
    builder_events(&b, THREAD, words, 0, 40 * 5 / 2, 1); /* 40 events of 2.5 words */
    builder_ring_slot(&b, THREAD, words, 20 * 5 / 2, count, 128, nested, nested_count);
    builder_write(&b, path, TRACE_STATE_OPEN);
    open_trace(&trace);
    assert_int_equal(trace.recovery.ring_count, 1);
    assert_int_equal(trace.recovery.rings[0].first, 40 * 5 / 2);
    assert_int_equal(trace.recovery.rings[0].words[1], 140);
    assert_int_equal(trace.recovery.rings[0].tid, THREAD + 1000);
    assert_int_equal(events_in(&trace), EVENTS + 1);
    trace_close(&trace);
    builder_end(&b);
}

/*
 * The process died while what a signal handler had queued was moved into the ring: the first event is there already, of
 * the second only room was taken.
 */
static void nested_moved(void **state) {
    (void)state;
    uint64_t words[4 * EVENTS], nested[12] = {2 << 16};
    size_t count = make_stream(words, EVENTS);
    struct trace_event moved = {.kind = TRACE_EVENT_FREE, .stamp = 900, .address = 0x99}, waits = moved;
    waits.stamp = 901;
    count += event_words(words + count, &moved);
    size_t length = 2 + event_words(nested + 2, &moved);
    nested[length] = 3 << 16;
    nested[length + 1] = 0x7f02; /* of a handler that was left: it looks like an event */
    length += 3;
    length += event_words(nested + length, &waits);
    struct trace_builder b;
    struct trace trace;
    builder_begin(&b);
    builder_ring_slot(&b, THREAD, words, 0, count, 512, nested, length);
    builder_write(&b, path, TRACE_STATE_OPEN);
    open_trace(&trace);
    assert_int_equal(trace.recovery.ring_count, 1);
    assert_int_equal(trace.recovery.rings[0].nested, 2);
    assert_int_equal(trace.recovery.rings[0].words[count + 1], 901);
    assert_int_equal(events_in(&trace), EVENTS + 2);
    trace_close(&trace);
    builder_end(&b);
}

/* The frame that holds the positions is damaged: the slot still has them. */
static void slot_behind_bad_frame(void **state) {
    (void)state;
    uint64_t words[4 * EVENTS];
    size_t count = make_stream(words, EVENTS);
    struct trace_builder b;
    struct trace trace;
    builder_begin(&b);
    size_t frame = b.length;
    builder_events(&b, THREAD, words, 0, 40 * 5 / 2, 1);
    builder_ring_slot(&b, THREAD, words, 0, count, 256, NULL, 0);
    b.bytes[frame + TRACE_FRAME_SIZE + 5] ^= 0x10;
    builder_write(&b, path, TRACE_STATE_OPEN);
    open_trace(&trace);
    assert_int_equal(events_in(&trace), EVENTS);
    trace_close(&trace);
    builder_end(&b);
}

static void hostile_control_pages(void **state) {
    (void)state;
    static const struct {
        size_t at;
        uint64_t value, tail;
    } fields[] = {{TRACE_SLOT_AT_HEAD, UINT64_MAX, 0},
                  {TRACE_SLOT_AT_TAIL, UINT64_MAX, 0},
                  {TRACE_SLOT_AT_NESTED, 449, 0},
                  {TRACE_SLOT_AT_HEAD, 1u << 20, 0},
                  {TRACE_SLOT_AT_HEAD, 1ull << 61, (1ull << 61) - 1}}; /* 0 as a number of bytes */
    uint64_t words[4 * EVENTS];
    size_t count = make_stream(words, EVENTS);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct trace_builder b;
        struct trace trace;
        builder_begin(&b);
        builder_ring_slot(&b, THREAD, words, 0, count, 256, NULL, 0);
        size_t slot = b.length - 256 * 8 - TRACE_SLOT_CONTROL;
        builder_set(&b, slot + fields[i].at, fields[i].value, 8);
        if (fields[i].tail) builder_set(&b, slot + TRACE_SLOT_AT_TAIL, fields[i].tail, 8);
        builder_write(&b, path, TRACE_STATE_OPEN);
        open_trace(&trace);
        assert_true(trace.recovery.bad_slots);
        assert_int_equal(events_in(&trace), 0);
        trace_close(&trace);
        builder_end(&b);
    }
}

static void make_journal(struct record_text *text) {
    record_begin(text);
    record_put(text, TRACE_RECORD_STRING, "ns", (uint64_t)1, "import");
    record_put(text, TRACE_RECORD_CLOCK, "nnnn", (uint64_t)100, (uint64_t)5000, (uint64_t)6000, (uint64_t)7000);
    record_put(text, 200, "nn", (uint64_t)1, (uint64_t)2);
    record_put(text, TRACE_RECORD_THREAD, "nnns", (uint64_t)1, (uint64_t)4711, (uint64_t)100, "main");
    record_put(text, TRACE_RECORD_THREAD_NAME, "ns", (uint64_t)1, "worker");
    record_put(text, TRACE_RECORD_CLOCK, "nnnnn", (uint64_t)200, (uint64_t)5100, (uint64_t)6100, (uint64_t)7100,
               (uint64_t)99);
    record_put(text, TRACE_RECORD_REQUEST, "nnns", (uint64_t)180, (uint64_t)TRACE_COMMAND_MARK, (uint64_t)0, "late");
    record_put(text, TRACE_RECORD_REQUEST, "nnns", (uint64_t)120, (uint64_t)TRACE_COMMAND_MARK, (uint64_t)0, "early");
}

static void check_journal(const struct trace *trace) {
    const struct tables *t = &trace->tables;
    assert_string_equal(tables_string(t, 1), "import");
    assert_string_equal(tables_string(t, 77), "");
    assert_int_equal(t->clock_count, 2);
    assert_int_equal(t->clocks[1].monotonic, 5100);
    assert_int_equal(t->thread_count, 1);
    assert_int_equal(t->threads[0].serial, 1);
    assert_string_equal(t->threads[0].name, "worker");
    assert_int_equal(t->request_count, 2);
    assert_string_equal(t->requests[0].name, "early");
    assert_int_equal(t->bad_records, 0);
}

static void journal(void **state) {
    (void)state;
    struct record_text text;
    struct trace_builder b;
    struct trace trace;
    unsigned whole = 0;
    make_journal(&text);
    for (size_t split = 0; split <= text.length; split++) { /* the first part in a frame, the rest in the slot */
        struct record_text first = text;
        first.length = split;
        builder_begin(&b);
        if (split) builder_records(&b, &first);
        builder_journal_slot(&b, text.bytes, split > 3 ? split - 3 : 0, text.length, 256);
        builder_write(&b, path, TRACE_STATE_OPEN);
        open_trace(&trace);
        if (!trace.tables.bad_records) check_journal(&trace);
        whole += !trace.tables.bad_records;
        trace_close(&trace);
        builder_end(&b);
    }
    assert_int_equal(whole, 8 + 1); /* splits between records */
}

static void mailbox(void **state) {
    (void)state;
    struct trace_builder b;
    struct trace trace;
    builder_begin(&b);
    builder_set(&b, TRACE_AT_MAILBOX_HEAD, 70, 4);
    builder_set(&b, TRACE_AT_MAILBOX_TAIL, 68, 4);
    size_t slot = TRACE_AT_MAILBOX + 4 * TRACE_MAILBOX_SLOT_SIZE; /* 68 mod 64 */
    builder_set(&b, slot + TRACE_MAIL_AT_READY, 69, 4);
    builder_set(&b, slot + TRACE_MAIL_AT_COMMAND, TRACE_COMMAND_PHASE_BEGIN, 4);
    builder_set(&b, slot + TRACE_MAIL_AT_STAMP, 55, 8);
    builder_set(&b, slot + TRACE_MAIL_AT_LENGTH, 4, 4);
    memcpy(b.bytes + slot + TRACE_MAIL_AT_NAME, "load", 4);
    builder_write(&b, path, TRACE_STATE_OPEN);
    open_trace(&trace);
    assert_int_equal(trace.tables.request_count, 1); /* 69 was posted but is not ready */
    assert_string_equal(trace.tables.requests[0].name, "load");
    assert_int_equal(trace.tables.requests[0].stamp, 55);
    trace_close(&trace);
    builder_end(&b);
}

static void nodes(void **state) {
    (void)state;
    struct trace_builder b;
    struct trace trace;
    builder_begin(&b);
    builder_nodes(&b, 1, 1000, 0x400000);
    builder_nodes(&b, 70000, 10, 0x500000);
    builder_write(&b, path, TRACE_STATE_CLOSED);
    open_trace(&trace);
    assert_int_equal(trace.nodes.written, 1010);
    assert_int_equal(trace.nodes.count, 70010);
    assert_int_equal(nodes_get(&trace.nodes, 1000)->ip, 0x400000 + 999 * 16);
    assert_int_equal(nodes_get(&trace.nodes, 1000)->parent, 999);
    assert_int_equal(nodes_get(&trace.nodes, 70009)->ip, 0x500000 + 9 * 16);
    assert_int_equal(nodes_get(&trace.nodes, 70009)->info, 1);
    assert_null(nodes_get(&trace.nodes, 0));
    assert_null(nodes_get(&trace.nodes, 1001));
    assert_null(nodes_get(&trace.nodes, UINT32_MAX));
    trace_close(&trace);
    builder_end(&b);
}

/* A file of every kind of content. */
static void build_full(struct trace_builder *b, uint64_t *words) {
    struct record_text text;
    size_t count = make_stream(words, EVENTS);
    make_journal(&text);
    builder_begin(b);
    builder_records(b, &text);
    builder_nodes(b, 1, 5, 0x1000);
    builder_events(b, THREAD, words, 0, 20 * 5 / 2, 1);
    builder_events(b, THREAD, words, 20 * 5 / 2, 40 * 5 / 2, 1);
    builder_ring_slot(b, THREAD, words, 40 * 5 / 2, count, 256, NULL, 0);
    builder_events(b, THREAD + 1, words, 0, 30 * 5 / 2, 1);
}

static void header_gap(void **state) {
    (void)state;
    uint64_t words[4 * EVENTS];
    struct trace_builder b;
    struct trace trace;
    build_full(&b, words);
    builder_write(&b, path, TRACE_STATE_OPEN);
    open_trace(&trace);
    size_t whole = events_in(&trace);
    assert_int_equal(whole, EVENTS + 30);
    uint64_t second = 0, seen = 0;
    for (size_t i = 0; i < trace.input.frame_count; i++)
        if (trace.input.frames[i].frame.kind == TRACE_FRAME_EVENTS && ++seen == 2)
            second = trace.input.frames[i].offset;
    trace_close(&trace);
    b.bytes[second - 30] ^= 1; /* in the header of the second events frame */
    builder_write(&b, path, TRACE_STATE_OPEN);
    open_trace(&trace);
    assert_int_equal(trace.input.damage.gaps, 1);
    assert_int_equal(trace.input.damage.first_gap, second - TRACE_FRAME_SIZE);
    assert_int_equal(events_in(&trace), whole - 20);
    trace_close(&trace);
    builder_end(&b);
}

/* However the file is cut, what is read never shrinks with a longer file, and all of it is read at the end. */
static void cut_anywhere(void **state) {
    (void)state;
    uint64_t words[4 * EVENTS];
    struct trace_builder b;
    size_t before = 0;
    build_full(&b, words);
    builder_set(&b, TRACE_AT_TAIL, b.length, 8);
    size_t whole = b.length;
    for (b.length = 144; b.length <= whole; b.length += b.length < TRACE_HEADER_SIZE ? 5000 : 24) {
        struct reader_refusal refusal;
        struct trace trace;
        builder_write_raw(&b, path);
        assert_int_equal(trace_open(&trace, path, &refusal), 0);
        size_t found = events_in(&trace);
        assert_true(found >= before);
        assert_true(b.length == whole || trace.input.damage.tail);
        before = found;
        trace_close(&trace);
    }
    b.length = whole;
    builder_write_raw(&b, path);
    struct trace trace;
    open_trace(&trace);
    assert_int_equal(events_in(&trace), EVENTS + 30);
    assert_false(trace.input.damage.tail);
    trace_close(&trace);
    builder_end(&b);
}

static void flipped_bits(void **state) {
    (void)state;
    uint64_t words[4 * EVENTS];
    struct trace_builder b;
    build_full(&b, words);
    builder_set(&b, TRACE_AT_TAIL, b.length, 8);
    srand(7);
    for (int i = 0; i < 1500; i++) {
        size_t at = i % 2 ? (size_t)rand() % 200 : TRACE_HEADER_SIZE + (size_t)rand() % (b.length - TRACE_HEADER_SIZE);
        uint8_t bit = (uint8_t)(1 << rand() % 8);
        struct reader_refusal refusal;
        struct trace trace;
        b.bytes[at] ^= bit;
        builder_write_raw(&b, path);
        if (!trace_open(&trace, path, &refusal)) {
            assert_true(events_in(&trace) <= 2 * EVENTS + 30);
            trace_close(&trace);
        }
        b.bytes[at] ^= bit;
    }
    builder_end(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals),
        cmocka_unit_test(slots_once),
        cmocka_unit_test(nested_moved),
        cmocka_unit_test(slot_behind_bad_frame),
        cmocka_unit_test(hostile_control_pages),
        cmocka_unit_test(journal),
        cmocka_unit_test(mailbox),
        cmocka_unit_test(nodes),
        cmocka_unit_test(header_gap),
        cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(flipped_bits),
    };
    return cmocka_run_group_tests(tests, make_path, drop_path);
}
