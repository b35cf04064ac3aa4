/*
 * Samples of a target that makes no calls: its recorder takes them in its hooks, so that what a program only touches,
 * or has mapped and reads, would be seen at its next allocation.
 */
#ifndef BESIDE_SAMPLER_H
#define BESIDE_SAMPLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define SAMPLER_BODY_MAX 64u

struct sampler {
    const char *trace; /* last part of its path */
    int pid;
    int statm; /* of the target; -1: not looked for yet, -2: can't be known */
    clockid_t clock;
    uint64_t seen, told;          /* resident pages at the last look, and in the last sample */
    unsigned wait_ms;             /* until the next look: rarer while nothing happens */
    unsigned least_ms, passed_ms; /* between two looks; since the last */
};

/* `trace` must stay. The caller sets `pid`: the target's number, in its own PID namespace. */
void sampler_begin(struct sampler *sampler, const char *trace, unsigned least_ms);
void sampler_end(struct sampler *sampler);

/* The target has been active, and samples itself. */
void sampler_wait(struct sampler *sampler);

/*
 * After another `passed_ms`: looks if it is time, and tells whether the resident set has changed enough for a sample.
 */
bool sampler_look(struct sampler *sampler, unsigned passed_ms);

/*
 * The body of a memory record (FORMAT.md "Records") for that, of now. Returns its length; 0 when the target has gone.
 */
size_t sampler_take(struct sampler *sampler, uint64_t stamp, uint8_t body[SAMPLER_BODY_MAX]);

#endif
