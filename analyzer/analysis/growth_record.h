/*
 * What one stack did over the rounds of one series: live blocks by the round of their birth, how long freed ones lived,
 * and what the level was at the ends of rounds. Only rounds with live or lately released blocks take memory.
 *
 * Blocks released after the last round of the series, after the last work of the process, and after exit began are told
 * apart although nobody knows yet which was the last: each count carries the tag of its stretch, and is valid at the
 * end if the tag still is.
 */
#ifndef ANALYSIS_GROWTH_RECORD_H
#define ANALYSIS_GROWTH_RECORD_H

#include "growth_ends.h"
#include "growth_evidence.h"
#include "growth_lives.h"

struct tagged_amount {
    struct growth_amount amount;
    uint32_t tag;
};

struct record_round {
    uint32_t round; /* judged: raw >> shift */
    struct growth_amount live;
    struct tagged_amount after_rounds, after_work;
    struct growth_amount at_exit;
    uint64_t threads; /* bits of the births' threads, modulo 64 */
};

struct record_step { /* a container grew */
    uint32_t round;
    uint64_t from, bytes;
};

struct record {
    struct record *next; /* of the same stack */
    uint32_t stack, series;
    unsigned shift;
    uint64_t first;                       /* raw round of the first birth */
    uint64_t live;                        /* blocks */
    uint64_t process_first, process_last; /* live blocks of the process at the edges around its births */
    struct record_round *rounds;
    size_t round_count, round_room;
    uint64_t freed_at_once;     /* in the round of their birth */
    struct growth_lives *lives; /* of the others; NULL until there is one */
    struct growth_ends *ends;   /* of the others */
    uint64_t pending_at_once;   /* the same for the stretch `pending_tag`, which may lie after the last round */
    struct growth_lives *pending;
    uint32_t pending_tag;
    bool has_pending;
    uint32_t level_round; /* rounds before it are in the level */
    bool level_begun;
    uint64_t level_first, level_high;
    struct growth_level level;
    uint64_t stack_first; /* blocks of the stack at the last edge of a phase before the first of these births */
    uint64_t stack_live;  /* the same, whenever born, when its births were last added up */
    uint32_t *levels; /* the same at the ends of rounds, from levels_from on up to level_round; NULL: not kept yet */
    uint32_t levels_from, levels_room;
    struct record_step *steps; /* of the largest container */
    size_t step_count;
};

/* The stretches whose counts are valid. */
struct record_tags {
    uint32_t rounds, work;
};

/* A moment as a record sees it. */
struct record_time {
    unsigned shift; /* of the series */
    uint64_t raw;   /* round of the birth; for a release, the current one */
    bool between;   /* a release that may lie after the last round */
    uint32_t rounds_tag, work_tag;
    bool exiting;
};

/* Changes of blocks born in one round, all within a stretch in which time stands still for records. */
struct record_tally {
    struct growth_amount live;           /* born less ended: what the round gains, modulo 2^64 */
    struct growth_amount dead;           /* lives that ended, in the round of their birth */
    int64_t low;                         /* least live.blocks before a birth */
    uint64_t threads, threads_since_low; /* bits of the births' threads: all, and from the last birth at `low` on */
};
static inline void record_tally_birth(struct record_tally *tally, uint64_t bytes, uint32_t thread) {
    if ((int64_t)tally->live.blocks <= tally->low) {
        tally->low = (int64_t)tally->live.blocks;
        tally->threads_since_low = 0;
    }
    tally->threads_since_low |= 1ull << (thread & 63);
    tally->threads |= 1ull << (thread & 63);
    tally->live.blocks++;
    tally->live.bytes += bytes;
}
static inline void record_tally_death(struct record_tally *tally, uint64_t bytes) {
    tally->live.blocks--;
    tally->live.bytes -= bytes;
    tally->dead.blocks++;
    tally->dead.bytes += bytes;
}

struct record *record_new(uint32_t stack, uint32_t series, uint64_t raw, uint64_t process_blocks);
void record_release(struct record *record);
/* Something is born in the current round or ends there: makes room for the round. */
void record_open(struct record *record, const struct record_time *time);
/* What happened in the current round since it was opened. */
void record_add(struct record *record, const struct record_time *time, const struct record_tally *tally);
/* Grows or shrinks a live block's layer in place. */
void record_resize(struct record *record, const struct record_time *time, uint64_t birth, int64_t bytes);
/* Released: a life that ended. */
void record_death(struct record *record, const struct record_time *time, uint64_t birth, uint64_t bytes);
/* Handed to another stack or round; no life ended. */
void record_take_out(struct record *record, const struct record_time *time, uint64_t birth, uint64_t bytes);
/* A container grew from `from` to `bytes`, in this stack. */
void record_step(struct record *record, const struct record_time *time, uint64_t from, uint64_t bytes);
/* Brings the level up to the end of round `raw` - 1. */
void record_pass(struct record *record, unsigned shift, uint64_t raw);
/* Blocks of the stack, whenever born, at the end of a round that was passed; NAN where that is not known. */
double record_level(const struct record *record, uint32_t round);

/*
 * What is left of a round at the end of the process, if these were the last stretches: added to held, kept, exited and
 * never.
 */
void record_round_sum(struct growth_round *to, const struct record_round *from, struct record_tags tags);
/* The held part of that: of one round, and of all before round `count`. */
struct growth_amount record_round_held(const struct record_round *round, struct record_tags tags);
struct growth_amount record_held(const struct record *record, size_t count, struct record_tags tags);

#endif
