/* Bookkeeping of one stack in one series; called by growth_stacks.c for every change, and by who reads the result. */
#include "growth_record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../must.h"

#define MOST_STEPS 64u
#define LEAST_LEVEL 16u

struct record *record_new(uint32_t stack, uint32_t series, uint64_t raw, uint64_t process_blocks) {
    struct record *record = must(calloc(1, sizeof *record));
    record->stack = stack;
    record->series = series;
    record->first = raw;
    record->process_first = record->process_last = process_blocks;
    record->level.steady_after_warm_up = true;
    return record;
}

void record_release(struct record *record) {
    free(record->rounds);
    free(record->lives);
    free(record->ends);
    free(record->pending);
    free(record->steps);
    free(record->levels);
    free(record);
}

static void add(struct growth_amount *to, const struct growth_amount *amount) {
    to->blocks += amount->blocks;
    to->bytes += amount->bytes;
}

static void add_tagged(struct tagged_amount *to, uint32_t tag, const struct growth_amount *amount) {
    if (to->tag != tag) *to = (struct tagged_amount){.tag = tag};
    add(&to->amount, amount);
}

/* Two rounds become one; of amounts with different tags the later stretch counts. */
static void join(struct record_round *into, const struct record_round *from) {
    add(&into->live, &from->live);
    add(&into->at_exit, &from->at_exit);
    if (from->after_rounds.tag >= into->after_rounds.tag)
        add_tagged(&into->after_rounds, from->after_rounds.tag, &from->after_rounds.amount);
    if (from->after_work.tag >= into->after_work.tag)
        add_tagged(&into->after_work, from->after_work.tag, &from->after_work.amount);
    into->threads |= from->threads;
}

/* Of two rounds the second one's end is that of both. */
static void pair_levels(struct record *record) {
    uint32_t from = record->levels_from / 2;
    for (uint32_t round = from; record->levels && round < record->level_round / 2; round++)
        record->levels[round - from] = record->levels[2 * round + 1 - record->levels_from];
    record->levels_from = from;
}

static void pair_rounds(struct record *record) {
    size_t kept = 0;
    for (size_t i = 0; i < record->round_count; i++) {
        struct record_round round = record->rounds[i];
        round.round >>= 1;
        if (kept > 0 && record->rounds[kept - 1].round == round.round) join(&record->rounds[kept - 1], &round);
        else record->rounds[kept++] = round;
    }
    record->round_count = kept;
    for (size_t i = 0; i < record->step_count; i++) record->steps[i].round >>= 1;
    if (record->lives) growth_lives_halve(record->lives);
    if (record->pending) growth_lives_halve(record->pending);
    pair_levels(record);
    record->level_round >>= 1;
    record->level.rises = (record->level.rises + 1) / 2;
    record->level.last_rise >>= 1;
    record->level.unchanged /= 2;
    record->level.sum /= 2;
    record->shift++;
}

/*
 * A cache that was full before the series began has as many blocks as ever, and ever more that were born in the series.
 * So the level of all is kept, from when blocks are seen to go that outlived their round, where there are not only a
 * few.
 */
static void keep_levels(struct record *record, uint32_t rounds) {
    if (!record->levels && (!record->lives || record->stack_live < LEAST_LEVEL)) return;
    if (!record->levels) record->levels_from = record->level_round;
    uint32_t count = record->level_round - record->levels_from;
    if (!record->levels || count + rounds > record->levels_room) {
        record->levels_room = (count + rounds) * 2;
        record->levels = must(realloc(record->levels, record->levels_room * sizeof *record->levels));
    }
    uint32_t level = record->stack_live < UINT32_MAX ? (uint32_t)record->stack_live : UINT32_MAX;
    for (uint32_t i = 0; i < rounds; i++) record->levels[count + i] = level;
}

double record_level(const struct record *record, uint32_t round) {
    bool known = record->levels && round >= record->levels_from && round < record->level_round;
    return known ? record->levels[round - record->levels_from] : NAN;
}

static void see_level(struct record *record, uint64_t level, uint32_t rounds) {
    struct growth_level *seen = &record->level;
    if (!record->level_begun) record->level_first = level;
    record->level_begun = true;
    if (level > record->level_first) seen->steady_after_warm_up = false;
    if (record->level_high > 0 && level * 2 <= record->level_high) {
        seen->falls++;
        record->level_high = 0;
    }
    if (level > record->level_high) record->level_high = level;
    if (level > seen->peak) {
        seen->peak = level;
        seen->rises++;
        seen->last_rise = record->level_round;
    }
    seen->unchanged = level == seen->last ? seen->unchanged + rounds : rounds;
    seen->sum += level * rounds;
    seen->last = level;
    keep_levels(record, rounds);
}

void record_pass(struct record *record, unsigned shift, uint64_t raw) {
    while (record->shift < shift) pair_rounds(record);
    uint32_t now = (uint32_t)(raw >> shift);
    if (!record->level_begun) record->level_round = (uint32_t)(record->first >> shift);
    if (now <= record->level_round) return;
    see_level(record, record->live, now - record->level_round);
    record->level_round = now;
}

/* Rounds that hold nothing and released nothing lately say nothing any more. */
static void forget_empty_rounds(struct record *record, const struct record_time *time) {
    size_t kept = 0;
    for (size_t i = 0; i < record->round_count; i++) {
        const struct record_round *round = &record->rounds[i];
        bool late = round->after_rounds.amount.blocks && round->after_rounds.tag == time->rounds_tag && time->between;
        if (round->live.blocks || round->at_exit.blocks || late) record->rounds[kept++] = *round;
    }
    record->round_count = kept;
}

static void make_room(struct record *record, const struct record_time *time) {
    forget_empty_rounds(record, time);
    if (record->round_count * 2 < record->round_room) return;
    record->round_room = record->round_room ? record->round_room * 2 : 4;
    record->rounds = must(realloc(record->rounds, record->round_room * sizeof *record->rounds));
}

static size_t find_round(const struct record *record, uint32_t round) {
    size_t low = 0, high = record->round_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (record->rounds[middle].round < round) low = middle + 1;
        else high = middle;
    }
    return low;
}

static struct record_round *round_of(struct record *record, const struct record_time *time, uint64_t birth) {
    uint32_t round = (uint32_t)(birth >> time->shift);
    size_t at = record->round_count;
    if (at == 0 || record->rounds[at - 1].round != round) at = find_round(record, round);
    else at--;
    if (at < record->round_count && record->rounds[at].round == round) return &record->rounds[at];
    if (record->round_count == record->round_room) {
        make_room(record, time);
        at = find_round(record, round);
    }
    memmove(&record->rounds[at + 1], &record->rounds[at], (record->round_count++ - at) * sizeof *record->rounds);
    record->rounds[at] = (struct record_round){.round = round};
    return &record->rounds[at];
}

void record_open(struct record *record, const struct record_time *time) {
    record_pass(record, time->shift, time->raw);
    round_of(record, time, time->raw);
}

void record_resize(struct record *record, const struct record_time *time, uint64_t birth, int64_t bytes) {
    record_pass(record, time->shift, time->raw);
    round_of(record, time, birth)->live.bytes += (uint64_t)bytes;
}

static void settle_pending(struct record *record) {
    record->freed_at_once += record->pending_at_once;
    record->pending_at_once = 0;
    record->has_pending = false;
    if (!record->pending) return;
    if (!record->lives) record->lives = must(calloc(1, sizeof *record->lives));
    growth_lives_merge(record->lives, record->pending);
    free(record->pending);
    record->pending = NULL;
}

static void note_lives(struct record *record, const struct record_time *time, uint64_t rounds, uint64_t blocks) {
    if (record->has_pending && !(time->between && record->pending_tag == time->rounds_tag)) settle_pending(record);
    record->has_pending = time->between;
    record->pending_tag = time->rounds_tag;
    if (rounds == 0) {
        *(time->between ? &record->pending_at_once : &record->freed_at_once) += blocks;
        return;
    }
    struct growth_lives **lives = time->between ? &record->pending : &record->lives;
    if (!*lives) *lives = must(calloc(1, sizeof **lives));
    growth_lives_add(*lives, rounds, blocks);
}

static void note_release(struct record_round *round, const struct record_time *time,
                         const struct growth_amount *amount) {
    if (time->between) add_tagged(&round->after_rounds, time->rounds_tag, amount);
    add_tagged(&round->after_work, time->work_tag, amount);
    if (time->exiting) add(&round->at_exit, amount);
}

void record_death(struct record *record, const struct record_time *time, uint64_t birth, uint64_t bytes) {
    struct growth_amount amount = {1, bytes};
    record_take_out(record, time, birth, bytes);
    uint64_t born = birth >> time->shift, now = time->raw >> time->shift;
    note_lives(record, time, now > born ? now - born : 0, 1);
    if (now > born)
        growth_ends_add(&record->ends, &(struct growth_end_time){birth, time->raw, time->between, time->rounds_tag});
    note_release(round_of(record, time, birth), time, &amount);
}

/* The threads are those of the births since the round last held nothing. */
void record_add(struct record *record, const struct record_time *time, const struct record_tally *tally) {
    record_pass(record, time->shift, time->raw);
    struct record_round *round = round_of(record, time, time->raw);
    if (tally->threads && (int64_t)round->live.blocks + tally->low == 0) round->threads = tally->threads_since_low;
    else round->threads |= tally->threads;
    add(&round->live, &tally->live);
    record->live += tally->live.blocks;
    if (!tally->dead.blocks) return;
    note_lives(record, time, 0, tally->dead.blocks);
    note_release(round, time, &tally->dead);
}

void record_take_out(struct record *record, const struct record_time *time, uint64_t birth, uint64_t bytes) {
    record_pass(record, time->shift, time->raw);
    struct record_round *round = round_of(record, time, birth);
    round->live.blocks--;
    round->live.bytes -= bytes;
    record->live--;
}

/* Every second step goes; the next one then reaches from where it did. */
static void thin_steps(struct record *record) {
    for (size_t i = 1; i < MOST_STEPS / 2; i++) {
        struct record_step *into = &record->steps[i];
        uint64_t from = record->steps[2 * i - 1].from;
        *into = record->steps[2 * i];
        into->from = from;
    }
    record->step_count = MOST_STEPS / 2;
}

void record_step(struct record *record, const struct record_time *time, uint64_t from, uint64_t bytes) {
    record_pass(record, time->shift, time->raw);
    uint32_t round = (uint32_t)(time->raw >> time->shift);
    struct record_step *last = record->step_count ? &record->steps[record->step_count - 1] : NULL;
    if (last && bytes <= last->bytes) return;
    if (last && last->round == round) {
        last->bytes = bytes;
        return;
    }
    if (record->steps && record->step_count == MOST_STEPS) thin_steps(record);
    if (!record->steps) record->steps = must(malloc(MOST_STEPS * sizeof *record->steps));
    record->steps[record->step_count++] = (struct record_step){round, from, bytes};
}

static uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Released in this stretch. */
static uint64_t late(const struct tagged_amount *amount, uint32_t tag, bool bytes) {
    if (amount->tag != tag) return 0;
    return bytes ? amount->amount.bytes : amount->amount.blocks;
}

void record_round_sum(struct growth_round *to, const struct record_round *from, struct record_tags tags) {
    for (int bytes = 0; bytes < 2; bytes++) {
        uint64_t live = bytes ? from->live.bytes : from->live.blocks;
        uint64_t after = late(&from->after_rounds, tags.rounds, bytes);
        uint64_t teardown = least(after, late(&from->after_work, tags.work, bytes));
        uint64_t at_exit = least(teardown, bytes ? from->at_exit.bytes : from->at_exit.blocks);
        *(bytes ? &to->held.bytes : &to->held.blocks) += live + after;
        *(bytes ? &to->kept.bytes : &to->kept.blocks) += live + teardown;
        *(bytes ? &to->exited.bytes : &to->exited.blocks) += live + at_exit;
        *(bytes ? &to->never.bytes : &to->never.blocks) += live;
    }
}

struct growth_amount record_round_held(const struct record_round *round, struct record_tags tags) {
    return (struct growth_amount){round->live.blocks + late(&round->after_rounds, tags.rounds, false),
                                  round->live.bytes + late(&round->after_rounds, tags.rounds, true)};
}

struct growth_amount record_held(const struct record *record, size_t count, struct record_tags tags) {
    struct growth_amount held = {0, 0};
    for (size_t i = 0; i < record->round_count && record->rounds[i].round < count; i++) {
        struct growth_amount more = record_round_held(&record->rounds[i], tags);
        held.blocks += more.blocks;
        held.bytes += more.bytes;
    }
    return held;
}
