/*
 * The journal of a trace, record by record: records frames in file order, then what the journal's slot still held.
 *
 * Streams one frame at a time, so that samples of a long recording need no memory. A record that is cut or claims more
 * than its frame holds ends that frame; a frame with a bad payload is skipped; both are counted.
 */
#ifndef INPUT_RECORDS_H
#define INPUT_RECORDS_H

#include "../../include/trace_wire.h"
#include "recover.h"

struct record {
    uint64_t kind;           /* enum trace_record_kind, or an unknown one */
    struct wire_reader body; /* valid until the next record is read */
};

struct record_cursor {
    const struct trace_input *input;
    const struct recovery *recovery;
    size_t frame; /* next to look at */
    struct payload payload;
    struct wire_reader rest;
    bool in_slot;
    uint64_t bad_frames, bad_records;
};

void records_begin(struct record_cursor *cursor, const struct trace_input *input, const struct recovery *recovery);
/* False at the end. */
bool records_next(struct record_cursor *cursor, struct record *record);
void records_end(struct record_cursor *cursor);

/* The next record of a run of records; false when there is none or it is invalid (then reader->failed). */
bool record_read(struct wire_reader *reader, struct record *record);

#endif
