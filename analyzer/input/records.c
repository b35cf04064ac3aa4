/*
 * Walks the journal. See records.h.
 */
#include "records.h"

bool record_read(struct wire_reader *reader, struct record *record) {
    if (!wire_left(reader)) return false;
    record->kind = wire_get_varint(reader);
    size_t length;
    const char *body = wire_get_string(reader, &length);
    if (reader->failed) return false;
    record->body = wire_reader(body, length);
    return true;
}

void records_begin(struct record_cursor *cursor, const struct trace_input *input, const struct recovery *recovery) {
    *cursor = (struct record_cursor){.input = input, .recovery = recovery};
}

void records_end(struct record_cursor *cursor) { payload_release(&cursor->payload); }

/* Moves to the next run of records. */
static bool next_run(struct record_cursor *cursor) {
    while (cursor->frame < cursor->input->frame_count) {
        const struct frame_entry *entry = &cursor->input->frames[cursor->frame++];
        if (entry->frame.kind != TRACE_FRAME_RECORDS) continue;
        if (!reader_payload(cursor->input, entry, &cursor->payload)) {
            cursor->rest = wire_reader(cursor->payload.bytes, cursor->payload.length);
            return true;
        }
        cursor->bad_frames++;
    }
    if (cursor->in_slot || !cursor->recovery) return false;
    cursor->in_slot = true;
    cursor->rest = wire_reader(cursor->recovery->journal, cursor->recovery->journal_length);
    return true;
}

bool records_next(struct record_cursor *cursor, struct record *record) {
    for (;;) {
        if (cursor->rest.at && record_read(&cursor->rest, record)) return true;
        if (cursor->rest.failed) cursor->bad_records++;
        cursor->rest = (struct wire_reader){0};
        if (!next_run(cursor)) return false;
    }
}
