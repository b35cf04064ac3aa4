/*
 * tidemark repair: writes the good part of a damaged trace as a trace without damage.
 *
 * Good frames are copied as they are. What only the slots held is kept as far as it makes sense: the journal becomes a
 * frame of records, threads' buffers and stack nodes stay slots. The copy keeps its state: a trace of a killed process
 * stays one. What is missing is counted in its header and told by loss records.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../include/trace_frame.h"
#include "../input/inflate.h"
#include "../input/losses.h"
#include "../input/trace.h"
#include "../text/plural.h"
#include "groups.h"

struct repair_values {
    struct common_values common;
    const char *out;
};

static const struct option_row rows[] = {
    OPTION("output", 'o', OPTION_TEXT, "FILE", offsetof(struct repair_values, out),
           "The trace to write; it must not exist"),
};
static const struct option_group options = {NULL, OPTION_ROWS(rows)};
static const struct option_use uses[] = {
    {&options, 0},
    {&common_options, offsetof(struct repair_values, common)},
    {NULL, 0},
};

#define LOSS_SIZE 64u      /* a loss record is smaller */
#define LOSSES_MAX 100000u /* records; the header counts all */

struct repair {
    struct trace *trace;
    struct losses losses;
    struct tables known; /* from the records that were kept */
    int fd;
    uint64_t at;           /* end of what was written */
    uint64_t dropped;      /* frames */
    uint64_t record_bytes; /* that were dropped */
};

static int write_all(int fd, const void *bytes, size_t length, uint64_t offset) {
    const uint8_t *at = bytes;
    while (length) {
        ssize_t done = pwrite(fd, at, length, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return done ? -errno : -EIO;
        at += done;
        offset += (uint64_t)done;
        length -= (size_t)done;
    }
    return 0;
}

static void set_field(uint8_t *bytes, uint64_t value, unsigned width) {
    struct wire_writer w = wire_writer(bytes, width);
    wire_put_fixed(&w, value, width);
}

static bool is_zero(const uint8_t *bytes, size_t length) {
    return !length || (!bytes[0] && !memcmp(bytes, bytes + 1, length - 1));
}

/* The same in a new file, where what is not written reads as zeros: slots are mostly that. */
static int write_slot(int fd, const uint8_t *bytes, size_t length, uint64_t offset) {
    int error = 0;
    for (size_t at = 0; at < length && !error; at += TRACE_PAGE) {
        size_t page = length - at < TRACE_PAGE ? length - at : TRACE_PAGE;
        if (!is_zero(bytes + at, page)) error = write_all(fd, bytes + at, page, offset + at);
    }
    return error;
}

static int put_pad(struct repair *repair);

/* Writes a frame whose stored payload is at hand. */
static int put_frame(struct repair *repair, const struct trace_frame *frame, const void *payload) {
    uint8_t header[TRACE_FRAME_SIZE];
    bool slot = trace_frame_is_slot(frame);
    int error = slot ? put_pad(repair) : 0;
    if (error) return error;
    trace_frame_encode(frame, header, inflate_crc);
    error = write_all(repair->fd, header, sizeof header, repair->at);
    uint64_t at = repair->at + sizeof header;
    if (!error && slot) error = write_slot(repair->fd, payload, frame->stored_length, at);
    else if (!error) error = write_all(repair->fd, payload, frame->stored_length, at);
    repair->at += (sizeof header + frame->stored_length + 7) & ~(uint64_t)7;
    return error;
}

/* Brings the payload of the next frame to a page boundary. */
static int put_pad(struct repair *repair) {
    static const uint8_t zeros[TRACE_PAGE];
    uint64_t left = (TRACE_PAGE - (repair->at + TRACE_FRAME_SIZE) % TRACE_PAGE) % TRACE_PAGE;
    if (!left) return 0;
    if (left < TRACE_FRAME_SIZE) left += TRACE_PAGE;
    uint32_t length = (uint32_t)(left - TRACE_FRAME_SIZE);
    const struct trace_frame pad = {
        .kind = TRACE_FRAME_PAD, .raw_length = length, .stored_length = length, .crc = inflate_crc(zeros, length)};
    return put_frame(repair, &pad, zeros);
}

static int put_payload(struct repair *repair, const struct frame_entry *entry, const struct payload *payload) {
    bool packed = entry->frame.codec != TRACE_CODEC_NONE;
    return put_frame(repair, &entry->frame, packed ? payload->stored : payload->bytes);
}

static int drop(struct repair *repair) {
    repair->dropped++;
    return 0;
}

static int copy_frame(struct repair *repair, const struct frame_entry *entry, struct payload *payload) {
    if (reader_payload(&repair->trace->input, entry, payload)) return drop(repair);
    return put_payload(repair, entry, payload);
}

static int put_records(struct repair *repair, struct trace_frame frame, const uint8_t *bytes, size_t length) {
    if (!length) return 0;
    frame.kind = TRACE_FRAME_RECORDS;
    frame.codec = TRACE_CODEC_NONE;
    frame.raw_length = frame.stored_length = (uint32_t)length;
    frame.crc = inflate_crc(bytes, length);
    return put_frame(repair, &frame, bytes);
}

/* Moves the valid ones of a run of records together; returns their length. */
static size_t keep_records(struct repair *repair, uint8_t *bytes, size_t length) {
    struct wire_reader r = wire_reader(bytes, length);
    struct record record;
    size_t kept = 0;
    for (const uint8_t *from = r.at; record_read(&r, &record); from = r.at) {
        size_t size = (size_t)(r.at - from);
        if (!tables_add(&repair->known, &record)) continue;
        memmove(bytes + kept, from, size);
        kept += size;
    }
    return kept;
}

static int copy_events(struct repair *repair, const struct frame_entry *entry, struct payload *payload) {
    if (repair->losses.left_out[entry - repair->trace->input.frames]) return drop(repair);
    return copy_frame(repair, entry, payload);
}

static int copy_records(struct repair *repair, const struct frame_entry *entry, struct payload *payload) {
    if (reader_payload(&repair->trace->input, entry, payload)) return drop(repair);
    size_t kept = keep_records(repair, payload->bytes, payload->length);
    if (kept == payload->length) return put_payload(repair, entry, payload);
    repair->record_bytes += payload->length - kept;
    return put_records(repair, entry->frame, payload->bytes, kept);
}

static void look_at_node(void *context, uint32_t id, const struct stack_node *node) {
    (void)context, (void)id, (void)node;
}

static int copy_nodes(struct repair *repair, const struct frame_entry *entry, struct payload *payload) {
    bool bad = reader_payload(&repair->trace->input, entry, payload) ||
               nodes_decode(&entry->frame, payload->bytes, payload->length, look_at_node, NULL);
    return bad ? drop(repair) : put_payload(repair, entry, payload);
}

/* A ring again, with the events that were only there. */
static int put_ring(struct repair *repair, const struct trace_frame *frame, const struct ring_rest *rest) {
    uint8_t *slot = calloc(1, frame->stored_length);
    size_t whole = recover_whole(rest->words, rest->count), size = frame->stored_length - TRACE_SLOT_CONTROL;
    size_t nested = recover_whole(rest->words + rest->count, rest->nested);
    if (!slot) return -ENOMEM;
    set_field(slot + TRACE_SLOT_AT_THREAD, rest->thread, 4);
    set_field(slot + TRACE_SLOT_AT_TID, rest->tid, 4);
    set_field(slot + TRACE_SLOT_AT_HEAD, rest->first + whole, 8);
    set_field(slot + TRACE_SLOT_AT_TAIL, rest->first, 8);
    set_field(slot + TRACE_SLOT_AT_NESTED, nested, 8);
    for (size_t i = 0; i < whole; i++)
        set_field(slot + TRACE_SLOT_CONTROL + 8 * (rest->first + i) % size, rest->words[i], 8);
    for (size_t i = 0; i < nested; i++)
        set_field(slot + TRACE_SLOT_AT_NESTED_WORDS + 8 * i, rest->words[rest->count + i], 8);
    int error = put_frame(repair, frame, slot);
    free(slot);
    return error;
}

/* A ring without events of its own isn't needed any more. */
static int copy_ring(struct repair *repair, const struct frame_entry *entry, struct payload *payload) {
    const struct recovery *recovery = &repair->trace->recovery;
    size_t number = (size_t)(entry - repair->trace->input.frames);
    (void)payload;
    for (size_t i = 0; i < recovery->ring_count; i++)
        if (recovery->rings[i].frame == number) return put_ring(repair, &entry->frame, &recovery->rings[i]);
    return 0;
}

static int leave_out(struct repair *repair, const struct frame_entry *entry, struct payload *payload) {
    (void)repair, (void)entry, (void)payload;
    return 0;
}

/* Of the journal's slot copy_journal makes a frame; pads and the index belong to the old layout. */
typedef int frame_copier(struct repair *repair, const struct frame_entry *entry, struct payload *payload);
static frame_copier *const copiers[] = {
    [TRACE_FRAME_PAD] = leave_out,          [TRACE_FRAME_EVENTS] = copy_events, [TRACE_FRAME_RECORDS] = copy_records,
    [TRACE_FRAME_NODES] = copy_nodes,       [TRACE_FRAME_INDEX] = leave_out,    [TRACE_FRAME_SLOT_RING] = copy_ring,
    [TRACE_FRAME_SLOT_JOURNAL] = leave_out,
};

static int copy_frames(struct repair *repair) {
    const struct trace_input *input = &repair->trace->input;
    struct payload payload = {0};
    int error = 0;
    for (size_t i = 0; i < input->frame_count && !error; i++) {
        uint16_t kind = input->frames[i].frame.kind;
        frame_copier *copy = kind < sizeof copiers / sizeof *copiers && copiers[kind] ? copiers[kind] : copy_frame;
        error = copy(repair, &input->frames[i], &payload);
    }
    payload_release(&payload);
    return error;
}

/* What only the journal's slot held becomes a frame. */
static int copy_journal(struct repair *repair) {
    struct recovery *recovery = &repair->trace->recovery;
    const struct trace_frame frame = {.first = recovery->journal_first,
                                      .end = recovery->journal_first + recovery->journal_length};
    if (!recovery->journal_length) return 0;
    size_t kept = keep_records(repair, recovery->journal, recovery->journal_length);
    repair->record_bytes += recovery->journal_length - kept;
    return put_records(repair, frame, recovery->journal, kept);
}

static void put_loss(struct wire_writer *out, const struct loss *loss) {
    uint8_t body[64];
    struct wire_writer w = wire_writer(body, sizeof body);
    wire_put_varint(&w, loss->first_stamp);
    wire_put_varint(&w, loss->last_stamp);
    wire_put_varint(&w, loss->thread);
    wire_put_varint(&w, loss->events);
    wire_put_varint(&w, TRACE_LOSS_DAMAGE);
    wire_put_varint(out, TRACE_RECORD_LOSS);
    wire_put_string(out, (const char *)body, (size_t)(w.at - body));
}

/* What is left out is written down, so that a report of the repaired trace can still say so. */
static int put_losses(struct repair *repair) {
    const struct losses *losses = &repair->losses;
    size_t most = losses->count < LOSSES_MAX ? losses->count : LOSSES_MAX;
    uint8_t *bytes = malloc(most * LOSS_SIZE + 1);
    if (!bytes) return -ENOMEM;
    struct wire_writer w = wire_writer(bytes, most * LOSS_SIZE);
    for (size_t i = 0; i < most; i++) put_loss(&w, &losses->rows[i]);
    int error = put_records(repair, (struct trace_frame){0}, bytes, (size_t)(w.at - bytes));
    free(bytes);
    return error;
}

/* Without the slots that have become a part of it. */
static uint32_t header_size(const struct repair *repair) {
    uint32_t size = repair->trace->input.header.size;
    return size < TRACE_HEADER_SIZE ? size : TRACE_HEADER_SIZE;
}

static int put_header(struct repair *repair) {
    const struct trace_header *h = &repair->trace->input.header;
    uint32_t size = header_size(repair);
    uint8_t *header = malloc(size);
    if (!header) return -ENOMEM;
    int error = reader_bytes(&repair->trace->input, 0, header, size);
    set_field(header + TRACE_AT_HEADER_SIZE, size, 4);
    uint64_t lost = h->lost + repair->losses.events;
    set_field(header + TRACE_AT_TAIL, repair->at, 8);
    set_field(header + TRACE_AT_LOST, lost < h->lost ? UINT64_MAX : lost, 8);
    if (!error) error = write_all(repair->fd, header, size, 0);
    free(header);
    return error;
}

static int write_trace(struct repair *repair) {
    repair->at = header_size(repair);
    int error = copy_frames(repair);
    if (!error) error = copy_journal(repair);
    if (!error) error = put_losses(repair);
    if (!error) error = put_header(repair);
    if (!error && ftruncate(repair->fd, (off_t)repair->at)) error = -errno; /* zeros up to the next multiple of 8 */
    return error;
}

static int repair_file(struct repair *repair, const char *out) {
    int error = losses_find(&repair->losses, repair->trace);
    if (error) return error;
    repair->fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (repair->fd < 0) return -errno;
    tables_begin(&repair->known, &repair->trace->input, &repair->trace->recovery);
    error = write_trace(repair);
    tables_release(&repair->known);
    if (close(repair->fd) && !error) error = -errno;
    if (error) unlink(out);
    return error;
}

static void tell(const struct repair *repair, const char *out) {
    const struct trace_input *input = &repair->trace->input;
    size_t kept = input->frame_count - (size_t)repair->dropped;
    say_unless_quiet("%s: %zu frame%s kept, %" PRIu64 " dropped; left out: %" PRIu64 " event%s, %" PRIu64
                     " byte%s of records, %" PRIu64 " unreadable byte%s",
                     out, kept, plural(kept), repair->dropped, repair->losses.events, plural(repair->losses.events),
                     repair->record_bytes, plural(repair->record_bytes), input->damage.gap_bytes,
                     plural(input->damage.gap_bytes));
}

static int run(void *own, int count, char **arguments) {
    const struct repair_values *values = own;
    struct reader_refusal refusal;
    struct trace trace;
    (void)count;
    if (!values->out || !strcmp(values->out, "-")) {
        say("repair needs -o FILE; no stream can take it");
        return STATUS_USAGE;
    }
    if (trace_open(&trace, arguments[0], &refusal)) {
        say("%s: %s", arguments[0], reader_explain(&refusal).text);
        return STATUS_UNREADABLE;
    }
    struct repair repair = {.trace = &trace};
    int error = repair_file(&repair, values->out);
    if (error) say("%s: can't be written: %s", values->out, strerror(-error));
    else tell(&repair, values->out);
    losses_release(&repair.losses);
    trace_close(&trace);
    return error ? STATUS_INTERNAL : STATUS_OK;
}

const struct command command_repair = {
    .name = "repair",
    .arguments = "TRACE",
    .summary = "Write the good part of a damaged trace",
    .text = "What can't be read is left out; its events are counted as lost in the new trace, and `tidemark info "
            "--verify' says which "
            "they were. Exit status: 0; 3 when nothing of the trace can be read.",
    .values_size = sizeof(struct repair_values),
    .uses = uses,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
