/*
 * Replays a trace: all events of all threads in the order of their stamps, told to analyses as the life of blocks.
 *
 * One pass. Memory follows the live blocks, the stacks and the threads active at once, not the number of events: chunks
 * are opened when their time has come and dropped after it. Decoding runs ahead on other threads.
 */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include "../analysis/analysis.h"
#include "../input/trace.h"
#include "model.h"

struct replay_options {
    unsigned workers;                                                    /* threads, this one included */
    const struct block_choice *choice;                                   /* for the analyses' facts; may be NULL */
    const struct function_watch *watch;                                  /* likewise */
    void (*progress)(void *context, uint64_t events, uint64_t expected); /* now and then; may be NULL */
    void *context;
};

/* Processors that may be used, for `workers`. */
unsigned replay_workers(void);

struct replay_result {
    struct model_counts counts;
    struct moment end;  /* the last moment, with what is live */
    bool ended_by_exec; /* an exec was tried and nothing of this process follows */
    uint64_t cut_rings; /* rings whose last event was cut */
};

/*
 * `selves[i]` is what analyses[i]->begin() gave and holds its results afterwards; releasing it is the caller's, also
 * after an error (NULL where it was not begun). Damage met on the way is added to trace->input.damage.
 * 0, -ENOMEM, -E2BIG (too many analyses), or the error of an analysis.
 */
int replay_trace(struct trace *trace, const struct analysis *const *analyses, void **selves, size_t count,
                 const struct replay_options *options, struct replay_result *result);

#endif
