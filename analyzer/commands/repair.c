/*
 * tidemark repair: writes the good part of a damaged trace as a trace without damage.
 *
 * Good frames are copied as they are; what only the slots held becomes frames again: the journal as records, threads'
 * buffers and stack nodes as slots. The copy keeps its state: a trace of a killed process stays one.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../include/trace_wire.h"
#include "../input/inflate.h"
#include "../input/trace.h"
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

struct repair {
    const struct trace_input *input;
    int fd;
    uint64_t at;      /* end of what was written */
    uint64_t dropped; /* frames */
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

static void encode_frame(const struct trace_frame *f, uint8_t bytes[TRACE_FRAME_SIZE]) {
    struct wire_writer w = wire_writer(bytes, TRACE_FRAME_SIZE);
    wire_put_u32(&w, TRACE_FRAME_MAGIC);
    wire_put_u16(&w, f->kind);
    wire_put_u8(&w, f->codec);
    wire_put_u8(&w, f->flags);
    wire_put_u32(&w, f->raw_length);
    wire_put_u32(&w, f->stored_length);
    wire_put_u32(&w, f->crc);
    wire_put_u32(&w, f->thread);
    wire_put_u64(&w, f->first_stamp);
    wire_put_u64(&w, f->last_stamp);
    wire_put_u64(&w, f->first);
    wire_put_u64(&w, f->end);
    wire_put_u32(&w, f->count);
    wire_put_u32(&w, inflate_crc(bytes, TRACE_FRAME_AT_HEADER_CRC));
}

/* Writes a frame whose stored payload is at hand. */
static int put_frame(struct repair *repair, const struct trace_frame *frame, const void *payload) {
    uint8_t header[TRACE_FRAME_SIZE];
    encode_frame(frame, header);
    int error = write_all(repair->fd, header, sizeof header, repair->at);
    uint64_t at = repair->at + sizeof header;
    if (!error && frame_is_slot(frame)) error = write_slot(repair->fd, payload, frame->stored_length, at);
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
    struct trace_frame pad = {.kind = TRACE_FRAME_PAD, .raw_length = length, .stored_length = length};
    uint8_t header[TRACE_FRAME_SIZE];
    pad.crc = 0;
    uint8_t *content = calloc(1, length + 1);
    if (!content) return -ENOMEM;
    pad.crc = inflate_crc(content, length);
    free(content);
    encode_frame(&pad, header);
    int error = write_all(repair->fd, header, sizeof header, repair->at);
    for (uint32_t done = 0; done < length && !error;) {
        uint32_t part = length - done < sizeof zeros ? length - done : (uint32_t)sizeof zeros;
        error = write_all(repair->fd, zeros, part, repair->at + sizeof header + done);
        done += part;
    }
    repair->at += sizeof header + length;
    return error;
}

static int copy_frame(struct repair *repair, const struct frame_entry *entry, struct payload *payload) {
    if (entry->frame.kind == TRACE_FRAME_PAD || entry->frame.kind == TRACE_FRAME_INDEX)
        return 0; /* of the old layout */
    if (reader_payload(repair->input, entry, payload)) {
        repair->dropped++;
        return 0;
    }
    bool slot = frame_is_slot(&entry->frame), packed = entry->frame.codec != TRACE_CODEC_NONE;
    int error = slot ? put_pad(repair) : 0;
    return error ? error : put_frame(repair, &entry->frame, packed ? payload->stored : payload->bytes);
}

static int copy_frames(struct repair *repair) {
    struct payload payload = {0};
    int error = 0;
    for (size_t i = 0; i < repair->input->frame_count && !error; i++)
        error = copy_frame(repair, &repair->input->frames[i], &payload);
    payload_release(&payload);
    return error;
}

static int copy_header(struct repair *repair) {
    uint32_t size = repair->input->header.size;
    uint8_t *header = malloc(size);
    if (!header) return -ENOMEM;
    int error = reader_bytes(repair->input, 0, header, size);
    struct wire_writer tail = wire_writer(header + TRACE_AT_TAIL, 8);
    wire_put_u64(&tail, repair->at);
    if (!error) error = write_all(repair->fd, header, size, 0);
    free(header);
    return error;
}

static int repair_file(struct repair *repair, const char *out) {
    repair->fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (repair->fd < 0) return -errno;
    repair->at = repair->input->header.size;
    int error = copy_frames(repair);
    if (!error) error = copy_header(repair);
    if (!error && ftruncate(repair->fd, (off_t)repair->at)) error = -errno; /* zeros up to the next multiple of 8 */
    if (close(repair->fd) && !error) error = -errno;
    if (error) unlink(out);
    return error;
}

static int run(void *own, int count, char **arguments) {
    const struct repair_values *values = own;
    struct reader_refusal refusal;
    struct trace_input input;
    char why[256];
    (void)count;
    if (!values->out) {
        say("repair needs -o FILE");
        return STATUS_USAGE;
    }
    if (reader_open(&input, arguments[0], &refusal)) {
        reader_explain(&refusal, why, sizeof why);
        say("%s: %s", arguments[0], why);
        return STATUS_UNREADABLE;
    }
    struct repair repair = {.input = &input};
    int error = repair_file(&repair, values->out);
    if (error) say("%s: can't be written: %s", values->out, strerror(-error));
    else
        say_unless_quiet("%s: %zu frames kept, %" PRIu64 " dropped, %" PRIu64 " unreadable bytes left out", values->out,
                         input.frame_count - (size_t)repair.dropped, repair.dropped, input.damage.gap_bytes);
    reader_close(&input);
    return error ? STATUS_INTERNAL : STATUS_OK;
}

const struct command command_repair = {
    .name = "repair",
    .arguments = "TRACE",
    .summary = "Write the good part of a damaged trace",
    .text = "Exit status: 0; 3 when nothing of the trace can be read.",
    .values_size = sizeof(struct repair_values),
    .uses = uses,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run,
};
