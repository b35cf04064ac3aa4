/*
 * Tells block events to the analyses that take many at once, and in between whatever else these are told, all in the
 * order in which it came. As a duty of a crew it does so some thousand events later, on whichever thread has time.
 *
 * Filled by the model, on the replay's thread. Memory: TELLER_BATCHES batches, however long the trace.
 */
#ifndef REPLAY_TELLER_H
#define REPLAY_TELLER_H

#include "../analysis/analysis.h"
#include "crew.h"

#define TELLER_ANALYSES 12u
#define TELLER_PIECE 256u   /* events that stay in the first-level cache while all analyses look at them */
#define TELLER_EVENTS 4096u /* handed over at once: waking a thread takes as long as some hundred events */
#define TELLER_MESSAGES 64u
#define TELLER_BATCHES 12u /* how far replay and telling may be apart; more than caches hold is slower */

enum teller_message_kind { TELLER_CONTROL, TELLER_SAMPLE, TELLER_FAILED };
struct teller_message {
    enum teller_message_kind kind;
    uint32_t after; /* so many events of the batch */
    struct moment now;
    union {
        struct control control; /* its name outlives the replay */
        struct memory_sample sample;
        struct {
            uint64_t size;
            uint32_t stack;
        } failed;
    };
};

struct teller_batch {
    uint32_t count, message_count;
    struct block_event events[TELLER_EVENTS];
    struct teller_message messages[TELLER_MESSAGES];
};

struct teller_hook {
    void *self;
    const struct analysis *analysis;
};

struct teller {
    struct teller_batch *batch;    /* being filled */
    struct block_event *at, *full; /* its next event, and where there is no room for one */
    struct teller_batch *batches;
    struct teller_hook hooks[TELLER_ANALYSES];
    unsigned hook_count;
    uint32_t room;       /* events of a batch */
    struct crew *crew;   /* its lock guards the rest; NULL: all is told at once */
    size_t filled, told; /* batches */
    bool telling;        /* somebody is */
};

/* 0 or -ENOMEM. */
int teller_begin(struct teller *teller);
/* Only before anything is told. */
void teller_add(struct teller *teller, const struct analysis *analysis, void *self);
/* From now on analyses are called by the crew, which has not started yet. */
void teller_join(struct teller *teller, struct crew *crew);
/* All is told when it returns, and analyses belong to the caller again. The crew is still there. */
void teller_finish(struct teller *teller);
void teller_end(struct teller *teller);

void teller_pass(struct teller *teller); /* the batch is full */

/* To be filled in, before the next call of the teller. */
static inline struct block_event *teller_event(struct teller *teller) {
    if (teller->at == teller->full) teller_pass(teller);
    return teller->at++;
}

/* Kind and content to be filled in likewise. */
struct teller_message *teller_message(struct teller *teller, const struct moment *now);

#endif
