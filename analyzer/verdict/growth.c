/*
 * The rules that name a growth, tried in a fixed order. Pure: no allocation but the scratch of statistics.c, no I/O.
 * Each rule answers "is it this?" about a selection of evidence rounds; docs/verdicts.md gives the reasons and the
 * measured error rates, tests/unit/growth_generator.c is where they are measured.
 */
#include "growth.h"

#include <math.h>
#include <string.h>

#include "statistics.h"

#define LEAST_ROUNDS 3    /* evidence rounds below which nothing is said */
#define RECORD 1.1        /* a round with that much more work than any before it may rightly need more */
#define FEW_ROUNDS 8      /* below, a leak must also be even per unit of work */
#define EVEN 1.25         /* most to least blocks per unit of work */
#define VERY_FEW_ROUNDS 5 /* below, in bytes too, but not as strictly */
#define EVEN_WORK 1.1     /* most to least work, for counts that may differ by one */
#define LEAST_ONE 3       /* blocks a round, at least */
#define EVEN_BYTES 2.0
#define MANY_ROUNDS 10 /* from here, one round in ten may add nothing */
#define MOST_ROUNDS_SHARE 0.9
#define INTERMITTENT_ROUNDS 12
#define INTERMITTENT_ADDED 8
#define RETURNED_SHARE 0.9
#define SLOW_RATIO (2.0 / 3) /* second half's blocks per unit of work against the first half's */
#define TREND_BLOCKS 48      /* of many rounds, from which the test for a trend sees more than the halves */
#define STEADY_RATIO 0.9     /* from here the halves count as equal, given so many blocks */
#define STEADY_BLOCKS 200
#define SLOW_CHANCE_BY_ROUNDS                                                                                          \
    0.03                  /* the same with all rounds taken for equal, where allocations are the only work known */
#define FEW_OLDEST 2.0    /* rounds that added, */
#define OLDEST_SHARE 0.02 /* or of the evidence rounds, where blocks as old were released */
#define EVEN_DISTANCE 0.3 /* standard deviation of the distances, of their mean */
#define PEAK_SHARE 0.2    /* of the rounds that added: those that set no record of work */
#define HIGHER 1.02       /* a round with so much more work than any before may need a larger container */
#define MUCH_WORK 100     /* allocations a round */
#define FIRST_PART 20u    /* of the evidence rounds, so much of the beginning shows whether all is released at times */
#define LEVEL_ROUNDS 6u   /* fewer show no level */
#define LEVEL_SHARE 0.5   /* of what is added a round: by so much the level would rise at least */
#define NO_PEAK 3.0       /* standard deviations from what a pool would have added to where */
#define LONG_AGO 24       /* reaches of evidence after which an early release no longer counts */
#define RISING_SHARE (2.0 / 3) /* of the rounds: those that end with more than ever, where a backlog grows */
#define STRAIGHT_MEAN 0.58 /* of the last level, over all rounds: half where it rises on a line, more where it fills */
#define CONTAINER_STEPS 3
#define CONTAINER_SLACK 1.05   /* how far the growth of a container may stray from a straight line */
#define STOPPED_ROUNDS 2       /* behind the evidence, and a tenth of all, that must have added less than ... */
#define STOPPED_SHARE 0.5      /* ... so much of what the evidence lets expect, */
#define STOPPED_DEVIATIONS 3.1 /* and so many standard deviations less: one chance in a thousand */
#define STEEPEST 4.0           /* power of the work by which what warms up may fall */
#define SETTLED_DEVIATIONS 4.5
#define LEAST_SCATTER 0.1
#define FADING 0.65 /* the last growth's rate against the average before it */

/* The evidence rounds, and what they added. */
struct selection {
    const struct growth_evidence *evidence;
    uint32_t rounds[GROWTH_MOST_ROUNDS];
    uint32_t n, k, warm_up, follow;
    uint32_t begin; /* the first round that counts at all: 0, or the end of a warm-up that is known to be one */
    bool by_rounds; /* all rounds count as equal work */
    struct growth_amount held, kept, exited, never;
};

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

static uint32_t warm_up_of(const struct growth_evidence *evidence, const struct growth_settings *settings) {
    uint32_t count = (uint32_t)evidence->count, each = evidence->each ? evidence->each : 1;
    if (settings->warm_up_rounds >= 0) {
        uint64_t rounds = ((uint64_t)settings->warm_up_rounds + each - 1) / each;
        return rounds < count ? (uint32_t)rounds : count;
    }
    double share = settings->warm_up_share >= 0 ? settings->warm_up_share : 0.1;
    uint32_t rounds = (uint32_t)(share * count);
    return rounds > 1 || settings->warm_up_share >= 0 ? rounds : 1;
}

/*
 * Rounds that must follow an evidence round. A block gets twice the longest known life to be released in; where the process
 * was seen to its exit and no life was long, what is still live has had its chance after one.
 */
static uint32_t follow_of(const struct growth_evidence *evidence, const struct growth_settings *settings) {
    double least = evidence->exit_seen && evidence->reach <= 1 ? evidence->reach : fmax(1, 2 * evidence->reach);
    uint32_t each = evidence->each ? evidence->each : 1;
    if (settings->lag > 0) least = fmax(least, (double)settings->lag / each);
    return least < GROWTH_MOST_ROUNDS ? (uint32_t)ceil(least) : GROWTH_MOST_ROUNDS;
}

static void sum(struct growth_amount *into, const struct growth_amount *from) {
    into->blocks += from->blocks;
    into->bytes += from->bytes;
}

static void take(struct selection *selection, uint32_t index) {
    const struct growth_round *round = &selection->evidence->rounds[index];
    selection->rounds[selection->n++] = index;
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): the evidence's owner filled all its rounds */
    selection->k += round->held.blocks > 0;
    sum(&selection->held, &round->held);
    sum(&selection->kept, &round->kept);
    sum(&selection->exited, &round->exited);
    sum(&selection->never, &round->never);
}

/* `behind`: so many of the last rounds only show what becomes of the others. */
static void take_rounds(struct selection *selection, uint32_t behind) {
    const struct growth_evidence *evidence = selection->evidence;
    double most = 0;
    for (uint32_t i = 0; i + behind < evidence->count; i++) {
        const struct growth_round *round = &evidence->rounds[i];
        bool record = round->work > RECORD * most;
        most = fmax(most, round->work);
        if (i < selection->warm_up || i <= evidence->first || (record && i > 0 && round->work > 0)) continue;
        if (!round->skip) take(selection, i);
    }
}

/* Edges that are known to a line of output may lie in the next round, or together: one round more, and no empty ones. */
static uint32_t rounds_behind(const struct growth_evidence *evidence, uint32_t follow) {
    uint32_t rounds = 0, busy = 0, count = (uint32_t)evidence->count;
    if (!evidence->approximate) return follow;
    for (; rounds < count && busy <= follow; rounds++) {
        const struct growth_round *round = &evidence->rounds[count - 1 - rounds];
        busy += round->work > 0 || round->held.blocks > 0;
    }
    return rounds;
}

static void select_rounds(struct selection *selection, const struct growth_settings *settings) {
    const struct growth_evidence *evidence = selection->evidence;
    bool warm_up_known = settings->warm_up_rounds >= 0 || settings->warm_up_share >= 0;
    selection->warm_up = warm_up_of(evidence, settings);
    selection->begin = warm_up_known ? selection->warm_up : 0;
    selection->follow = follow_of(evidence, settings);
    take_rounds(selection, rounds_behind(evidence, selection->follow));
}

static const struct growth_round *round_at(const struct selection *selection, uint32_t index) {
    return &selection->evidence->rounds[selection->rounds[index]];
}

static double work_at(const struct selection *selection, uint32_t index) {
    double work = round_at(selection, index)->work;
    return work > 0 && !selection->by_rounds ? work : 1;
}

struct half {
    double blocks, work;
};

static struct half sum_range(const struct selection *selection, uint32_t from, uint32_t to) {
    struct half half = {0, 0};
    for (uint32_t i = from; i < to; i++) {
        half.blocks += (double)round_at(selection, i)->held.blocks;
        half.work += work_at(selection, i);
    }
    return half;
}

/* How much more the counts scatter than those of independent blocks would, which is 1. */
static double scatter_of(const struct selection *selection) {
    struct half all = sum_range(selection, 0, selection->n);
    double chi = 0;
    for (uint32_t i = 0; i < selection->n; i++) {
        double expected = all.blocks * work_at(selection, i) / all.work;
        double seen = (double)round_at(selection, i)->held.blocks;
        chi += (seen - expected) * (seen - expected) / expected;
    }
    return chi / (selection->n - 1);
}

static double dispersion(const struct selection *selection) { return fmax(1, scatter_of(selection)); }

/*
 * Chance that a steady growth weighs as much towards its beginning as this one: the blocks' mean place on the axis of work
 * against its middle (Laplace's trend test). Counts that scatter more than independent blocks would (batches) are first
 * brought to independent ones by their dispersion.
 */
static double chance_of_steady(const struct selection *selection) {
    struct half all = sum_range(selection, 0, selection->n);
    double done = 0, lean = 0, spread = 0;
    for (uint32_t i = 0; i < selection->n; i++) {
        double work = work_at(selection, i), seen = (double)round_at(selection, i)->held.blocks;
        double expected = all.blocks * work / all.work, place = (done + work / 2) / all.work - 0.5;
        lean += seen * place;
        spread += expected * place * place;
        done += work;
    }
    return statistics_normal_at_most(lean / sqrt(spread * dispersion(selection)));
}

/*
 * Least chance by evidence rounds and blocks. What fills leans the more towards its beginning the longer it is watched, and
 * many blocks show it: then chance alone explains a small lean of what is steady.
 */
struct chance_row {
    uint32_t rounds;
    double blocks, chance;
};
static const struct chance_row steady_rows[] = {
    {60, 100, 0.02},           {60, 16, 0.05}, {INTERMITTENT_ROUNDS, 100, 0.05}, {20, 48, 0.1},
    {VERY_FEW_ROUNDS, 0, 0.2}, {0, 0, 0.4}};
static const struct chance_row intermittent_rows[] = {{60, 16, 0.05}, {60, 12, 0.2}, {24, 16, 0.3},
                                                      {0, 48, 0},     {0, 24, 0.3},  {0, 0, 0.5}};

static const struct chance_row stretches_rows[] = {{60, 0, 0.05}, {0, 0, 0.1}};

static double least_chance(const struct chance_row *row, uint32_t rounds, double blocks) {
    while (rounds < row->rounds || blocks < row->blocks) row++;
    return row->chance;
}

struct range {
    double low, high;
};

static void widen(struct range *range, double value) {
    range->low = fmin(range->low, value);
    range->high = fmax(range->high, value);
}

/* One in so many operations adds now one more, now one less. */
static bool same_but_for_one(const struct range *blocks) {
    return blocks->high <= blocks->low + (blocks->low >= LEAST_ONE);
}

/* The same number of blocks in each: nothing slows there, whatever else the allocations that count as work were for. */
static bool same_each_round(const struct selection *selection) {
    struct range blocks = {INFINITY, 0};
    for (uint32_t i = 0; i < selection->n; i++) widen(&blocks, (double)round_at(selection, i)->held.blocks);
    bool rounds_alone = selection->evidence->work_is_events && selection->n >= VERY_FEW_ROUNDS;
    return rounds_alone && blocks.low > 0 && same_but_for_one(&blocks);
}

/* Of their blocks per unit of work. */
static double ratio_of_halves(const struct selection *selection) {
    struct half first = sum_range(selection, 0, selection->n / 2);
    struct half second = sum_range(selection, selection->n / 2, selection->n);
    return (second.blocks / second.work) / (first.blocks / first.work);
}

static bool halves_are_equal(const struct selection *selection) {
    double blocks = sum_range(selection, 0, selection->n).blocks;
    return ratio_of_halves(selection) >= STEADY_RATIO && blocks >= STEADY_BLOCKS;
}

static bool slowing(const struct selection *selection) {
    if (same_each_round(selection)) return false;
    double blocks = sum_range(selection, 0, selection->n).blocks;
    bool told = selection->n >= INTERMITTENT_ROUNDS && blocks >= TREND_BLOCKS;
    if (ratio_of_halves(selection) < SLOW_RATIO && !told) return true;
    if (halves_are_equal(selection)) return false;
    return chance_of_steady(selection) < least_chance(steady_rows, selection->n, blocks);
}

/* Where blocks lie on the axis of work, from -0.5 to 0.5, if each round added so many. */
static double mean_place(const struct selection *selection, const double *added) {
    double all = 0, done = 0, lean = 0, blocks = 0;
    for (uint32_t i = 0; i < selection->n; i++) all += work_at(selection, i);
    for (uint32_t i = 0; i < selection->n; i++) {
        double work = work_at(selection, i);
        lean += added[i] * ((done + work / 2) / all - 0.5);
        blocks += added[i];
        done += work;
    }
    return blocks > 0 ? lean / blocks : NAN;
}

/*
 * Whether the blocks are too evenly spread over the work for a pool: that adds by as much as the round exceeds the record,
 * which is less and less for each unit of work. Needs many blocks, or work that rises steeply.
 */
static bool adds_by_work(const struct selection *selection) {
    double pool[GROWTH_MOST_ROUNDS] = {0}, seen[GROWTH_MOST_ROUNDS] = {0}, most = 0;
    const struct growth_evidence *evidence = selection->evidence;
    for (uint32_t i = 0, at = 0; i < evidence->count && at < selection->n; i++) {
        double work = evidence->rounds[i].work, above = fmax(0, work - most);
        most = fmax(most, work);
        if (selection->rounds[at] != i) continue;
        seen[at] = (double)evidence->rounds[i].held.blocks;
        pool[at++] = above;
    }
    double distance = mean_place(selection, seen) - mean_place(selection, pool);
    double blocks = (double)selection->held.blocks / dispersion(selection);
    return distance * sqrt(12 * blocks) > NO_PEAK;
}

/*
 * A pool that grows to the highest load ever seen adds in the rounds that set a record, however small, and in few others.
 * Only told where the work rose at all.
 */
static bool adds_on_records(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    double most = 0, begin = 0;
    uint32_t others = 0;
    for (uint32_t i = 0, at = 0; i < evidence->count; i++) {
        const struct growth_round *round = &evidence->rounds[i];
        bool record = round->work > most, chosen = at < selection->n && selection->rounds[at] == i;
        if (i == selection->warm_up) begin = most;
        if (record) most = round->work;
        if (chosen) others += !record && round->held.blocks > 0;
        at += chosen;
    }
    return most > RECORD * begin && others < PEAK_SHARE * selection->k;
}

static bool follows_peak(const struct selection *selection) {
    return adds_on_records(selection) && !adds_by_work(selection);
}

/*
 * A site that releases everything at times has held nothing from its first rounds; what leaks has. Asked only where the site
 * did release blocks that had outlived their round, and not so long ago that it is done with that.
 */
static bool first_rounds_are_gone(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    if (evidence->freed == 0 || evidence->reach < 1 || selection->n >= LONG_AGO * evidence->reach) return false;
    for (size_t i = evidence->first; i <= evidence->first + selection->n / FIRST_PART; i++)
        if (evidence->rounds[i].held.blocks > 0) return false;
    return true;
}

/* As the evidence rounds, but from the very first round on that counts; there, a site's one-time blocks count as one round's most. */
struct whole_course {
    struct growth_round rounds[GROWTH_MOST_ROUNDS];
    struct growth_evidence evidence;
    struct selection selection;
};

static void follow_whole_course(const struct selection *selection, struct whole_course *out) {
    const struct growth_evidence *evidence = selection->evidence;
    uint64_t most = 0;
    out->evidence = *evidence;
    out->evidence.rounds = out->rounds;
    out->selection = (struct selection){.evidence = &out->evidence, .begin = selection->begin};
    memcpy(out->rounds, evidence->rounds, evidence->count * sizeof *out->rounds);
    for (uint32_t i = 0; i < selection->n; i++) {
        uint64_t blocks = round_at(selection, i)->held.blocks;
        if (blocks > most) most = blocks;
    }
    struct growth_round *first = &out->rounds[evidence->first];
    if (first->held.blocks > most) first->held.blocks = most;
    for (uint32_t i = selection->begin; i < selection->rounds[0]; i++) take(&out->selection, i);
    for (uint32_t i = 0; i < selection->n; i++) take(&out->selection, selection->rounds[i]);
}

/* Whether the rounds that added lie at even distances, as of an operation that fails every so many times. */
static bool at_even_distances(const struct selection *selection) {
    double sum = 0, squares = 0, gaps = 0;
    for (uint32_t i = 0, last = UINT32_MAX; i < selection->n; i++) {
        if (round_at(selection, i)->held.blocks == 0) continue;
        double gap = last == UINT32_MAX ? 0 : (double)(i - last);
        gaps += gap > 0;
        sum += gap;
        squares += gap * gap;
        last = i;
    }
    double mean = sum / gaps, variance = squares / gaps - mean * mean;
    return gaps > 0 && variance <= EVEN_DISTANCE * EVEN_DISTANCE * mean * mean;
}

static bool slows_on_the_whole(const struct selection *selection) {
    struct whole_course course;
    follow_whole_course(selection, &course);
    return slowing(&course.selection);
}

/* Slots that fill one by one are told from an error path by their beginning, too. */
static bool slowing_from_the_start(const struct selection *selection) {
    struct whole_course course;
    follow_whole_course(selection, &course);
    if (slowing(&course.selection)) return true;
    if (at_even_distances(selection)) return false;
    double least = least_chance(intermittent_rows, selection->n, (double)course.selection.held.blocks);
    return chance_of_steady(&course.selection) < least;
}

/*
 * Where allocations are the only work known, what a cache misses less and less often lessens the work of its rounds, too:
 * per unit of work it then never slows. Over rounds it does.
 */
static bool slows_by_rounds(const struct selection *selection) {
    if (!selection->evidence->work_is_events) return false;
    struct whole_course course;
    follow_whole_course(selection, &course);
    course.selection.by_rounds = true;
    return !halves_are_equal(&course.selection) && chance_of_steady(&course.selection) < SLOW_CHANCE_BY_ROUNDS;
}

/*
 * Whether the last rounds, which are no evidence because blocks of theirs may still be released, hold less already than the
 * evidence lets expect: what was born in them and lives is the most that they can have added. Where allocations are the only work
 * known, what has stopped makes none: so by rounds, but not where there was as much less to do.
 */
static bool has_stopped(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    struct selection equal = *selection;
    equal.by_rounds = evidence->work_is_events;
    struct half seen = sum_range(&equal, 0, equal.n), by_work = sum_range(selection, 0, selection->n);
    double blocks = 0, rounds_work = 0, work = 0, scatter = dispersion(&equal);
    size_t least = evidence->count / 10, rounds = 0;
    for (size_t i = evidence->count; i-- > equal.rounds[equal.n - 1] + 1u;) {
        const struct growth_round *round = &evidence->rounds[i];
        if (round->skip) continue;
        blocks += (double)round->held.blocks;
        work += round->work > 0 ? round->work : 1;
        rounds_work += round->work > 0 && !equal.by_rounds ? round->work : 1;
        if (++rounds < STOPPED_ROUNDS || rounds < least) continue;
        double expected = seen.blocks * rounds_work / seen.work, least_expected = by_work.blocks * work / by_work.work;
        bool fewer = blocks < STOPPED_SHARE * fmin(expected, least_expected);
        if (fewer && expected - blocks > STOPPED_DEVIATIONS * sqrt(expected * scatter)) return true;
    }
    return false;
}

static bool even_but_for_one(const struct selection *selection) {
    struct range work = {INFINITY, 0}, blocks = {INFINITY, 0};
    for (uint32_t i = 0; i < selection->n; i++) {
        widen(&work, work_at(selection, i));
        widen(&blocks, (double)round_at(selection, i)->held.blocks);
    }
    if (selection->n < VERY_FEW_ROUNDS || work.high > EVEN_WORK * work.low) return false;
    return blocks.low >= LEAST_ONE && same_but_for_one(&blocks);
}

/* As many blocks per unit of work in each round, and with very few rounds about as many bytes. */
static bool even(const struct selection *selection) {
    struct range blocks = {INFINITY, 0}, bytes = {INFINITY, 0};
    for (uint32_t i = 0; i < selection->n; i++) {
        widen(&blocks, (double)round_at(selection, i)->held.blocks / work_at(selection, i));
        widen(&bytes, (double)round_at(selection, i)->held.bytes / work_at(selection, i));
    }
    if (selection->n < VERY_FEW_ROUNDS && bytes.high > EVEN_BYTES * bytes.low) return false;
    bool even_bytes = selection->n >= VERY_FEW_ROUNDS && bytes.high <= EVEN * bytes.low;
    return blocks.high <= EVEN * blocks.low || even_bytes || even_but_for_one(selection);
}

/* With the fewest rounds, the site's first must look like the others. */
static bool even_with_first(const struct selection *selection) {
    struct selection wider = {.evidence = selection->evidence};
    take(&wider, selection->evidence->first);
    for (uint32_t i = 0; i < selection->n; i++) take(&wider, selection->rounds[i]);
    return even(&wider);
}

static uint32_t added_since(const struct selection *selection, uint32_t from) {
    uint32_t added = 0;
    for (uint32_t i = from; i < selection->n; i++) added += round_at(selection, i)->held.blocks > 0;
    return added;
}

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

/* Whether it grew in rounds with more work than any before, and in no other: as large as its input is. Where allocations are the only
 * work known, its own must be few among them. */
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

static bool growing_container(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    size_t from = 1;
    while (from < evidence->step_count && evidence->steps[from].round < selection->warm_up) from++;
    if (evidence->step_count < from + CONTAINER_STEPS || grows_on_records(evidence, from)) return false;
    return !overdue(evidence) && grows_with_work(evidence, from);
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
 * A queue that fills faster than it is emptied: what it frees, it frees in time, but ever later, and its level rises to
 * the end of the phase, with no more work to do. Its blocks are too young to say that they stay. Where the process has no
 * more of them than before, they take the places of older ones, as in a cache that was full before the phase.
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

static bool returned(const struct selection *selection) {
    double share = 1 - RETURNED_SHARE;
    return (double)selection->kept.blocks <= share * (double)selection->held.blocks &&
           (double)selection->kept.bytes <= share * (double)selection->held.bytes;
}

static bool never_released(const struct growth_evidence *evidence) {
    bool pooled = evidence->owner == GROWTH_OWNER_INTERPRETER || evidence->owner == GROWTH_OWNER_POOL;
    return pooled && evidence->owner_freed == 0;
}

static bool every_round(const struct selection *selection) {
    if (first_rounds_are_gone(selection)) return false;
    if (selection->n == LEAST_ROUNDS && !even_with_first(selection)) return false;
    if (selection->n < FEW_ROUNDS) return selection->k == selection->n && even(selection);
    if (selection->n < MANY_ROUNDS) return selection->k == selection->n;
    return selection->k >= MOST_ROUNDS_SHARE * selection->n;
}

/* By how many blocks a round the level of the site rose from the round on, with whatever it had before; NAN: not known. */
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

/* Whether as many blocks as stay were freed after lives as long as those had at least, and the level does not rise for certain. */
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
        if (selection->rounds[i] >= from) blocks += round_at(selection, i)->held.blocks;
    return 2 * blocks >= selection->held.blocks;
}

/* What is added while the level stands takes the places of others: a full cache, where by chance some keys live for many rounds.
 * Where it has stood for half of the time, what was added before led to that level. */
static bool replaced(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    size_t count = evidence->count, span = count - evidence->first, last = count - span / 4;
    if (half_was_added_from(selection, count + 1 - evidence->level.unchanged)) return true;
    if (evidence->reach <= 0) return false;
    if (2 * evidence->level.unchanged > span) return true;
    if (level_stands(selection, count - span / 2) || level_stands(selection, evidence->first + span / 4)) return true;
    return half_was_added_from(selection, last) && level_stands(selection, last);
}

/* An error path adds now and then; a pool that grows to the most ever in use, in few stretches. */
static bool adds_in_stretches(const struct selection *selection) {
    double added[GROWTH_MOST_ROUNDS];
    for (uint32_t i = 0; i < selection->n; i++) added[i] = (double)round_at(selection, i)->held.blocks;
    return statistics_neighbours_alike(added, selection->n) < least_chance(stretches_rows, selection->n, 0);
}

static bool intermittent(const struct selection *selection) {
    if (selection->n < INTERMITTENT_ROUNDS || selection->k < INTERMITTENT_ADDED) return false;
    if (adds_in_stretches(selection)) return false;
    return !first_rounds_are_gone(selection) && !lives_vary(selection) && !slowing_from_the_start(selection);
}

/* Growth over windows of items or events may be the program's own work, unless the phase is declared steady. */
static enum growth_class if_rounds_are_true(const struct growth_evidence *evidence, enum growth_class class) {
    return evidence->kind <= GROWTH_ROUNDS_OPERATIONS || evidence->steady ? class : GROWTH_GROWING;
}

static enum growth_class filling(struct growth_judgement *judgement, enum growth_reason reason) {
    judgement->reason = reason;
    return GROWTH_FILLING;
}

static enum growth_reason reason_to_fill(const struct selection *selection) {
    if (slowing(selection)) return GROWTH_REASON_SLOWS;
    if (slows_by_rounds(selection)) return GROWTH_REASON_FEWER;
    if (never_released(selection->evidence)) return GROWTH_REASON_POOLED;
    if (follows_peak(selection)) return GROWTH_REASON_PEAKS;
    return has_stopped(selection) ? GROWTH_REASON_STOPPED : GROWTH_REASON_NONE;
}

static enum growth_class sparse(const struct selection *selection, struct growth_judgement *judgement) {
    if (selection->k <= fmax(FEW_OLDEST, OLDEST_SHARE * selection->n) && lives_vary(selection)) {
        judgement->reason = GROWTH_REASON_OLDEST;
        return GROWTH_BOUNDED;
    }
    if (first_rounds_are_gone(selection)) judgement->reason = GROWTH_REASON_RELEASES;
    else if (selection->k >= INTERMITTENT_ADDED && adds_in_stretches(selection))
        judgement->reason = GROWTH_REASON_STRETCHES;
    return GROWTH_SPARSE;
}

static enum growth_class classify(const struct selection *selection, struct growth_judgement *judgement) {
    const struct growth_evidence *evidence = selection->evidence;
    uint32_t third = selection->n - selection->n / 3;
    if (selection->k == 0) {
        judgement->backlog = growing_backlog(selection);
        return judgement->backlog ? GROWTH_GROWING : shape(&evidence->level);
    }
    if (returned(selection)) return GROWTH_RETURNED;
    if (replaced(selection)) {
        judgement->reason = GROWTH_REASON_REPLACES;
        return GROWTH_BOUNDED;
    }
    if (growing_container(selection)) {
        judgement->container = true;
        return if_rounds_are_true(evidence, GROWTH_LEAK);
    }
    if (added_since(selection, third) == 0) return selection->k == 1 ? GROWTH_STEP : GROWTH_BOUNDED;
    enum growth_reason reason = reason_to_fill(selection);
    if (reason) return filling(judgement, reason);
    if (every_round(selection)) {
        bool fades = (selection->n < FEW_ROUNDS || !even(selection)) && slows_on_the_whole(selection);
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
        round[i] = (double)i * each;
        work[i] = done += work_at(selection, i);
        bytes[i] = held += (double)round_at(selection, i)->held.bytes;
    }
    struct slope by_round = statistics_theil_sen(round, bytes, selection->n);
    judgement->per_round = (struct growth_rate){by_round.value, by_round.low, by_round.high};
    if (selection->evidence->kind != GROWTH_ROUNDS_PHASES || selection->evidence->work_is_events) return;
    struct slope by_work = statistics_theil_sen(work, bytes, selection->n);
    judgement->per_work = (struct growth_rate){by_work.value, by_work.low, by_work.high};
}

/* Where a growth that slows by the same factor from half to half would end. */
static double level_ahead(const struct selection *selection) {
    struct half first = sum_range(selection, 0, selection->n / 2);
    struct half second = sum_range(selection, selection->n / 2, selection->n);
    double factor = (second.blocks / second.work) / (first.blocks / first.work);
    if (!(factor < 1)) return NAN;
    double blocks = first.blocks + second.blocks + second.blocks * factor / (1 - factor);
    return (double)selection->held.bytes / (double)selection->held.blocks * blocks;
}

static uint32_t rounds_missing(const struct selection *selection, uint32_t least) {
    const struct growth_evidence *evidence = selection->evidence;
    uint32_t begin = selection->warm_up > evidence->first + 1 ? selection->warm_up : evidence->first + 1;
    uint32_t enough = begin + least + rounds_behind(evidence, selection->follow), count = (uint32_t)evidence->count;
    uint32_t by_count = enough > count ? enough - count : 0, by_rounds = least - selection->n;
    return (by_count > by_rounds ? by_count : by_rounds) * (evidence->each ? evidence->each : 1);
}

/* Of the blocks held, as many as events were lost may have been freed unseen. */
static bool losses_explain(const struct selection *selection) {
    return selection->evidence->lost_events > 0 && selection->held.blocks <= selection->evidence->lost_events;
}

/* Threads that nobody joins or detaches keep their control blocks and stacks; those of others are reused, and a pool's are soon all there. */
static bool threads_pile_up(const struct selection *selection) {
    if (selection->evidence->owner != GROWTH_OWNER_THREADS || selection->n < FEW_ROUNDS) return false;
    if (every_round(selection)) return true;
    uint32_t third = selection->n - selection->n / 3;
    return intermittent(selection) && added_since(selection, third) > 0 && !reason_to_fill(selection);
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

/*
 * A cache that warms up and a leak may share a stack: what they add falls, and then no more. A fall that went on by a power of
 * the work done (the slowest that caches show: Heaps' law) would go on in the last part, too. How much of that part's blocks
 * would fall into its second half, by the exponent that led from the rounds before it to its first half.
 */
static double share_if_it_fell_on(const double work[4], double ratio) {
    double low = 0, high = STEEPEST, mean[3];
    for (int step = 0; step < 40; step++) {
        double exponent = 1 - (low + high) / 2; /* of what was added so far */
        for (int i = 0; i < 3; i++) {
            double grown = fabs(exponent) < 1e-6 ? log(work[i + 1] / work[i])
                                                 : (pow(work[i + 1], exponent) - pow(work[i], exponent)) / exponent;
            mean[i] = grown / (work[i + 1] - work[i]);
        }
        if (mean[0] < ratio * mean[1]) low = (low + high) / 2;
        else high = (low + high) / 2;
    }
    double first = mean[1] * (work[2] - work[1]), second = mean[2] * (work[3] - work[2]);
    return second / (first + second);
}

/* Whether the evidence rounds from index `from` on add steadily what the rounds before, but the site's first, would not have let expect. */
static bool settles(const struct selection *all, uint32_t from) {
    const struct growth_evidence *evidence = all->evidence;
    struct selection before = {.evidence = evidence, .by_rounds = evidence->work_is_events}, last = before;
    for (uint32_t i = (uint32_t)evidence->first + 1; i < all->rounds[from]; i++) take(&before, i);
    for (uint32_t i = from; i < all->n; i++) take(&last, all->rounds[i]);
    if (before.n == 0) return false;
    struct half early = sum_range(&before, 0, before.n), first = sum_range(&last, 0, last.n / 2),
                second = sum_range(&last, last.n / 2, last.n);
    double begun = evidence->rounds[evidence->first].work, work[4];
    work[0] = begun > 0 && !last.by_rounds ? begun : 1;
    work[1] = work[0] + early.work;
    work[2] = work[1] + first.work;
    work[3] = work[2] + second.work;
    double ratio = (early.blocks / early.work) / (first.blocks / first.work), blocks = first.blocks + second.blocks;
    if (first.blocks <= 0 || ratio <= 1) return false;
    double share = share_if_it_fell_on(work, ratio), expected = share * blocks;
    double deviation = sqrt(expected * (1 - share) * fmax(LEAST_SCATTER, scatter_of(&last)));
    return second.blocks > expected + SETTLED_DEVIATIONS * deviation;
}

/* What is judged as leak once the rounds in which the site warmed up are left out, as --warm-up would. */
static bool leaks_when_warm(struct selection *selection, const struct growth_settings *settings,
                            struct growth_judgement *judgement) {
    if (selection->begin || selection->n < 2 * INTERMITTENT_ROUNDS) return false;
    for (uint32_t quarter = 0; quarter <= 3; quarter++) {
        uint32_t from = selection->n * quarter / 4;
        if (selection->n - from < INTERMITTENT_ROUNDS || !settles(selection, from)) continue;
        struct growth_settings warm = *settings;
        warm.warm_up_rounds =
            (int64_t)selection->rounds[from] * (selection->evidence->each ? selection->evidence->each : 1);
        struct selection later = {.evidence = selection->evidence};
        select_rounds(&later, &warm);
        struct growth_judgement again = describe(&later);
        again.class = classify(&later, &again);
        again.warmed_up = true;
        if (again.class != GROWTH_LEAK || again.container || again.k < again.n) continue;
        *selection = later;
        *judgement = again;
        return true;
    }
    return false;
}

struct growth_judgement growth_classify(const struct growth_evidence *evidence,
                                        const struct growth_settings *settings) {
    struct selection selection = {.evidence = evidence};
    select_rounds(&selection, settings);
    uint32_t least = settings->min_rounds > LEAST_ROUNDS ? (uint32_t)settings->min_rounds : LEAST_ROUNDS;
    struct growth_judgement judgement = describe(&selection);
    bool of_threads = evidence->owner == GROWTH_OWNER_THREADS && !threads_pile_up(&selection);
    if (evidence->owner == GROWTH_OWNER_RUNTIME || of_threads) {
        judgement.class = GROWTH_RUNTIME;
    } else if (selection.n < least && evidence->lost_events == 0 && growing_backlog(&selection)) {
        judgement.class = GROWTH_GROWING;
        judgement.backlog = true;
    } else if (selection.n < least || (selection.k > 0 && losses_explain(&selection))) {
        judgement.class = GROWTH_NOT_JUDGED;
        judgement.needed = selection.n < least ? rounds_missing(&selection, least) : 0;
    } else {
        judgement.class = classify(&selection, &judgement);
        if (judgement.class == GROWTH_FILLING) leaks_when_warm(&selection, settings, &judgement);
    }
    if (selection.k > 0 && selection.n > 1) measure_rates(&selection, &judgement);
    if (judgement.reason == GROWTH_REASON_SLOWS && slowing(&selection)) judgement.level = level_ahead(&selection);
    judgement.outcome =
        evidence->builds && judgement.class != GROWTH_NOT_JUDGED ? GROWTH_PASS : class_outcomes[judgement.class];
    return judgement;
}
