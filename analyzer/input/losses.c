/*
 * Finds what is missing of a trace. See losses.h. Thread by thread, so that one decoder is enough.
 */
#include "losses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../list.h"
#include "decode.h"

struct piece { /* of a thread's events: a frame or what its ring still held */
    uint32_t thread;
    bool ring;
    size_t number;
};

struct thread_check {
    const struct trace *trace;
    struct losses *losses;
    struct decode_state *state;
    struct decoded decoded;
    struct payload payload;
    uint32_t thread;
    uint64_t end;   /* of the positions seen */
    uint64_t stamp; /* the last one seen, 0 before the first */
    bool broken;    /* the last frame can't be gone on after */
    int error;
};

static void add(struct thread_check *check, struct loss loss) {
    struct losses *losses = check->losses;
    struct loss *row = LIST_ADD(losses->rows, losses->count);
    if (!row) check->error = -ENOMEM;
    if (!row) return;
    loss.thread = check->thread;
    *row = loss;
    losses->events = losses->events + loss.events < loss.events ? UINT64_MAX : losses->events + loss.events;
}

static uint64_t least_events(uint64_t words) {
    return words / TRACE_EVENT_MAX_WORDS + !!(words % TRACE_EVENT_MAX_WORDS);
}

/* What an earlier repair has written down is not found again. */
static bool is_known(const struct thread_check *check, uint64_t stamp) {
    const struct tables *tables = &check->trace->tables;
    for (size_t i = 0; i < tables->loss_count; i++) {
        const struct loss_record *loss = &tables->losses[i];
        if (loss->cause == TRACE_LOSS_DAMAGE && loss->thread == check->thread && loss->last_stamp <= stamp &&
            loss->first_stamp >= check->stamp)
            return true;
    }
    return false;
}

/* Positions from the last piece up to this one are in none. */
static void find_hole(struct thread_check *check, uint64_t first, uint64_t stamp) {
    if (first <= check->end) return;
    check->broken = true;
    if (is_known(check, stamp)) return;
    add(check, (struct loss){.why = LOSS_MISSING,
                             .first = check->end,
                             .end = first,
                             .first_stamp = check->stamp && check->stamp < stamp ? check->stamp : stamp,
                             .last_stamp = stamp,
                             .events = least_events(first - check->end),
                             .estimated = true});
}

static bool decodes(struct thread_check *check, const struct frame_entry *entry) {
    if (reader_payload(&check->trace->input, entry, &check->payload)) return false;
    int error = decode_events(check->state, check->payload.bytes, check->payload.length, &check->decoded);
    return !error && check->decoded.count == entry->frame.count;
}

static void check_frame(struct thread_check *check, size_t number) {
    const struct frame_entry *entry = &check->trace->input.frames[number];
    const struct trace_frame *frame = &entry->frame;
    if (frame->end <= frame->first || frame->first < check->end) {
        check->losses->left_out[number] = true;
        return;
    }
    find_hole(check, frame->first, frame->first_stamp);
    bool continues = frame->flags & TRACE_FRAME_CONTINUES, detached = continues && check->broken;
    if (!continues) decode_forget(check->state);
    check->broken = detached || !decodes(check, entry);
    check->losses->left_out[number] = check->broken;
    if (check->broken)
        add(check, (struct loss){.why = detached ? LOSS_DETACHED : LOSS_DAMAGED,
                                 .first = frame->first,
                                 .end = frame->end,
                                 .first_stamp = frame->first_stamp,
                                 .last_stamp = frame->last_stamp,
                                 .events = frame->count});
    check->end = frame->end;
    check->stamp = frame->last_stamp;
}

/* What follows an event that is cut or invalid can't be told apart. */
static void check_words(struct thread_check *check, uint64_t stamp, uint64_t first, const uint64_t *words,
                        size_t count) {
    size_t whole = recover_whole(words, count);
    if (whole == count) return;
    add(check, (struct loss){.why = LOSS_DAMAGED,
                             .first = first + whole,
                             .end = first + count,
                             .first_stamp = stamp,
                             .last_stamp = stamp,
                             .events = least_events(count - whole),
                             .estimated = true});
}

static void check_ring(struct thread_check *check, size_t number) {
    const struct ring_rest *rest = &check->trace->recovery.rings[number];
    if (rest->count + rest->nested < 2) return; /* not one event */
    find_hole(check, rest->first, rest->words[1]);
    check_words(check, rest->words[1], rest->first, rest->words, rest->count);
    check_words(check, rest->words[1], rest->first + rest->count, rest->words + rest->count, rest->nested);
    check->end = rest->first + rest->count;
}

static void check_piece(struct thread_check *check, const struct piece *piece) {
    if (piece->thread != check->thread) {
        check->thread = piece->thread;
        check->end = 0;
        check->stamp = 0;
        check->broken = true;
    }
    if (piece->ring) check_ring(check, piece->number);
    else check_frame(check, piece->number);
}

static int by_thread(const void *a, const void *b) {
    const struct piece *left = a, *right = b;
    if (left->thread != right->thread) return left->thread < right->thread ? -1 : 1;
    if (left->ring != right->ring) return left->ring ? 1 : -1;
    return left->number < right->number ? -1 : left->number > right->number;
}

static size_t collect(const struct trace *trace, struct piece *pieces) {
    size_t count = 0;
    for (size_t i = 0; i < trace->input.frame_count; i++)
        if (trace->input.frames[i].frame.kind == TRACE_FRAME_EVENTS)
            pieces[count++] = (struct piece){trace->input.frames[i].frame.thread, false, i};
    for (size_t i = 0; i < trace->recovery.ring_count; i++)
        pieces[count++] = (struct piece){trace->recovery.rings[i].thread, true, i};
    qsort(pieces, count, sizeof *pieces, by_thread);
    return count;
}

int losses_find(struct losses *losses, const struct trace *trace) {
    size_t frames = trace->input.frame_count, state_size = (decode_state_size() + 63) & ~(size_t)63;
    struct piece *pieces = calloc(frames + trace->recovery.ring_count + 1, sizeof *pieces);
    struct thread_check check = {.trace = trace, .losses = losses, .state = aligned_alloc(64, state_size)};
    check.decoded.events = malloc(DECODE_MAX_EVENTS * sizeof *check.decoded.events);
    check.decoded.marks = malloc(DECODE_MAX_EVENTS * sizeof *check.decoded.marks);
    check.thread = UINT32_MAX;
    check.broken = true;
    *losses = (struct losses){.left_out = calloc(frames + 1, sizeof *losses->left_out)};
    bool fits = pieces && check.state && check.decoded.events && check.decoded.marks && losses->left_out;
    if (!fits) check.error = -ENOMEM;
    if (!check.error) {
        memset(check.state, 0, state_size);
        size_t count = collect(trace, pieces);
        for (size_t i = 0; i < count; i++) check_piece(&check, &pieces[i]);
    }
    payload_release(&check.payload);
    free(check.state);
    free(check.decoded.events);
    free(check.decoded.marks);
    free(pieces);
    return check.error;
}

void losses_release(struct losses *losses) {
    free(losses->rows);
    free(losses->left_out);
    *losses = (struct losses){0};
}
