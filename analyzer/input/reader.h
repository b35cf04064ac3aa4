/*
 * A trace file as bytes: its header and a list of its frames (FORMAT.md §1, §2).
 *
 * The file may be live and growing, cut anywhere or damaged; whatever is whole is found, the rest is counted in
 * `damage`. Read through pread, so a file that shrinks meanwhile is damage and not a signal. Nothing is believed before
 * its CRC or its bounds were checked. A `struct trace_input` may be read by several threads after reader_open.
 */
#ifndef INPUT_READER_H
#define INPUT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../include/trace_format.h"
#include "bundle.h"

enum reader_error {
    READER_OK,
    READER_UNREADABLE, /* the system's error follows in `detail` */
    READER_DIRECTORY,
    READER_EMPTY,
    READER_SPECIAL,  /* a pipe or a device */
    READER_FOREIGN,  /* no trace at all */
    READER_CUT,      /* shorter than the fixed fields of a header */
    READER_VERSION,  /* major version in `detail` */
    READER_FEATURES, /* unknown incompatible bits in `detail` */
    READER_HEADER,   /* a field of the header is impossible */
    READER_BUNDLE,   /* a damaged bundle, or one without this trace */
};

struct reader_refusal {
    enum reader_error error;
    uint32_t detail;
};

struct trace_header {
    uint16_t major, minor;
    uint32_t size;
    uint8_t run_id[16];
    uint32_t pid;
    uint8_t stamp_source;
    uint8_t pointer_size;
    uint32_t state;
    uint64_t tail;
    uint64_t lost;
    uint32_t mailbox_posted, mailbox_done;
};

struct frame_entry {
    struct trace_frame frame;
    uint64_t offset; /* of the payload */
    bool refused;    /* it would inflate to more than what a recorder writes */
};

struct trace_damage {
    uint64_t gaps; /* places where no frame header could be read */
    uint64_t gap_bytes;
    uint64_t first_gap; /* offset; meaningful if gaps > 0 */
    uint64_t payloads;  /* frames whose payload is bad */
    uint64_t events;    /* events that were in bad frames, as their headers say */
    uint64_t records;   /* records that don't parse */
    bool tail;          /* the header's tail lies outside the file: it was cut */
};

struct trace_input {
    char *path;
    int fd;
    struct bundle *bundle; /* that the trace is a member of; NULL: a file of its own */
    const struct bundle_member *member;
    uint64_t size;
    uint64_t stored; /* bytes on the disk: slots are holes after a clean end */
    struct trace_header header;
    struct frame_entry *frames; /* in file order, every kind */
    size_t frame_count;
    uint64_t scanned;               /* frames end here */
    uint64_t kept_stored, kept_raw; /* of the compressed frames whose content stays in memory */
    struct trace_damage damage;     /* of frames; each consumer adds what it meets, on one thread */
};

/* A file, a bundle (its first trace) or FILE/NAME, a trace of a bundle. 0, or -errno with the reason in *refusal. */
int reader_open(struct trace_input *input, const char *path, struct reader_refusal *refusal);
void reader_close(struct trace_input *input);

/* One sentence for a person, without the path: what is wrong and what to do. */
struct reader_explanation {
    char text[256];
} reader_explain(const struct reader_refusal *refusal);

/* Reads the header's live fields again and adds frames that were written since. 0 or -errno. */
int reader_refresh(struct trace_input *input);

/* Exactly `length` bytes, or -EIO (end of file or error). */
int reader_bytes(const struct trace_input *input, uint64_t offset, void *bytes, size_t length);

/* The first offset from this one on that may hold something else than zeros; the size where there is none. */
uint64_t reader_next_data(const struct trace_input *input, uint64_t offset);

/* Memory for payloads; grows, reused. Zeroed before the first use. */
struct payload {
    uint8_t *bytes; /* decoded */
    size_t length;
    size_t capacity;
    uint8_t *stored;
    size_t stored_capacity;
};
void payload_release(struct payload *payload);

/* Reads, checks and decodes a frame's payload. 0, -EIO, -EBADMSG (CRC or content), -ENOMEM. Any thread, own payload. */
int reader_payload(const struct trace_input *input, const struct frame_entry *entry, struct payload *payload);

#endif
