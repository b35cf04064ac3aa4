/*
 * The evidence of a judgement in words, with the numbers that a person can check, and what would change the verdict.
 * One row per class; pure.
 */
#include <math.h>
#include <string.h>

#include "../text/plural.h"
#include "growth.h"
#include "words.h"

#define FEW_ROUNDS 8
#define STEPS_TOLD 6 /* of a container, the last ones */

struct telling {
    const struct growth_evidence *evidence;
    const struct growth_judgement *judgement;
    struct words words;
};

struct round_name {
    char text[64];
};

/* "rounds", "group of 2 rounds", "windows of items": for as many as `count`. */
static struct round_name round_name(const struct telling *telling, uint64_t count) {
    static const struct {
        const char *one, *what;
    } names[] = {
        {"round", ""}, {"window", " of operations"}, {"window", " of items"}, {"window", " of allocation events"}};
    struct round_name name = {.text = ""};
    struct words words = words_begin(name.text, sizeof name.text);
    uint32_t each = telling->evidence->each;
    if (each > 1) words_add(&words, "group%s of %u ", plural(count), each);
    words_add(&words, "%s%s%s", names[telling->evidence->kind].one, plural(each > 1 ? each : count),
              names[telling->evidence->kind].what);
    return name;
}

static void tell_rate(struct telling *telling) {
    const struct growth_rate *rate = &telling->judgement->per_round;
    if (!isfinite(rate->value) || rate->value == 0) return; /* 0 where few rounds added: no rate to go by */
    words_add(&telling->words, ", %s a round", words_bytes(rate->value).text);
    struct quantity_text low = words_bytes(rate->low), high = words_bytes(rate->high);
    if (rate->high > rate->low && strcmp(low.text, high.text) != 0)
        words_add(&telling->words, " (95%%: %s to %s)", low.text, high.text);
}

static void tell_reach(struct telling *telling) {
    const struct growth_evidence *evidence = telling->evidence;
    const char *whose = evidence->reach_borrowed ? "its function's freed blocks" : "its freed blocks";
    uint64_t freed = evidence->reach_borrowed ? evidence->owner_freed : evidence->freed;
    if (freed == 0) words_add(&telling->words, "; it never freed a block before");
    else if (evidence->reach == 0) words_add(&telling->words, "; %s lived within their round", whose);
    else
        words_add(&telling->words, "; %s lived %g round%s at most%s", whose, evidence->reach,
                  evidence->reach == 1 ? "" : "s",
                  growth_lives_exceed_reach(&evidence->lives) ? ", but for 1 in 100" : "");
}

static void tell_held(struct telling *telling) {
    static const char *const ends[] = {"", "; whether they were released later is unknown",
                                       "; released only at teardown", "; released only at exit", "; never released"};
    words_add(&telling->words, "%s", ends[telling->judgement->held_until]);
}

/* "18 of 18 rounds (2 to 19) added 1800 blocks that stay, 84.4 KiB, 4.69 KiB a round" */
static void tell_added(struct telling *telling) {
    const struct growth_judgement *judgement = telling->judgement;
    words_add(&telling->words, "%u of %u %s (%u to %u) added %llu %s, %s", judgement->k, judgement->n,
              round_name(telling, judgement->n).text, judgement->first, judgement->last,
              (unsigned long long)judgement->blocks, judgement->blocks == 1 ? "block that stays" : "blocks that stay",
              words_bytes((double)judgement->bytes).text);
    tell_rate(telling);
    tell_reach(telling);
    tell_held(telling);
}

/* " it grew to 8 KiB in round 6, 16 KiB in 11" */
static void tell_steps(struct telling *telling) {
    const struct growth_evidence *evidence = telling->evidence;
    const char *unit = evidence->kind == GROWTH_ROUNDS_PHASES ? "round " : "window ";
    uint32_t each = evidence->each > 1 ? evidence->each : 1;
    size_t from = evidence->step_count > STEPS_TOLD ? evidence->step_count - STEPS_TOLD : 0;
    words_add(&telling->words, " it grew%s to", from ? " at last" : "");
    for (size_t i = from; i < evidence->step_count; i++)
        words_add(&telling->words, "%s %s %s %s%u", i > from ? "," : "",
                  words_bytes((double)evidence->steps[i].bytes).text, each > 1 ? "by" : "in", i > from ? "" : unit,
                  (evidence->steps[i].round + 1) * each);
}

/* A container grows by steps, ever larger and rarer: no round's bytes are those of another. */
static void tell_container(struct telling *telling) {
    const struct growth_judgement *judgement = telling->judgement;
    words_add(&telling->words, "%s",
              telling->evidence->arena ? "an arena of ever larger blocks, whose sum follows the work:"
                                       : "a container whose capacity follows the work:");
    tell_steps(telling);
    words_add(&telling->words, "; %s of that in %u %s (%u to %u)", words_bytes((double)judgement->bytes).text,
              judgement->n, round_name(telling, judgement->n).text, judgement->first, judgement->last);
    tell_held(telling);
}

static void tell_leak(struct telling *telling) {
    (telling->judgement->container ? tell_container : tell_added)(telling);
    if (telling->judgement->warmed_up)
        words_add(&telling->words,
                  "; the rounds before added more, as a cache does while it fills, but that fall would have gone on");
    if (telling->judgement->began > 0)
        words_add(&telling->words, "; it began in %s %u, and each one since has added", round_name(telling, 1).text,
                  telling->judgement->began);
    if (telling->evidence->owner == GROWTH_OWNER_THREADS)
        words_add(&telling->words, "; control blocks of threads that run on, or that nobody joined");
    if (telling->judgement->n < FEW_ROUNDS)
        words_add(&telling->words, "; a release less often than every %u rounds would look the same",
                  telling->judgement->n);
}

static void tell_growing(struct telling *telling) {
    const struct growth_level *level = &telling->evidence->level;
    if (!telling->judgement->backlog) {
        tell_leak(telling);
        return;
    }
    /* Where rounds were paired, a pair with one rise and none were counted alike: rounded up each time. */
    uint32_t count = (uint32_t)telling->evidence->count, rises = level->rises < count ? level->rises : count;
    words_add(&telling->words, "%u of %u %s ended with more live than ever, at last %llu block%s", rises, count,
              round_name(telling, telling->evidence->count).text, (unsigned long long)level->last, plural(level->last));
    if (telling->judgement->climb > 0) words_add(&telling->words, ", %.3g more a round", telling->judgement->climb);
    tell_reach(telling);
    words_add(&telling->words, "; it fills faster than it is emptied");
}

static void tell_nothing_added(struct telling *telling) {
    const struct growth_level *level = &telling->evidence->level;
    words_add(&telling->words,
              "none of %u %s added blocks that stay; live at their ends: %llu block%s at most, %llu at last",
              telling->judgement->n, round_name(telling, telling->judgement->n).text, (unsigned long long)level->peak,
              plural(level->peak), (unsigned long long)level->last);
    tell_reach(telling);
}

static void tell_not_judged(struct telling *telling) {
    const struct growth_judgement *judgement = telling->judgement;
    if (judgement->needed == 0) {
        uint64_t lost = telling->evidence->lost_events;
        bool one = judgement->blocks == 1;
        words_add(&telling->words, "%llu %s, but %llu event%s lost, and %s may be among them",
                  (unsigned long long)judgement->blocks, one ? "block stays" : "blocks stay", (unsigned long long)lost,
                  lost == 1 ? " was" : "s were", one ? "its release" : "their releases");
        return;
    }
    words_add(&telling->words, "%u %s %s evidence so far; it needs %u more", judgement->n,
              round_name(telling, judgement->n).text, judgement->n == 1 ? "is" : "are", judgement->needed);
    if (telling->evidence->each > 1) words_add(&telling->words, " round%s", plural(judgement->needed));
    tell_reach(telling);
}

/*
 * What is left of the way to the level. That level is of the evidence rounds alone, while rounds behind them have
 * added, too: NAN or less than 0 where they passed it. What is live besides, from before the evidence or the phase, is
 * not part of it.
 */
static double still_to_come(const struct telling *telling) {
    const struct growth_evidence *evidence = telling->evidence;
    double more = telling->judgement->level - (double)telling->judgement->bytes;
    for (size_t i = telling->judgement->last / (evidence->each > 1 ? evidence->each : 1); i < evidence->count; i++)
        more -= (double)evidence->rounds[i].held.bytes;
    return more;
}

/* Why what grew is not called a leak. */
static const char *const reasons[] = {
    [GROWTH_REASON_NONE] = "",
    [GROWTH_REASON_SLOWS] = "; it slows",
    [GROWTH_REASON_FEWER] = "; the rounds add ever fewer: if they had less to do, tell it by tidemark_items",
    [GROWTH_REASON_FADES] = "; from the first round on it slows",
    [GROWTH_REASON_STOPPED] = "; the rounds since then added far less",
    [GROWTH_REASON_POOLED] = "; its owner keeps memory to use it again",
    [GROWTH_REASON_UNCOLLECTED] = "; its collector has released nothing of this yet, and may not have run",
    [GROWTH_REASON_PEAKS] = "; only rounds with more work than any before added",
    [GROWTH_REASON_CONTENTS] = "; of the blocks of the process, which came with its entries, ever fewer come",
    [GROWTH_REASON_UNEVEN] = "; the rounds are few, and did not add evenly for the work they did",
    [GROWTH_REASON_REPLACES] = "; as many others went: the level stood still",
    [GROWTH_REASON_STRETCHES] = "; they came in few stretches, as of a pool that grows to the most ever in use",
    [GROWTH_REASON_RELEASES] = "; what its first rounds added is gone: it may release everything at times",
    [GROWTH_REASON_OLDEST] = "; as many were freed that had lived as long",
};

static void tell_why(struct telling *telling) {
    tell_added(telling);
    words_add(&telling->words, "%s", reasons[telling->judgement->reason]);
}

static void tell_filling(struct telling *telling) {
    if (telling->judgement->reason == GROWTH_REASON_CONTENTS) {
        tell_container(telling);
        words_add(&telling->words, "%s", reasons[GROWTH_REASON_CONTENTS]);
        return;
    }
    tell_why(telling);
    double more = rint(still_to_come(telling));
    if (more > 0) words_add(&telling->words, ", about %s more to come", words_bytes(more).text);
}

static void tell_returned(struct telling *telling) {
    const struct growth_judgement *judgement = telling->judgement;
    words_add(&telling->words, "%u of %u %s added %llu block%s, %s, released after the phase", judgement->k,
              judgement->n, round_name(telling, judgement->n).text, (unsigned long long)judgement->blocks,
              plural(judgement->blocks), words_bytes((double)judgement->bytes).text);
}

static void tell_stopped(struct telling *telling) {
    tell_why(telling);
    if (telling->judgement->reason == GROWTH_REASON_NONE)
        words_add(&telling->words, "; nothing in the last third of them");
}

static void tell_runtime(struct telling *telling) {
    words_add(&telling->words, "kept by design by the C or C++ library, the loader or the allocator");
}

struct class_text {
    void (*tell)(struct telling *telling);
    const char *would_change;
};

static const struct class_text texts[GROWTH_CLASSES] = {
    [GROWTH_RUNTIME] = {tell_runtime, "nothing; such memory is never counted as a leak"},
    [GROWTH_NOT_JUDGED] = {tell_not_judged, "more rounds, or rounds that do no more work than earlier ones"},
    [GROWTH_RELEASED] = {tell_nothing_added, "blocks that outlive their round and stay"},
    [GROWTH_ONE_TIME] = {tell_nothing_added, "blocks from later rounds that stay"},
    [GROWTH_BOUNDED] = {tell_nothing_added, "blocks that outlive twice the longest life seen and stay"},
    [GROWTH_SAWTOOTH] = {tell_nothing_added, "blocks that outlive twice the longest life seen and stay"},
    [GROWTH_BACKLOG] = {tell_nothing_added, "blocks that outlive twice the longest life seen and stay"},
    [GROWTH_RETURNED] = {tell_returned, "a tenth of these blocks staying until the program tears down"},
    [GROWTH_STEP] = {tell_stopped, "more rounds: none adding makes it bounded, further ones make it growth"},
    [GROWTH_FILLING] = {tell_filling,
                        "more rounds: adding stops in a cache that fills, and goes on at one rate in a leak"},
    [GROWTH_GROWING] = {tell_growing,
                        "rounds of known work (phases or operations), or `steady = yes` for the phase, make it a leak"},
    [GROWTH_LEAK] = {tell_leak, "releasing these blocks before the phase ends"},
    [GROWTH_LEAK_INTERMITTENT] = {tell_leak, "releasing these blocks, or adding in fewer than 8 rounds"},
    [GROWTH_SPARSE] = {tell_why, "more rounds: 8 of at least 12 adding, the first and the last ones among them, and "
                                 "not ever fewer, make it a leak"},
};

const char *growth_sentence(const struct growth_evidence *evidence, const struct growth_judgement *judgement,
                            char *text, size_t size) {
    struct telling telling = {evidence, judgement, words_begin(text, size)};
    bool stopped = judgement->class == GROWTH_BOUNDED && judgement->k > 0;
    (stopped ? tell_stopped : texts[judgement->class].tell)(&telling);
    return text;
}

static const char *what_would_change(const struct growth_judgement *judgement) {
    if (judgement->backlog) return "a level that stops rising; blocks that are never released make it a leak";
    if (judgement->class == GROWTH_LEAK && judgement->container)
        return "entries that are removed again, or a bound on them that is reached while the phase repeats; "
               "or releasing it before the program's teardown";
    if (judgement->class == GROWTH_FILLING && judgement->reason == GROWTH_REASON_UNCOLLECTED)
        return "a collection in each round shows what is garbage; or more work: from 64 MiB on it is a leak";
    if (judgement->class == GROWTH_FILLING && judgement->reason == GROWTH_REASON_CONTENTS)
        return "more rounds: growth at the rate of before makes it a leak, none until twice the work of its last one "
               "makes it "
               "bounded";
    if (judgement->class == GROWTH_FILLING && judgement->reason == GROWTH_REASON_POOLED)
        return "more rounds: if nine in ten of 20 evidence rounds add, or 8 of them at one pace, it is a leak";
    if (judgement->class == GROWTH_SPARSE && judgement->reason == GROWTH_REASON_STRETCHES)
        return "rounds scattered over all of the run that add make it a leak; a bound that is reached makes it none";
    if (judgement->class == GROWTH_SPARSE && judgement->reason == GROWTH_REASON_RELEASES)
        return "more rounds without a release of all, 24 times as many as its blocks live, make it a leak";
    return texts[judgement->class].would_change;
}

const char *growth_would_change(const struct growth_evidence *evidence, const struct growth_judgement *judgement,
                                char *text, size_t size) {
    struct words words = words_begin(text, size);
    bool never_freed = evidence->freed == 0 && (!evidence->reach_borrowed || evidence->owner_freed == 0);
    bool leak = judgement->class == GROWTH_LEAK || judgement->class == GROWTH_LEAK_INTERMITTENT;
    words_add(&words, "%s", what_would_change(judgement));
    if (leak && !judgement->container && evidence->owner == GROWTH_OWNER_INTERPRETER)
        words_add(&words, "; if it is garbage that waits for a full collection: one in each round");
    if (judgement->class == GROWTH_LEAK && !judgement->container && never_freed)
        words_add(&words, "; if this is a cache: a bound that is reached while the phase repeats");
    return text;
}
