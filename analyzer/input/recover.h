/*
 * What the slots of a trace hold and no frame does: the last moments before the process died, or before this look at a
 * trace that is still being written (FORMAT.md §4).
 *
 * Nothing is taken twice: positions that a good frame holds are left out. In a live file the slots are copied first and
 * the frames that appeared meanwhile are read afterwards, so that no event falls between the two.
 */
#ifndef INPUT_RECOVER_H
#define INPUT_RECOVER_H

#include "reader.h"

struct ring_rest {
    uint32_t thread; /* serial */
    uint32_t tid;
    size_t frame;   /* of the slot, in the input's frames */
    uint64_t first; /* position of words[0] */
    uint64_t *words;
    size_t count; /* words of the data area, then `nested` words of the nested queue */
    size_t nested;
};

struct recovery {
    struct ring_rest *rings; /* in file order, none empty */
    size_t ring_count;
    uint8_t *journal; /* whole records, as far as they go */
    size_t journal_length;
    uint64_t journal_first; /* position */
    size_t journal_frame;   /* of its slot */
    size_t frames_seen;
    bool bad_slots; /* a control page made no sense; what it held is lost */
};

/* May add frames to `input` (reader_refresh). 0 or -ENOMEM. */
int recover_slots(struct trace_input *input, struct recovery *out);
void recovery_release(struct recovery *recovery);

/*
 * The events in ring words: as many whole, known ones as there are, at most `capacity`. *used is set to the words they
 * took; fewer than `count` means that the rest is cut or invalid (or that capacity was reached).
 */
size_t recover_events(const uint64_t *words, size_t count, struct trace_event *events, size_t capacity, size_t *used);

/* How many of these words whole, known events take before the first that is cut or invalid. */
size_t recover_whole(const uint64_t *words, size_t count);

/* Requests that were posted and not served when the process died, as control events without a thread. */
struct mailbox_request {
    uint32_t command; /* enum trace_command */
    uint32_t flags;
    uint64_t stamp; /* 0: unknown */
    char name[256];
};
/* Returns how many, at most TRACE_MAILBOX_SLOTS. */
size_t recover_mailbox(const struct trace_input *input, struct mailbox_request requests[TRACE_MAILBOX_SLOTS]);

#endif
