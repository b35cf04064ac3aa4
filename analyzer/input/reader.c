/*
 * Opens a trace file and finds its frames. See reader.h for what is promised about damaged and growing files.
 *
 * The frame list costs one small entry per frame, that is, per some ten thousand events. Payloads are read when asked
 * for; a frame whose payload is bad stays in the list, because its header says what is missing.
 */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../include/trace_frame.h"
#include "../list.h"
#include "inflate.h"
#include "read_at.h"

#define HEADER_FIXED 144u /* fields up to the mailbox counters */
#define SEARCH_BLOCK 65536u

/* Stack nodes may take this many times their size in the file, and some more. Recorders' take two to six times. */
#define EXPANSION 16u
#define EXPANSION_FREE (16u << 20)

int reader_bytes(const struct trace_input *input, uint64_t offset, void *bytes, size_t length) {
    if (input->bundle) return bundle_bytes(input->bundle, input->member, offset, bytes, length);
    return read_at(input->fd, offset, bytes, length);
}

uint64_t reader_next_data(const struct trace_input *input, uint64_t offset) {
    if (input->bundle) return bundle_next_data(input->member, offset);
    off_t at = lseek(input->fd, (off_t)offset, SEEK_DATA);
    return at >= 0 ? (uint64_t)at : errno == ENXIO ? input->size : offset;
}

static int refuse(struct reader_refusal *refusal, enum reader_error error, uint32_t detail, int code) {
    *refusal = (struct reader_refusal){error, detail};
    return code;
}

#define TEXT_OF(macro) TEXT_OF_VALUE(macro)
#define TEXT_OF_VALUE(value) #value

static const char *const explanations[] = {
    [READER_OK] = "is fine",
    [READER_UNREADABLE] = "cannot be read",
    [READER_DIRECTORY] = "is a directory; one trace file is needed here",
    [READER_SPECIAL] = "is no regular file: a trace is not read from its beginning to its end, so save it first",
    [READER_EMPTY] = "is empty: the recording never began, or the disk was full",
    [READER_FOREIGN] = "is not a Tidemark trace (it does not begin with TIDEMARK)",
    [READER_CUT] = "ends inside its header: nothing was recorded, or the copy is incomplete",
    [READER_VERSION] = ("has another format version; this tidemark reads version " TEXT_OF(
        TRACE_VERSION_MAJOR) ", use the one that recorded it"),
    [READER_FEATURES] = "uses features that this tidemark does not know; use a newer one",
    [READER_HEADER] = "has a damaged header; nothing in it can be trusted",
    [READER_BUNDLE] = "is a bundle that is damaged or holds no such trace",
};

struct reader_explanation reader_explain(const struct reader_refusal *refusal) {
    struct reader_explanation out;
    const char *what = explanations[refusal->error];
    switch (refusal->error) {
    case READER_UNREADABLE: snprintf(out.text, sizeof out.text, "%s: %s", what, strerror((int)refusal->detail)); break;
    case READER_VERSION: snprintf(out.text, sizeof out.text, "%s (found version %u)", what, refusal->detail); break;
    case READER_FEATURES: snprintf(out.text, sizeof out.text, "%s (feature bits 0x%x)", what, refusal->detail); break;
    default: snprintf(out.text, sizeof out.text, "%s", what);
    }
    return out;
}

static uint64_t field(const uint8_t *bytes, size_t at, unsigned width) {
    struct wire_reader r = wire_reader(bytes + at, width);
    return wire_get_fixed(&r, width);
}

static void parse_header(struct trace_header *h, const uint8_t *bytes) {
    h->major = (uint16_t)field(bytes, TRACE_AT_MAJOR, 2);
    h->minor = (uint16_t)field(bytes, TRACE_AT_MINOR, 2);
    h->size = (uint32_t)field(bytes, TRACE_AT_HEADER_SIZE, 4);
    memcpy(h->run_id, bytes + TRACE_AT_RUN_ID, sizeof h->run_id);
    h->pid = (uint32_t)field(bytes, TRACE_AT_PID, 4);
    h->stamp_source = bytes[TRACE_AT_STAMP_SOURCE];
    h->pointer_size = bytes[TRACE_AT_POINTER_SIZE];
    h->state = (uint32_t)field(bytes, TRACE_AT_STATE, 4);
    h->tail = field(bytes, TRACE_AT_TAIL, 8);
    h->lost = field(bytes, TRACE_AT_LOST, 8);
    h->mailbox_posted = (uint32_t)field(bytes, TRACE_AT_MAILBOX_HEAD, 4);
    h->mailbox_done = (uint32_t)field(bytes, TRACE_AT_MAILBOX_TAIL, 4);
}

static int read_header(struct trace_input *input, struct reader_refusal *refusal) {
    uint8_t bytes[HEADER_FIXED];
    size_t magic = sizeof TRACE_MAGIC - 1;
    size_t length = input->size < sizeof bytes ? (size_t)input->size : sizeof bytes;
    if (reader_bytes(input, 0, bytes, length)) return refuse(refusal, READER_UNREADABLE, EIO, -EIO);
    if (memcmp(bytes, TRACE_MAGIC, length < magic ? length : magic)) return refuse(refusal, READER_FOREIGN, 0, -EINVAL);
    if (length < sizeof bytes) return refuse(refusal, READER_CUT, 0, -EINVAL);
    parse_header(&input->header, bytes);
    uint32_t unknown = (uint32_t)field(bytes, TRACE_AT_INCOMPATIBLE, 4) & ~TRACE_FEATURES_KNOWN;
    if (input->header.major != TRACE_VERSION_MAJOR)
        return refuse(refusal, READER_VERSION, input->header.major, -EPROTONOSUPPORT);
    if (unknown) return refuse(refusal, READER_FEATURES, unknown, -EPROTONOSUPPORT);
    uint32_t size = input->header.size;
    if (size < HEADER_FIXED || size > TRACE_HEADER_MOST || size % 8) return refuse(refusal, READER_HEADER, 0, -EINVAL);
    return 0;
}

static int open_member(struct trace_input *input, const char *name, struct reader_refusal *refusal) {
    input->member = bundle_find(input->bundle, BUNDLE_TRACE, name);
    if (!input->member) return refuse(refusal, READER_BUNDLE, 0, -ENOENT);
    input->size = input->member->size;
    input->stored = input->member->stored;
    return input->size ? 0 : refuse(refusal, READER_EMPTY, 0, -EINVAL);
}

/* -ENOMSG: no bundle, and nothing was refused. */
static int open_bundle(struct trace_input *input, const char *path, struct reader_refusal *refusal) {
    const char *name = NULL;
    char *file = bundle_path_of(path, &name);
    int error = bundle_open(&input->bundle, file ? file : path);
    free(file);
    if (!error) return open_member(input, name, refusal);
    if (error == -EPROTONOSUPPORT) return refuse(refusal, READER_BUNDLE, 0, error);
    return error == -EBADMSG ? refuse(refusal, READER_BUNDLE, 0, error) : -ENOMSG;
}

static int open_file(struct trace_input *input, const char *path, struct reader_refusal *refusal) {
    input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (input->fd < 0) return refuse(refusal, READER_UNREADABLE, (uint32_t)errno, -errno);
    struct stat facts;
    if (fstat(input->fd, &facts)) return refuse(refusal, READER_UNREADABLE, (uint32_t)errno, -errno);
    if (S_ISDIR(facts.st_mode)) return refuse(refusal, READER_DIRECTORY, 0, -EISDIR);
    if (!S_ISREG(facts.st_mode)) return refuse(refusal, READER_SPECIAL, 0, -EINVAL);
    input->size = (uint64_t)facts.st_size;
    input->stored = (uint64_t)facts.st_blocks * 512 < input->size ? (uint64_t)facts.st_blocks * 512 : input->size;
    if (!input->size) return refuse(refusal, READER_EMPTY, 0, -EINVAL);
    return 0;
}

/*
 * Nodes stay in memory, and a small file must not ask for all of it; records are bounded in tables.c, events pass
 * through.
 */
static bool inflates_too_much(struct trace_input *input, const struct trace_frame *frame) {
    bool kept = frame->kind == TRACE_FRAME_NODES || trace_frame_is_slot(frame);
    if (!kept || frame->codec == TRACE_CODEC_NONE) return false;
    uint64_t stored = input->kept_stored + TRACE_FRAME_SIZE + frame->stored_length;
    uint64_t raw = input->kept_raw + frame->raw_length;
    if (raw > EXPANSION_FREE + EXPANSION * stored) return true;
    input->kept_stored = stored;
    input->kept_raw = raw;
    return false;
}

static int add_frame(struct trace_input *input, const struct trace_frame *frame, uint64_t offset) {
    struct frame_entry *added = LIST_ADD(input->frames, input->frame_count);
    if (!added) return -ENOMEM;
    *added = (struct frame_entry){*frame, offset, inflates_too_much(input, frame)};
    return 0;
}

/* A header begins with bytes that are not zero, and a file may claim more zeros than anybody can read. */
static uint64_t past_hole(const struct trace_input *input, uint64_t from) {
    uint64_t data = reader_next_data(input, from) & ~(uint64_t)7;
    return data > from ? data : from;
}

/* Offset of the next readable frame header at or after `from`, or `limit`. */
static uint64_t next_header(const struct trace_input *input, uint64_t from, uint64_t limit) {
    uint8_t block[SEARCH_BLOCK];
    while ((from = past_hole(input, from)) + TRACE_FRAME_SIZE <= limit) {
        size_t length = limit - from < sizeof block ? (size_t)(limit - from) : sizeof block;
        if (reader_bytes(input, from, block, length)) return limit;
        size_t at = 0;
        for (struct trace_frame frame; at + TRACE_FRAME_SIZE <= length; at += 8)
            if (trace_frame_decode(block + at, &frame, inflate_crc)) return from + at;
        from += at;
    }
    return limit;
}

static uint64_t scan_limit(struct trace_input *input) {
    uint64_t tail = input->header.tail;
    if (tail >= input->header.size && tail <= input->size) return tail;
    input->damage.tail = true;
    return input->size;
}

static uint64_t skip_gap(struct trace_input *input, uint64_t at, uint64_t limit) {
    uint64_t next = next_header(input, at + 8, limit);
    if (!input->damage.gaps++) input->damage.first_gap = at;
    input->damage.gap_bytes += next - at;
    return next;
}

static int scan_frames(struct trace_input *input) {
    uint64_t limit = scan_limit(input), at = input->scanned;
    while (at + TRACE_FRAME_SIZE <= limit) {
        uint8_t bytes[TRACE_FRAME_SIZE];
        struct trace_frame frame;
        if (reader_bytes(input, at, bytes, sizeof bytes)) break;
        uint64_t payload = at + TRACE_FRAME_SIZE;
        if (!trace_frame_decode(bytes, &frame, inflate_crc)) {
            at = skip_gap(input, at, limit);
            continue;
        }
        if (frame.stored_length > limit - payload) break; /* cut inside this frame */
        int error = add_frame(input, &frame, payload);
        if (error) return error;
        at = (payload + frame.stored_length + 7) & ~(uint64_t)7;
    }
    if (at < limit && input->damage.tail == false && limit - at >= TRACE_FRAME_SIZE) input->damage.tail = true;
    input->scanned = at;
    return 0;
}

int reader_open(struct trace_input *input, const char *path, struct reader_refusal *refusal) {
    *input = (struct trace_input){.fd = -1};
    *refusal = (struct reader_refusal){READER_OK, 0};
    int error = open_bundle(input, path, refusal);
    if (error == -ENOMSG) error = open_file(input, path, refusal);
    if (!error) error = read_header(input, refusal);
    if (!error) {
        input->path = strdup(path);
        input->scanned = input->header.size;
        error = input->path ? scan_frames(input) : -ENOMEM;
        if (error) refuse(refusal, READER_UNREADABLE, (uint32_t)-error, error);
    }
    if (error) reader_close(input);
    return error;
}

int reader_refresh(struct trace_input *input) {
    uint8_t bytes[HEADER_FIXED];
    struct stat facts;
    if (input->bundle) return 0;
    if (fstat(input->fd, &facts)) return -errno;
    if (reader_bytes(input, 0, bytes, sizeof bytes)) return -EIO;
    input->size = (uint64_t)facts.st_size;
    parse_header(&input->header, bytes);
    return scan_frames(input);
}

void reader_close(struct trace_input *input) {
    if (input->fd >= 0) close(input->fd);
    bundle_close(input->bundle);
    free(input->path);
    free(input->frames);
    *input = (struct trace_input){.fd = -1};
}

static int grow(uint8_t **bytes, size_t *capacity, size_t wanted) {
    if (wanted <= *capacity) return 0;
    uint8_t *grown = realloc(*bytes, wanted);
    if (!grown) return -ENOMEM;
    *bytes = grown;
    *capacity = wanted;
    return 0;
}

void payload_release(struct payload *payload) {
    free(payload->bytes);
    free(payload->stored);
    *payload = (struct payload){0};
}

static int read_plain(const struct trace_input *input, const struct frame_entry *entry, struct payload *payload) {
    size_t length = entry->frame.stored_length;
    if (length != entry->frame.raw_length) return -EBADMSG;
    if (grow(&payload->bytes, &payload->capacity, length)) return -ENOMEM;
    payload->length = length;
    if (reader_bytes(input, entry->offset, payload->bytes, length)) return -EIO;
    bool checked = !trace_frame_is_slot(&entry->frame);
    return checked && inflate_crc(payload->bytes, length) != entry->frame.crc ? -EBADMSG : 0;
}

static int read_deflated(const struct trace_input *input, const struct frame_entry *entry, struct payload *payload) {
    size_t stored = entry->frame.stored_length, raw = entry->frame.raw_length;
    if (grow(&payload->stored, &payload->stored_capacity, stored)) return -ENOMEM;
    if (grow(&payload->bytes, &payload->capacity, raw)) return -ENOMEM;
    if (reader_bytes(input, entry->offset, payload->stored, stored)) return -EIO;
    if (inflate_crc(payload->stored, stored) != entry->frame.crc) return -EBADMSG;
    payload->length = raw;
    return inflate_bytes(payload->stored, stored, payload->bytes, raw) ? -EBADMSG : 0;
}

int reader_payload(const struct trace_input *input, const struct frame_entry *entry, struct payload *payload) {
    if (entry->refused) return -EBADMSG;
    switch (entry->frame.codec) {
    case TRACE_CODEC_NONE: return read_plain(input, entry, payload);
    case TRACE_CODEC_DEFLATE: return read_deflated(input, entry, payload);
    default: return -EBADMSG;
    }
}
