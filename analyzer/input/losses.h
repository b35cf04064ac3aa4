/*
 * What is missing of a trace, and where: the holes between the positions that its events frames and rings hold.
 *
 * Frames of a thread go on where the last one ended (FORMAT.md "Event columns"), so a bad one takes those behind it
 * along, up to the next that begins anew. `info --verify` tells of these losses, `repair` leaves such frames out and
 * writes them down.
 */
#ifndef INPUT_LOSSES_H
#define INPUT_LOSSES_H

#include "trace.h"

enum loss_why {
    LOSS_MISSING,  /* no frame holds these positions */
    LOSS_DAMAGED,  /* the content is bad */
    LOSS_DETACHED, /* it goes on after a frame that is missing or damaged */
};

struct loss {
    uint32_t thread; /* serial */
    enum loss_why why;
    uint64_t first, end; /* positions */
    uint64_t first_stamp, last_stamp;
    uint64_t events;
    bool estimated; /* `events` is the least that can have been there */
};

struct losses {
    struct loss *rows; /* thread by thread, ascending */
    size_t count;
    uint64_t events;
    bool *left_out; /* by frame: events that nobody can use, or that are there twice */
};

/* Decodes all events. 0 or -ENOMEM. */
int losses_find(struct losses *losses, const struct trace *trace);
void losses_release(struct losses *losses);

#endif
