/*
 * The rules that name a growth, tried in a fixed order. Pure: no allocation but the scratch of statistics.c, no I/O.
 * Each rule answers "is it this?" about a selection of evidence rounds; docs/verdicts.md gives the reasons and the
 * measured error rates, tests/unit/growth_generator.c is where they are measured.
 */
#include "growth.h"

#include <math.h>

#include "growth_container.h"
#include "growth_selection.h"
#include "growth_trend.h"
#include "statistics.h"

#define LEAST_ROUNDS 3 /* evidence rounds below which nothing is said */
#define FEW_ROUNDS 8   /* below, a leak must also be even per unit of work */
#define EVEN 1.25      /* most to least blocks per unit of work */
#define EVEN_WORK 1.1  /* most to least work, for counts that may differ by one */
#define EVEN_BYTES 2.0
#define MANY_ROUNDS 10 /* from here, one round in ten may add nothing */
#define MOST_ROUNDS_SHARE 0.9
#define INTERMITTENT_ADDED 8
#define POOL_ROUNDS 20              /* from here a pool has had its time to fill */
#define COLLECTED_BYTES (64u << 20) /* as much external memory brings the collectors of node, R and ruby to run */
#define RETURNED_SHARE 0.9
#define FEW_OLDEST 2.0     /* rounds that added, */
#define OLDEST_SHARE 0.02  /* or of the evidence rounds, where blocks as old were released */
#define FIRST_PART 20u     /* of the evidence rounds, so much of the beginning shows whether all is released at times */
#define LEVEL_ROUNDS 6u    /* fewer show no level */
#define LEAST_CLIMBS 8u    /* steps of the level, from round to round, */
#define LEAST_CLIMBED 16.0 /* and blocks together, */
#define CLIMB_DEVIATIONS 4.0   /* so many standard errors from none, */
#define CLIMB_RATIO 0.8        /* of which the second half is so much of the first at least */
#define LEVEL_SHARE 0.5        /* of what is added a round: by so much the level would rise at least */
#define LONG_AGO 24            /* reaches of evidence after which an early release no longer counts */
#define RISING_SHARE (2.0 / 3) /* of the rounds: those that end with more than ever, where a backlog grows */
#define STRAIGHT_MEAN 0.58     /* of the last level, over all rounds: half on a straight line, more where it fills */

static const char *const class_names[GROWTH_CLASSES] = {
    [GROWTH_RUNTIME] = "runtime",
    [GROWTH_NOT_JUDGED] = "not-judged",
    [GROWTH_RELEASED] = "released",
    [GROWTH_ONE_TIME] = "one-time",
    [GROWTH_BOUNDED] = "bounded",
    [GROWTH_SAWTOOTH] = "sawtooth",
    [GROWTH_BACKLOG] = "backlog",
    [GROWTH_RETURNED] = "returned",
    [GROWTH_STEP] = "step",
    [GROWTH_FILLING] = "filling",
    [GROWTH_GROWING] = "growing",
    [GROWTH_LEAK] = "leak",
    [GROWTH_LEAK_INTERMITTENT] = "leak-intermittent",
    [GROWTH_SPARSE] = "sparse",
};

static const enum growth_outcome class_outcomes[GROWTH_CLASSES] = {
    [GROWTH_NOT_JUDGED] = GROWTH_UNJUDGED, [GROWTH_STEP] = GROWTH_WARN, [GROWTH_FILLING] = GROWTH_WARN,
    [GROWTH_GROWING] = GROWTH_WARN,        [GROWTH_LEAK] = GROWTH_FAIL, [GROWTH_LEAK_INTERMITTENT] = GROWTH_FAIL,
    [GROWTH_SPARSE] = GROWTH_WARN,
};

const char *growth_class_name(enum growth_class class) { return class_names[class]; }
enum growth_outcome growth_class_outcome(enum growth_class class) { return class_outcomes[class]; }

const char *growth_kind_name(enum growth_kind kind) {
    static const char *const names[] = {"phases", "operations", "items", "events"};
    return names[kind];
}

const char *growth_held_name(enum growth_held held) {
    static const char *const names[] = {NULL, NULL, "teardown", "exit", "never"};
    return names[held];
}

/* The same number in each round, or, where each did as much work, all the same but for one block. */
static bool even_but_for_one(const struct selection *selection) {
    struct range work = {INFINITY, 0}, blocks = {INFINITY, 0};
    for (uint32_t i = 0; i < selection->n; i++) {
        range_widen(&work, selection_work(selection, i));
        range_widen(&blocks, (double)selection_round(selection, i)->held.blocks);
    }
    if (selection->n < VERY_FEW_ROUNDS) return false;
    if (work.high > EVEN_WORK * work.low) return blocks.low > 0 && blocks.high <= blocks.low;
    return blocks.low >= LEAST_ONE && range_is_one_but_for_one(&blocks);
}

/* As many blocks per unit of work in each round, and with very few rounds about as many bytes. */
static bool even(const struct selection *selection) {
    struct range blocks = {INFINITY, 0}, bytes = {INFINITY, 0};
    for (uint32_t i = 0; i < selection->n; i++) {
        range_widen(&blocks, (double)selection_round(selection, i)->held.blocks / selection_work(selection, i));
        range_widen(&bytes, (double)selection_round(selection, i)->held.bytes / selection_work(selection, i));
    }
    if (selection->n < VERY_FEW_ROUNDS && bytes.high > EVEN_BYTES * bytes.low) return false;
    bool even_bytes = selection->n >= VERY_FEW_ROUNDS && bytes.high <= EVEN * bytes.low;
    return blocks.high <= EVEN * blocks.low || even_bytes || even_but_for_one(selection);
}

/* With the fewest rounds, the site's first must look like the others. */
static bool even_with_first(const struct selection *selection) {
    struct selection wider = {.evidence = selection->evidence};
    selection_take(&wider, selection->evidence->first);
    for (uint32_t i = 0; i < selection->n; i++) selection_take(&wider, selection->rounds[i]);
    return even(&wider);
}

static enum growth_class shape(const struct growth_level *level) {
    if (level->peak == 0) return GROWTH_RELEASED;
    if (level->steady_after_warm_up && level->falls == 0) return GROWTH_ONE_TIME;
    if (level->falls > 1) return GROWTH_SAWTOOTH;
    return level->last * 2 <= level->peak ? GROWTH_BACKLOG : GROWTH_BOUNDED;
}

static bool work_rises(const struct growth_evidence *evidence) {
    double sums[2] = {0, 0};
    size_t half = evidence->count / 2;
    for (size_t i = 0; i < evidence->count; i++) sums[i >= half] += evidence->rounds[i].work;
    return sums[1] * (double)half > EVEN * sums[0] * (double)(evidence->count - half);
}

/*
 * By how many blocks a round the level of all the site's blocks, whenever born, climbs to the end: by about as many
 * each round, without slowing; 0: it does not. Asked of the steps between neighbours: those of a level that wanders are
 * as often down.
 */
static double climb(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    size_t from = evidence->first + 1 > selection->warm_up ? evidence->first + 1 : selection->warm_up;
    while (from < evidence->count && isnan(evidence->rounds[from].level)) from++;
    if (from + LEAST_CLIMBS >= evidence->count) return 0;
    size_t steps = evidence->count - 1 - from, half = steps / 2;
    double sums[2] = {0, 0}, squares = 0;
    for (size_t i = 0; i < steps; i++) {
        double up = evidence->rounds[from + i + 1].level - evidence->rounds[from + i].level;
        sums[i >= half] += up;
        squares += up * up;
    }
    double all = sums[0] + sums[1], mean = all / (double)steps;
    double error = sqrt((squares - all * mean) / (double)(steps - 1) / (double)steps);
    bool goes_on = sums[1] / (double)(steps - half) >= CLIMB_RATIO * sums[0] / (double)half;
    bool certain = all >= LEAST_CLIMBED && mean >= CLIMB_DEVIATIONS * error;
    return goes_on && certain && (double)evidence->process_rise >= all / 2 ? mean : 0;
}

/*
 * A queue that fills faster than it is emptied, or never quite: what it frees, it frees in time, but ever later, and
 * its level rises to the end of the phase, with no more work to do. Its blocks are too young to say that they stay.
 * Where the process has no more of them than before, they take the places of older ones, as in a cache that was full
 * before the phase.
 */
static bool growing_backlog(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    const struct growth_level *level = &evidence->level;
    if (evidence->freed == 0 || evidence->reach < 1 || evidence->count < FEW_ROUNDS + selection->warm_up) return false;
    uint32_t rounds = (uint32_t)evidence->count - selection->warm_up;
    bool straight = (double)level->sum <= STRAIGHT_MEAN * (double)level->last * (double)evidence->count;
    bool to_the_end = level->last_rise + 1 + rounds / 10 >= evidence->count && level->falls == 0;
    bool more = evidence->process_rise >= (int64_t)(level->last / 2);
    return straight && to_the_end && more && level->rises >= RISING_SHARE * rounds && !work_rises(evidence);
}

static bool is_backlog(const struct selection *selection, struct growth_judgement *judgement) {
    judgement->backlog = growing_backlog(selection);
    if (judgement->backlog || selection->evidence->reach < 1 || work_rises(selection->evidence))
        return judgement->backlog;
    const struct growth_level *level = &selection->evidence->level;
    bool was_higher = level->falls > 0 && level->last_rise + 1 < selection->evidence->count;
    if (was_higher) return false;
    judgement->climb = climb(selection) / (selection->evidence->each ? selection->evidence->each : 1);
    return judgement->backlog = judgement->climb > 0;
}

static bool returned(const struct selection *selection) {
    double share = 1 - RETURNED_SHARE;
    return (double)selection->kept.blocks <= share * (double)selection->held.blocks &&
           (double)selection->kept.bytes <= share * (double)selection->held.bytes;
}

/*
 * What the last round alone added, and is released behind it, was on its way: no round was left to see it go. Of rounds
 * from lines of output that is the last but one: the last counts as over from its begin on, for its end may have been
 * read late.
 */
static bool was_on_its_way(const struct selection *selection) {
    uint32_t last = selection->n - 1, unseen = selection->evidence->approximate ? 2 : 1;
    if (selection->k != 1 || selection->rounds[last] + unseen < selection->evidence->count) return false;
    return selection_round(selection, last)->held.blocks > 0 &&
           (double)(selection->exited.blocks + selection->never.blocks) <=
               (1 - RETURNED_SHARE) * (double)selection->held.blocks;
}

static bool never_released(const struct growth_evidence *evidence) {
    return growth_owner_keeps(evidence->owner) && evidence->owner_freed == 0;
}

/*
 * A site that releases everything at times has held nothing from its first rounds; what leaks has. Asked only where the
 * site did release blocks that had outlived their round, and not so long ago that it is done with that.
 */
static bool first_rounds_are_gone(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    if (evidence->freed == 0 || evidence->reach < 1 || selection->n >= LONG_AGO * evidence->reach) return false;
    for (size_t i = evidence->first; i <= evidence->first + selection->n / FIRST_PART; i++)
        if (evidence->rounds[i].held.blocks > 0) return false;
    return true;
}

static bool every_round(const struct selection *selection) {
    if (first_rounds_are_gone(selection)) return false;
    if (selection->n == LEAST_ROUNDS && !even_with_first(selection)) return false;
    if (selection->n < FEW_ROUNDS) return selection->k == selection->n && even(selection);
    if (selection->n < MANY_ROUNDS) return selection->k == selection->n;
    return selection->k >= MOST_ROUNDS_SHARE * selection->n;
}

/*
 * By how many blocks a round the level of the site rose from the round on, with whatever it had before; NAN: not known.
 */
static struct slope rise_from(const struct growth_evidence *evidence, size_t from) {
    double x[GROWTH_MOST_ROUNDS], level[GROWTH_MOST_ROUNDS];
    size_t count = 0;
    for (size_t i = from; i < evidence->count; i++, count++) {
        x[count] = (double)i;
        level[count] = evidence->rounds[i].level;
        if (isnan(level[count])) return (struct slope){NAN, NAN, NAN};
    }
    return count < LEVEL_ROUNDS ? (struct slope){NAN, NAN, NAN} : statistics_theil_sen(x, level, count);
}

/* Whether it has risen by much less than what was added would have it. */
static bool level_stands(const struct selection *selection, size_t from) {
    struct slope rise = rise_from(selection->evidence, from);
    return rise.low <= 0 && rise.high < LEVEL_SHARE * (double)selection->held.blocks / selection->n;
}

/*
 * Whether as many blocks as stay were freed after lives as long as those had at least, and the level does not rise for
 * certain.
 */
static bool lives_vary(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    double long_lived = 0;
    for (size_t rounds = selection->follow; rounds < evidence->count; rounds++)
        long_lived += growth_lives_of(&evidence->lives, rounds);
    size_t span = evidence->count - evidence->first;
    return long_lived >= (double)selection->held.blocks && rise_from(evidence, evidence->first + span / 4).low <= 0;
}

static bool half_was_added_from(const struct selection *selection, size_t from) {
    uint64_t blocks = 0;
    for (uint32_t i = 0; i < selection->n; i++)
        if (selection->rounds[i] >= from) blocks += selection_round(selection, i)->held.blocks;
    return 2 * blocks >= selection->held.blocks;
}

/*
 * Windows of a phase that ran once, as a test does, see nothing go of what it put into a cache that was full before:
 * the next does that.
 */
static bool was_full_before(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    double rise = (double)evidence->after - (double)evidence->before;
    bool windows = evidence->kind > GROWTH_ROUNDS_OPERATIONS && !evidence->steady;
    return windows && evidence->before > 0 && rise < LEVEL_SHARE * (double)selection->held.blocks;
}

/*
 * What is added while the level stands takes the places of others: a full cache, where by chance some keys live for
 * many rounds. Where it has stood for half of the time, what was added before led to that level.
 */
static bool replaced(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    size_t count = evidence->count, span = count - evidence->first, last = count - span / 4;
    if (half_was_added_from(selection, count + 1 - evidence->level.unchanged)) return true;
    if (was_full_before(selection)) return true;
    if (evidence->reach <= 0) return false;
    if (2 * evidence->level.unchanged > span) return true;
    if (level_stands(selection, count - span / 2) || level_stands(selection, evidence->first + span / 4)) return true;
    return half_was_added_from(selection, last) && level_stands(selection, last);
}

static bool intermittent(const struct selection *selection) {
    if (selection->n < INTERMITTENT_ROUNDS || selection->k < INTERMITTENT_ADDED) return false;
    if (trend_in_stretches(selection)) return false;
    return !first_rounds_are_gone(selection) && !lives_vary(selection) && !trend_slows_from_the_start(selection);
}

/* Growth over windows of items or events may be the program's own work, unless the phase is declared steady. */
static enum growth_class if_rounds_are_true(const struct growth_evidence *evidence, enum growth_class class) {
    return evidence->kind <= GROWTH_ROUNDS_OPERATIONS || evidence->steady ? class : GROWTH_GROWING;
}

static enum growth_class filling(struct growth_judgement *judgement, enum growth_reason reason) {
    judgement->reason = reason;
    return GROWTH_FILLING;
}

/* Of two rounds together, where an edge may lie in the next. */
static bool most_rounds_added(const struct selection *selection) {
    uint32_t each = selection->evidence->approximate ? 2 : 1, groups = selection->n / each, added = 0;
    for (uint32_t i = 0; i < groups; i++) added += selection_sum(selection, i * each, (i + 1) * each).blocks > 0;
    return added >= MOST_ROUNDS_SHARE * groups;
}

/*
 * A pool is done with growing when all is in use that the work ever needs; objects that stay make it grow with each
 * round.
 */
static bool pool_still_grows(const struct selection *selection) {
    bool goes_on = most_rounds_added(selection) || (selection->k >= INTERMITTENT_ADDED && trend_keeps_pace(selection));
    return selection->n >= POOL_ROUNDS && goes_on && !trend_slows_on_the_whole(selection);
}

/* A collector runs when enough has come together: before, garbage stays as evenly as any leak does. */
static bool uncollected(const struct growth_evidence *evidence) {
    return evidence->owner == GROWTH_OWNER_COLLECTOR && never_released(evidence) &&
           evidence->owner_held < COLLECTED_BYTES;
}

static enum growth_reason reason_to_fill(const struct selection *selection) {
    if (trend_slows(selection)) return GROWTH_REASON_SLOWS;
    if (trend_slows_by_rounds(selection)) return GROWTH_REASON_FEWER;
    if (uncollected(selection->evidence)) return GROWTH_REASON_UNCOLLECTED;
    if (never_released(selection->evidence) && !pool_still_grows(selection)) return GROWTH_REASON_POOLED;
    if (trend_follows_peak(selection)) return GROWTH_REASON_PEAKS;
    return trend_has_stopped(selection) ? GROWTH_REASON_STOPPED : GROWTH_REASON_NONE;
}

static enum growth_class sparse(const struct selection *selection, struct growth_judgement *judgement) {
    if (selection->k <= fmax(FEW_OLDEST, OLDEST_SHARE * selection->n) && lives_vary(selection)) {
        judgement->reason = GROWTH_REASON_OLDEST;
        return GROWTH_BOUNDED;
    }
    if (first_rounds_are_gone(selection)) judgement->reason = GROWTH_REASON_RELEASES;
    else if (selection->k >= INTERMITTENT_ADDED && trend_in_stretches(selection))
        judgement->reason = GROWTH_REASON_STRETCHES;
    return GROWTH_SPARSE;
}

static enum growth_class classify(const struct selection *selection, struct growth_judgement *judgement) {
    const struct growth_evidence *evidence = selection->evidence;
    uint32_t third = selection->n - selection->n / 3;
    if (selection->k == 0) return is_backlog(selection, judgement) ? GROWTH_GROWING : shape(&evidence->level);
    if (returned(selection) || was_on_its_way(selection)) return GROWTH_RETURNED;
    if (replaced(selection)) {
        judgement->reason = GROWTH_REASON_REPLACES;
        return GROWTH_BOUNDED;
    }
    if (container_follows_work(selection)) {
        if (container_contents_slow(selection)) return filling(judgement, GROWTH_REASON_CONTENTS);
        judgement->container = true;
        return if_rounds_are_true(evidence, GROWTH_LEAK);
    }
    if (selection_added_since(selection, third) == 0) return selection->k == 1 ? GROWTH_STEP : GROWTH_BOUNDED;
    enum growth_reason reason = reason_to_fill(selection);
    if (reason) return filling(judgement, reason);
    if (every_round(selection)) {
        bool fades = (selection->n < FEW_ROUNDS || !even(selection)) && trend_slows_on_the_whole(selection);
        return fades ? filling(judgement, GROWTH_REASON_FADES) : if_rounds_are_true(evidence, GROWTH_LEAK);
    }
    if (selection->n < FEW_ROUNDS && selection->k == selection->n) return filling(judgement, GROWTH_REASON_UNEVEN);
    if (intermittent(selection)) return if_rounds_are_true(evidence, GROWTH_LEAK_INTERMITTENT);
    return sparse(selection, judgement);
}

/* What is released at the very end only was held to the end; a tenth of it decides. */
static enum growth_held held_until(const struct selection *selection) {
    double tenth = 0.1 * (double)selection->held.blocks;
    if (selection->k == 0 || returned(selection)) return GROWTH_HELD_NONE;
    if (selection->evidence->cut || selection->evidence->lost_events) return GROWTH_HELD_UNKNOWN;
    if ((double)selection->never.blocks > tenth) return GROWTH_HELD_NEVER;
    return (double)selection->exited.blocks > tenth ? GROWTH_HELD_EXIT : GROWTH_HELD_TEARDOWN;
}

static void measure_rates(const struct selection *selection, struct growth_judgement *judgement) {
    double round[GROWTH_MOST_ROUNDS], work[GROWTH_MOST_ROUNDS], bytes[GROWTH_MOST_ROUNDS], held = 0, done = 0;
    uint32_t each = selection->evidence->each ? selection->evidence->each : 1;
    for (uint32_t i = 0; i < selection->n; i++) {
        round[i] = (double)selection->places[i] * each;
        work[i] = done += selection_work(selection, i);
        bytes[i] = held += (double)selection_round(selection, i)->held.bytes;
    }
    struct slope by_round = statistics_theil_sen(round, bytes, selection->n);
    judgement->per_round = (struct growth_rate){by_round.value, by_round.low, by_round.high};
    if (selection->evidence->kind != GROWTH_ROUNDS_PHASES || selection->evidence->work_is_events) return;
    struct slope by_work = statistics_theil_sen(work, bytes, selection->n);
    judgement->per_work = (struct growth_rate){by_work.value, by_work.low, by_work.high};
}

/*
 * Where a growth whose bytes slow by the same factor from half to half would end; NAN: fewer blocks, but as many bytes.
 */
static double level_ahead(const struct selection *selection) {
    struct half first = selection_sum(selection, 0, selection->n / 2);
    struct half second = selection_sum(selection, selection->n / 2, selection->n);
    double factor = (second.bytes / second.work) / (first.bytes / first.work);
    return factor < 1 ? first.bytes + second.bytes + second.bytes * factor / (1 - factor) : NAN;
}

static uint32_t rounds_missing(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    uint32_t begin = selection->warm_up > evidence->first + 1 ? selection->warm_up : evidence->first + 1;
    uint32_t enough = begin + LEAST_ROUNDS + selection_behind(evidence, selection->follow),
             count = (uint32_t)evidence->count;
    uint32_t by_count = enough > count ? enough - count : 0, by_rounds = LEAST_ROUNDS - selection->n;
    return (by_count > by_rounds ? by_count : by_rounds) * (evidence->each ? evidence->each : 1);
}

/* Of the blocks held, as many as events were lost may have been freed unseen. */
static bool losses_explain(const struct selection *selection) {
    return selection->evidence->lost_events > 0 && selection->held.blocks <= selection->evidence->lost_events;
}

/*
 * Threads that nobody joins or detaches keep their control blocks and stacks; those of others are reused, and a pool's
 * are soon all there.
 */
static bool threads_pile_up(const struct selection *selection) {
    if (selection->evidence->owner != GROWTH_OWNER_THREADS || selection->n < FEW_ROUNDS) return false;
    if (every_round(selection)) return true;
    uint32_t third = selection->n - selection->n / 3;
    return intermittent(selection) && selection_added_since(selection, third) > 0 && !reason_to_fill(selection);
}

static struct growth_judgement describe(const struct selection *selection) {
    uint32_t each = selection->evidence->each ? selection->evidence->each : 1, n = selection->n;
    return (struct growth_judgement){
        .n = n,
        .k = selection->k,
        .reach = selection->evidence->reach,
        .first = n ? selection->rounds[0] * each + 1 : 0,
        .last = n ? (selection->rounds[n - 1] + 1) * each : 0,
        .blocks = selection->held.blocks,
        .bytes = selection->held.bytes,
        .per_round = {NAN, NAN, NAN},
        .per_work = {NAN, NAN, NAN},
        .level = NAN,
        .held_until = held_until(selection),
    };
}

/* Judges again from an evidence round on, as --warm-up would, and takes that where it is a leak of every round. */
static bool judge_from(struct selection *selection, const struct growth_settings *settings, uint32_t from,
                       struct growth_judgement *judgement) {
    struct growth_settings warm = *settings;
    warm.warm_up_rounds =
        (int64_t)selection->rounds[from] * (selection->evidence->each ? selection->evidence->each : 1);
    struct selection later = {.evidence = selection->evidence};
    selection_choose(&later, &warm);
    struct growth_judgement again = describe(&later);
    again.class = classify(&later, &again);
    if (again.class != GROWTH_LEAK || again.container || again.k < again.n) return false;
    *selection = later;
    *judgement = again;
    return true;
}

/* Without the rounds in which the site warmed up. */
static void judge_when_warm(struct selection *selection, const struct growth_settings *settings,
                            struct growth_judgement *judgement) {
    if (selection->begin || selection->n < 2 * INTERMITTENT_ROUNDS) return;
    for (uint32_t quarter = 0; quarter <= 3; quarter++) {
        uint32_t from = selection->n * quarter / 4;
        if (selection->n - from < INTERMITTENT_ROUNDS || !trend_settles(selection, from)) continue;
        judgement->warmed_up = judge_from(selection, settings, from, judgement);
        if (judgement->warmed_up) return;
    }
}

/*
 * Without the rounds before a leak began, by an input or a setting that came late: the last stretch, if each of its
 * rounds added. A pool that grows to the most ever in use has no such stretch that is long and comes to the end.
 */
static void judge_since_begun(struct selection *selection, const struct growth_settings *settings,
                              struct growth_judgement *judgement) {
    uint32_t from = selection->n;
    while (from > 0 && selection_round(selection, from - 1)->held.blocks > 0) from--;
    if (selection->begin || selection->n - from <= INTERMITTENT_ROUNDS) return;
    uint32_t each = selection->evidence->each ? selection->evidence->each : 1,
             began = selection->rounds[from] * each + 1;
    if (judge_from(selection, settings, from + 1, judgement)) judgement->began = began;
}

/* Whether what the site holds was there when the work began: it needs no more rounds to be told from growth. */
static bool is_of_start_up(const struct growth_evidence *evidence) {
    for (size_t i = evidence->start_up; i < evidence->count; i++)
        if (evidence->rounds[i].held.blocks > 0) return false;
    return evidence->start_up > 0;
}

struct growth_judgement growth_classify(const struct growth_evidence *evidence,
                                        const struct growth_settings *settings) {
    struct selection selection = {.evidence = evidence};
    selection_choose(&selection, settings);
    bool few = selection.n < LEAST_ROUNDS;
    struct growth_judgement judgement = describe(&selection);
    bool of_threads = evidence->owner == GROWTH_OWNER_THREADS && !threads_pile_up(&selection);
    if (evidence->owner == GROWTH_OWNER_RUNTIME || of_threads) {
        judgement.class = GROWTH_RUNTIME;
    } else if (few && evidence->lost_events == 0 && is_backlog(&selection, &judgement)) {
        judgement.class = GROWTH_GROWING;
    } else if (few && evidence->lost_events == 0 && is_of_start_up(evidence)) {
        judgement.class = shape(&evidence->level);
    } else if (few || (selection.k > 0 && losses_explain(&selection))) {
        judgement.class = GROWTH_NOT_JUDGED;
        judgement.needed = few ? rounds_missing(&selection) : 0;
    } else {
        judgement.class = classify(&selection, &judgement);
        if (judgement.class == GROWTH_FILLING) judge_when_warm(&selection, settings, &judgement);
        if (judgement.reason == GROWTH_REASON_STRETCHES) judge_since_begun(&selection, settings, &judgement);
    }
    if (selection.k > 0 && selection.n > 1) measure_rates(&selection, &judgement);
    if (judgement.reason == GROWTH_REASON_SLOWS && trend_slows(&selection)) judgement.level = level_ahead(&selection);
    judgement.outcome =
        evidence->builds && judgement.class != GROWTH_NOT_JUDGED ? GROWTH_PASS : class_outcomes[judgement.class];
    return judgement;
}
