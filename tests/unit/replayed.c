/*
 * A small trace, replayed. See replayed.h.
 */
#include "replayed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../analyzer/replay/replay.h"

enum { WORDS = 1024 };

void *replayed(const struct analysis *analysis, const struct trace_event *events, size_t count,
               const struct record_text *records) {
    struct trace_builder builder;
    struct trace trace;
    struct reader_refusal refusal;
    struct replay_options options = {0};
    struct replay_result result;
    uint64_t words[WORDS];
    size_t length = 0;
    char path[64];
    void *self;
    for (size_t i = 0; i < count; i++) {
        length += event_words(words + length, &events[i]);
        assert_true(length + 8 < WORDS);
    }
    snprintf(path, sizeof path, "/tmp/test_replayed.%d.tmk", (int)getpid());
    builder_begin(&builder);
    builder_records(&builder, records);
    builder_ring_slot(&builder, 1, words, 0, length, WORDS, NULL, 0);
    builder_write(&builder, path, TRACE_STATE_OPEN);
    assert_int_equal(trace_open(&trace, path, &refusal), 0);
    assert_int_equal(replay_trace(&trace, &analysis, &self, 1, &options, &result), 0);
    trace_close(&trace);
    builder_end(&builder);
    unlink(path);
    return self;
}
