/*
 * The growths of a container against the work (growth_container.h).
 */
#include "growth_container.h"

#include <string.h>

#include "growth_trend.h"

#define HIGHER 1.02   /* a round with so much more work than any before may need a larger container */
#define MUCH_WORK 100 /* allocations a round */
#define CONTAINER_STEPS 3
#define CONTAINER_SLACK 1.05 /* how far the growth of a container may stray from a straight line */
#define MOST_ENTRY 64        /* bytes of a container for each block that it holds, */
#define LEAST_ENTRY 2        /* and at least */
#define FADING 0.65          /* the last growth's rate against the average before it */

/* Work done before this round, and with it. */
struct span {
    double before, after;
};

static struct span work_until(const struct growth_evidence *evidence, uint32_t round) {
    struct span span = {0, 0};
    for (uint32_t i = 0; i <= round && i < evidence->count; i++) {
        double work = evidence->rounds[i].work;
        span.before = span.after;
        span.after += work > 0 ? work : 1;
    }
    return span;
}

/* Whether the last growth was, at best, much slower to come than those before it, at worst. */
static bool growth_fades(const struct growth_evidence *evidence) {
    const struct growth_step *last = &evidence->steps[evidence->step_count - 1], *before = last - 1;
    struct span now = work_until(evidence, last->round), then = work_until(evidence, before->round);
    double rate = ((double)last->bytes - (double)before->bytes) / (now.after - then.before);
    return then.before <= 0 || rate < FADING * (double)before->bytes / then.before;
}

/*
 * A container whose capacity follows the work on a straight line: every two growths give an interval for the bytes per
 * unit of work (in which round a growth fell is known, not where in it), and the intervals have a value in common.
 */
static bool grows_with_work(const struct growth_evidence *evidence, size_t from) {
    double low = 0, high = INFINITY;
    for (size_t i = from; i < evidence->step_count; i++) {
        const struct growth_step *step = &evidence->steps[i], *last = step - 1;
        struct span now = work_until(evidence, step->round), then = work_until(evidence, last->round);
        double bytes = (double)step->bytes - (double)last->bytes;
        low = fmax(low, bytes / (now.after - then.before));
        if (now.before > then.after) high = fmin(high, bytes / (now.before - then.after));
    }
    return low <= high * CONTAINER_SLACK && !growth_fades(evidence);
}

/*
 * Whether the container would have grown again by now if the work still filled it. Where allocations are the only work
 * known, its own growths are among them: it may be overdue by rounds, too.
 */
static bool overdue(const struct growth_evidence *evidence) {
    const struct growth_step *last = &evidence->steps[evidence->step_count - 1];
    double most = CONTAINER_SLACK * (double)last->bytes / (double)last[-1].bytes;
    double done = work_until(evidence, (uint32_t)evidence->count - 1).after;
    bool by_rounds = (double)evidence->count > most * (last->round + 1);
    return done > most * work_until(evidence, last->round).after || (evidence->work_is_events && by_rounds);
}

/*
 * Whether it grew in rounds with more work than any before, and in no other: as large as its input is. Where
 * allocations are the only work known, its own must be few among them.
 */
static bool grows_on_records(const struct growth_evidence *evidence, size_t from) {
    double most = 0, first = evidence->rounds[evidence->first].work;
    if (evidence->work_is_events && first < MUCH_WORK) return false;
    for (uint32_t i = 0, step = 0; i < evidence->count; i++) {
        bool record = evidence->rounds[i].work > HIGHER * most;
        for (; step < evidence->step_count && evidence->steps[step].round <= i; step++)
            if (step >= from && !record) return false;
        if (record) most = evidence->rounds[i].work;
    }
    return most > RECORD * first;
}

static size_t first_warm_step(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    size_t from = 1;
    while (from < evidence->step_count && evidence->steps[from].round < selection->warm_up) from++;
    return from;
}

bool container_follows_work(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    size_t from = first_warm_step(selection);
    if (evidence->step_count < from + CONTAINER_STEPS || grows_on_records(evidence, from)) return false;
    return !overdue(evidence) && grows_with_work(evidence, from);
}

/* Whether there were more blocks at each growth than at the one before. */
static bool blocks_came_along(const struct growth_evidence *evidence, size_t from) {
    for (size_t i = from; i < evidence->step_count; i++) {
        double then = evidence->rounds[evidence->steps[i - 1].round].process;
        if (then <= 0 || evidence->rounds[evidence->steps[i].round].process <= then) return false;
    }
    return true;
}

/* How many came while it grew: about as many as it has room for. */
static bool blocks_fill_it(const struct growth_evidence *evidence, size_t from) {
    const struct growth_step *last = &evidence->steps[evidence->step_count - 1], *first = &evidence->steps[from - 1];
    double blocks = evidence->rounds[last->round].process - evidence->rounds[first->round].process;
    return blocks * MOST_ENTRY >= (double)last[-1].bytes && blocks * LEAST_ENTRY <= (double)last[-1].bytes;
}

bool container_contents_slow(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    size_t from = first_warm_step(selection);
    if (evidence->step_count < from + CONTAINER_STEPS || !blocks_came_along(evidence, from)) return false;
    if (!blocks_fill_it(evidence, from)) return false;
    struct growth_round rounds[GROWTH_MOST_ROUNDS];
    struct growth_evidence contents = *evidence;
    struct selection all = {.evidence = &contents, .by_rounds = evidence->work_is_events};
    double most = 0;
    contents.rounds = rounds;
    memcpy(rounds, evidence->rounds, evidence->count * sizeof *rounds);
    for (uint32_t i = 0; i < evidence->count; i++) {
        rounds[i].held.blocks = (uint64_t)fmax(0, evidence->rounds[i].process - most); /* not what replaces others */
        most = fmax(most, evidence->rounds[i].process);
        if (i >= selection->warm_up && i > evidence->first && !rounds[i].skip) selection_take(&all, i);
    }
    return trend_slows(&all);
}
