/*
 * The threads of a replay: the one that replays, and helpers on the other processors. Whoever has nothing to do of its
 * own takes the next piece of what there is, a chunk to decode or a batch to tell: no processor rests while there is
 * work, and no thread takes the place of another.
 *
 * One lock guards the crew and what its duties hand over; it is held for moments, a piece takes up to a millisecond.
 */
#ifndef REPLAY_CREW_H
#define REPLAY_CREW_H

#include <pthread.h>
#include <stdbool.h>

#define CREW_HELPERS 16u
#define CREW_DUTIES 2u

struct crew_duty {
    void *self;
    /*
     * Does one piece of the work, if there is one, and returns whether. Called and left with the lock held, which it
     * lets go for the work itself. `hand` is the thread: 0 replays, helpers follow. `pressing`: only what may be waited
     * for soon.
     */
    bool (*step)(void *self, unsigned hand, bool pressing);
};

struct crew;
struct crew_helper {
    struct crew *crew;
    unsigned hand;
    pthread_t thread;
};

struct crew {
    pthread_mutex_t lock;
    pthread_cond_t offered, finished; /* helpers wait for the first, the replay's thread for the second */
    struct crew_duty duties[CREW_DUTIES];
    unsigned duty_count, helper_count;
    struct crew_helper helpers[CREW_HELPERS];
    bool stop;
};

void crew_begin(struct crew *crew);
/* Only before the start. What is pressing is done in the order of the duties. */
void crew_add(struct crew *crew, struct crew_duty duty);
/* Starts as many helpers as can be had. */
void crew_start(struct crew *crew, unsigned helpers);
void crew_end(struct crew *crew);

/*
 * By the replay's thread, with the lock held, until what it needs is there: does a piece of work, or sleeps until a
 * helper has.
 */
void crew_wait(struct crew *crew);
/* With the lock held: there is enough to do to wake the helpers that sleep. */
void crew_offer(struct crew *crew);

#endif
