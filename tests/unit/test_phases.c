/* links: tests/unit/replayed.c tests/unit/trace_builder.c preload/columns.c preload/words.c libs: -lz -ldeflate flags: -pthread */
/*
 * Rounds, work and memory of phases, from events by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../analyzer/analysis/phases.h"
#include "replayed.h"

/* Phases, by hand: two rounds of "work" with a nested "part", a gap, operations, items, samples and requests. */
static void phases(void **state) {
    (void)state;
    enum { WORK = 1, PART, OP, ASYNC };
    struct record_text text;
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
    struct phases *found = replayed(&phases_analysis, events, sizeof events / sizeof *events, &text);

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
}

/* Replays these events and samples with the phases analysis alone; strings 1 to 4 are a, b, op and bytes. */
static struct phases *phases_of(const struct trace_event *events, size_t event_count, const uint64_t (*samples)[3],
                                size_t sample_count) {
    static const char *const names[] = {"a", "b", "op", "bytes"};
    struct record_text text;
    record_begin(&text);
    record_put(&text, TRACE_RECORD_CLOCK, "nnnn", (uint64_t)1000, (uint64_t)0, (uint64_t)0, (uint64_t)0);
    record_put(&text, TRACE_RECORD_CLOCK, "nnnn", (uint64_t)2000, (uint64_t)10000, (uint64_t)0, (uint64_t)0);
    for (size_t i = 0; i < 4; i++) record_put(&text, TRACE_RECORD_STRING, "ns", (uint64_t)i + 1, names[i]);
    for (size_t i = 0; i < sample_count; i++)
        record_put(&text, TRACE_RECORD_MEMORY, "nnnnnnnnn", samples[i][0], (uint64_t)0, samples[i][1], (uint64_t)0,
                   (uint64_t)0, (uint64_t)0, (uint64_t)1, (uint64_t)1, samples[i][2]);
    return replayed(&phases_analysis, events, event_count, &text);
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

/* Who gives each request a name of its own gets a list as long, but no work for each name that grows with the list. */
static void many_names_are_kept_apart(void **state) {
    (void)state;
    enum { NAMES = 50000 };
    static char names[NAMES][8];
    struct phases *found = phases_analysis.begin(&(struct replay_facts){0});
    struct moment now = {.thread = 1};
    for (unsigned i = 0; i < 2 * NAMES; i++) {
        char *name = names[i % NAMES];
        struct control control = {.kind = TRACE_EVENT_OP_BEGIN, .name = name};
        snprintf(name, sizeof *names, "%u", i % NAMES);
        phases_analysis.control(found, &control, &now);
        now.ns += i % NAMES;
        control.kind = TRACE_EVENT_OP_END;
        phases_analysis.control(found, &control, &now);
    }
    assert_int_equal(phases_analysis.end(found, &now), 0);
    const struct phase *run = phases_get(found, 0);
    assert_int_equal(run->op_count, NAMES);
    for (size_t i = 0; i < NAMES; i++) {
        assert_string_equal(run->ops[i].name, names[i]);
        assert_int_equal(run->ops[i].count, 2);
        assert_int_equal(run->ops[i].ns.min, i);
    }
    phases_release(found);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phases),
        cmocka_unit_test(work_counts_for_the_phases_around),
        cmocka_unit_test(retained_at_the_end_of_the_phase),
        cmocka_unit_test(peaks_cover_the_ends),
        cmocka_unit_test(many_names_are_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
