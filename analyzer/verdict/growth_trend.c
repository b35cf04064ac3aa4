/*
 * Tests for a trend over evidence rounds (growth_trend.h). Chances are those that growth at one rate would look so.
 */
#include "growth_trend.h"

#include "statistics.h"

#define SLOW_RATIO (2.0 / 3) /* second half's blocks per unit of work against the first half's */
#define TREND_BLOCKS 48      /* of many rounds, from which the test for a trend sees more than the halves */
#define STEADY_RATIO 0.9     /* from here the halves count as equal, given so many blocks */
#define STEADY_BLOCKS 200
#define REGULAR_SCATTER 0.25       /* variance of the blocks of rounds, of their mean: 1 by chance */
#define USUAL_SHARE 0.8            /* of the rounds, that add as little as the one that adds least */
#define SLOW_CHANCE_BY_ROUNDS 0.03 /* with all rounds taken for equal, where allocations are the only work known */
#define PACED_ROUNDS 8             /* that added, from which a pace is no chance */
#define EVEN_DISTANCE 0.3          /* standard deviation of the distances, of their mean */
#define PEAK_SHARE 0.2             /* of the rounds that added: those that set no record of work */
#define NO_PEAK 3.0                /* standard deviations from what a pool would have added to where */
#define STOPPED_ROUNDS 2           /* behind the evidence, and a tenth of all, that must have added less than ... */
#define STOPPED_SHARE 0.5          /* ... so much of what the evidence lets expect, */
#define STOPPED_DEVIATIONS 3.1     /* and so many standard deviations less: one chance in a thousand */
#define STEEPEST 4.0               /* power of the work by which what warms up may fall */
#define SETTLED_DEVIATIONS 4.5
#define LEAST_SCATTER 0.1

/*
 * Chance that a steady growth weighs as much towards its beginning as this one: the blocks' mean place on the axis of
 * work against its middle (Laplace's trend test). Counts that scatter more than independent blocks would (batches) are
 * first brought to independent ones by their dispersion.
 */
static double chance_of_steady(const struct selection *selection) {
    struct half all = selection_sum(selection, 0, selection->n);
    double done = 0, lean = 0, spread = 0;
    for (uint32_t i = 0; i < selection->n; i++) {
        double work = selection_work(selection, i), seen = (double)selection_round(selection, i)->held.blocks;
        double expected = all.blocks * work / all.work, place = (done + work / 2) / all.work - 0.5;
        lean += seen * place;
        spread += expected * place * place;
        done += work;
    }
    return statistics_normal_at_most(lean / sqrt(spread * selection_dispersion(selection)));
}

/*
 * Least chance by evidence rounds and blocks. What fills leans the more towards its beginning the longer it is watched,
 * and many blocks show it: then chance alone explains a small lean of what is steady.
 */
struct chance_row {
    uint32_t rounds;
    double blocks, chance;
};
static const struct chance_row steady_rows[] = {
    {60, 100, 0.02},           {60, 16, 0.05}, {INTERMITTENT_ROUNDS, 100, 0.05}, {20, 48, 0.1},
    {VERY_FEW_ROUNDS, 0, 0.2}, {0, 0, 0.4}};
static const struct chance_row intermittent_rows[] = {{60, 16, 0.05}, {60, 12, 0.2}, {40, 32, 0.1}, {24, 48, 0.2},
                                                      {24, 16, 0.3},  {0, 48, 0},    {0, 24, 0.3},  {0, 0, 0.5}};

static const struct chance_row stretches_rows[] = {{60, 0, 0.02}, {0, 0, 0.1}};

static double least_chance(const struct chance_row *row, uint32_t rounds, double blocks) {
    while (rounds < row->rounds || blocks < row->blocks) row++;
    return row->chance;
}

/*
 * The same number of blocks in each, but for one that came a round early or late, as in rounds that overlap: nothing
 * slows there, whatever else the allocations that count as work were for.
 */
static bool same_each_round(const struct selection *selection) {
    double counts[GROWTH_MOST_ROUNDS], ahead = 0;
    struct range blocks = {INFINITY, 0}, pace = {0, 0};
    for (uint32_t i = 0; i < selection->n; i++) {
        counts[i] = (double)selection_round(selection, i)->held.blocks;
        range_widen(&blocks, counts[i]);
    }
    double usual = floor(statistics_median(counts, selection->n));
    for (uint32_t i = 0; i < selection->n; i++)
        range_widen(&pace, ahead += (double)selection_round(selection, i)->held.blocks - usual);
    bool rounds_alone = selection->evidence->work_is_events && selection->n >= VERY_FEW_ROUNDS;
    bool in_step = usual > 0 && pace.high - pace.low <= 1;
    return rounds_alone && (in_step || (blocks.low > 0 && range_is_one_but_for_one(&blocks)));
}

/*
 * The same number in each, but in a few that add more, and none adds less: as where threads that end leak their cache
 * each round, and a pool of threads grew twice. Counts that fall by chance, as what a cache misses, are not so.
 */
static bool same_but_for_steps(const struct selection *selection) {
    struct range blocks = {INFINITY, 0};
    uint32_t usual = 0;
    for (uint32_t i = 0; i < selection->n; i++)
        range_widen(&blocks, (double)selection_round(selection, i)->held.blocks);
    for (uint32_t i = 0; i < selection->n; i++)
        usual += (double)selection_round(selection, i)->held.blocks <= blocks.low;
    return selection->n >= INTERMITTENT_ROUNDS && blocks.low > 0 && usual >= USUAL_SHARE * selection->n;
}

/* Of their blocks per unit of work. */
static double ratio_of_halves(const struct selection *selection) {
    struct half first = selection_sum(selection, 0, selection->n / 2);
    struct half second = selection_sum(selection, selection->n / 2, selection->n);
    return (second.blocks / second.work) / (first.blocks / first.work);
}

static bool halves_are_equal(const struct selection *selection) {
    double blocks = selection_sum(selection, 0, selection->n).blocks;
    return ratio_of_halves(selection) >= STEADY_RATIO && blocks >= STEADY_BLOCKS;
}

/*
 * Counts of rounds that scatter far less than by chance are no cache's misses: so many stay of each round, whatever it
 * allocated besides. A program that walks through what leaks allocates the more the more has leaked, and would seem to
 * leak ever less for that.
 */
static bool regular_by_rounds(const struct selection *selection) {
    struct selection equal = *selection;
    equal.by_rounds = true;
    bool rounds_alone = selection->evidence->work_is_events && selection->n >= INTERMITTENT_ROUNDS;
    return rounds_alone && selection_scatter(&equal) < REGULAR_SCATTER && ratio_of_halves(&equal) >= STEADY_RATIO;
}

/* As many blocks every so many rounds, to the end: what fills finds ever less often that something is missing. */
static bool same_at_one_pace(const struct selection *selection) {
    struct range blocks = {INFINITY, 0};
    for (uint32_t i = 0; i < selection->n; i++)
        if (selection_round(selection, i)->held.blocks > 0)
            range_widen(&blocks, (double)selection_round(selection, i)->held.blocks);
    bool seldom = selection->k >= PACED_ROUNDS && 2 * selection->k <= selection->n;
    return seldom && blocks.high <= blocks.low && trend_keeps_pace(selection);
}

static bool can_not_slow(const struct selection *selection) {
    return same_each_round(selection) || same_but_for_steps(selection) || regular_by_rounds(selection) ||
           same_at_one_pace(selection);
}

bool trend_slows(const struct selection *selection) {
    if (can_not_slow(selection)) return false;
    double blocks = selection_sum(selection, 0, selection->n).blocks;
    bool told = selection->n >= INTERMITTENT_ROUNDS && blocks >= TREND_BLOCKS;
    if (ratio_of_halves(selection) < SLOW_RATIO && !told) return true;
    if (halves_are_equal(selection)) return false;
    return chance_of_steady(selection) < least_chance(steady_rows, selection->n, blocks);
}

/* Where blocks lie on the axis of work, from -0.5 to 0.5, if each round added so many. */
static double mean_place(const struct selection *selection, const double *added) {
    double all = 0, done = 0, lean = 0, blocks = 0;
    for (uint32_t i = 0; i < selection->n; i++) all += selection_work(selection, i);
    for (uint32_t i = 0; i < selection->n; i++) {
        double work = selection_work(selection, i);
        lean += added[i] * ((done + work / 2) / all - 0.5);
        blocks += added[i];
        done += work;
    }
    return blocks > 0 ? lean / blocks : NAN;
}

/*
 * Whether the blocks are too evenly spread over the work for a pool: that adds by as much as the round exceeds the
 * record, which is less and less for each unit of work. Needs many blocks, or work that rises steeply.
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
    double blocks = (double)selection->held.blocks / selection_dispersion(selection);
    return distance * sqrt(12 * blocks) > NO_PEAK;
}

/*
 * A pool that grows to the highest load ever seen adds in the rounds that set a record, however small, and in few
 * others. Only told where the work rose at all.
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

bool trend_follows_peak(const struct selection *selection) {
    return adds_on_records(selection) && !adds_by_work(selection);
}

/*
 * Whether each round that added is the one in which one pace of so many rounds, whole or not, would have it, and none
 * is missing before the first or behind the last: as of a pool from which each round takes as much for good, and that
 * takes memory when it is empty. Rounds with record work are no evidence, but the pool was used in them, too.
 */
bool trend_keeps_pace(const struct selection *selection) {
    uint32_t first = selection->rounds[0], last = selection->rounds[selection->n - 1], count = 1;
    double added[GROWTH_MOST_ROUNDS + 2] = {first - 1.0}, low = 0, high = INFINITY; /* begins with: then or before */
    for (uint32_t i = first; i <= last; i++)
        if (selection->evidence->rounds[i].held.blocks > 0) added[count++] = i;
    added[count] = last + 1.0; /* or later */
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = i + 1; j <= count; j++) {
            double rounds = added[j] - added[i];
            low = fmax(low, (rounds - 1) / (j - i));
            if (i > 0 && j < count) high = fmin(high, (rounds + 1) / (j - i));
        }
    }
    return low < high;
}

/* Whether the rounds that added lie at even distances, as of an operation that fails every so many times. */
static bool at_even_distances(const struct selection *selection) {
    double sum = 0, squares = 0, gaps = 0;
    for (uint32_t i = 0, last = UINT32_MAX; i < selection->n; i++) {
        if (selection_round(selection, i)->held.blocks == 0) continue;
        double gap = last == UINT32_MAX ? 0 : (double)(i - last);
        gaps += gap > 0;
        sum += gap;
        squares += gap * gap;
        last = i;
    }
    double mean = sum / gaps, variance = squares / gaps - mean * mean;
    return gaps > 0 && variance <= EVEN_DISTANCE * EVEN_DISTANCE * mean * mean;
}

bool trend_slows_on_the_whole(const struct selection *selection) {
    struct whole_course course;
    whole_course_follow(selection, &course);
    return trend_slows(&course.selection);
}

bool trend_slows_from_the_start(const struct selection *selection) {
    struct whole_course course;
    whole_course_follow(selection, &course);
    if (trend_slows(&course.selection)) return true;
    if (at_even_distances(selection) || trend_keeps_pace(selection)) return false;
    double least = least_chance(intermittent_rows, selection->n, (double)course.selection.held.blocks);
    return chance_of_steady(&course.selection) < least;
}

/*
 * Where allocations are the only work known, what a cache misses less and less often lessens the work of its rounds,
 * too: per unit of work it then never slows. Over rounds it does.
 */
bool trend_slows_by_rounds(const struct selection *selection) {
    if (!selection->evidence->work_is_events) return false;
    struct whole_course course;
    whole_course_follow(selection, &course);
    course.selection.by_rounds = true;
    if (same_but_for_steps(&course.selection)) return false;
    return !halves_are_equal(&course.selection) && chance_of_steady(&course.selection) < SLOW_CHANCE_BY_ROUNDS;
}

/*
 * Whether the last rounds, which are no evidence because blocks of theirs may still be released, hold less already than
 * the evidence lets expect: what was born in them and lives is the most that they can have added. Where allocations are
 * the only work known, what has stopped makes none: so by rounds, but not where there was as much less to do.
 */
bool trend_has_stopped(const struct selection *selection) {
    const struct growth_evidence *evidence = selection->evidence;
    struct selection equal = *selection;
    equal.by_rounds = evidence->work_is_events;
    struct half seen = selection_sum(&equal, 0, equal.n), by_work = selection_sum(selection, 0, selection->n);
    double blocks = 0, rounds_work = 0, work = 0, scatter = selection_dispersion(&equal);
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

bool trend_in_stretches(const struct selection *selection) {
    double added[GROWTH_MOST_ROUNDS];
    for (uint32_t i = 0; i < selection->n; i++) added[i] = (double)selection_round(selection, i)->held.blocks;
    return statistics_neighbours_alike(added, selection->n) < least_chance(stretches_rows, selection->n, 0);
}

/*
 * A cache that warms up and a leak may share a stack: what they add falls, and then no more. A fall that went on by a
 * power of the work done (the slowest that caches show: Heaps' law) would go on in the last part, too. How much of that
 * part's blocks would fall into its second half, by the exponent that led from the rounds before it to its first half.
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

bool trend_settles(const struct selection *all, uint32_t from) {
    const struct growth_evidence *evidence = all->evidence;
    struct selection before = {.evidence = evidence, .by_rounds = evidence->work_is_events}, last = before;
    for (uint32_t i = (uint32_t)evidence->first + 1; i < all->rounds[from]; i++) selection_take(&before, i);
    for (uint32_t i = from; i < all->n; i++) selection_take(&last, all->rounds[i]);
    if (before.n == 0) return false;
    struct half early = selection_sum(&before, 0, before.n), first = selection_sum(&last, 0, last.n / 2),
                second = selection_sum(&last, last.n / 2, last.n);
    double begun = evidence->rounds[evidence->first].work, work[4];
    work[0] = begun > 0 && !last.by_rounds ? begun : 1;
    work[1] = work[0] + early.work;
    work[2] = work[1] + first.work;
    work[3] = work[2] + second.work;
    double ratio = (early.blocks / early.work) / (first.blocks / first.work), blocks = first.blocks + second.blocks;
    if (first.blocks <= 0 || ratio <= 1) return false;
    double share = share_if_it_fell_on(work, ratio), expected = share * blocks;
    double deviation = sqrt(expected * (1 - share) * fmax(LEAST_SCATTER, selection_scatter(&last)));
    return second.blocks > expected + SETTLED_DEVIATIONS * deviation;
}
