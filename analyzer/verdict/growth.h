/*
 * The classifier: what the growth of one site in one phase is, given its evidence. A pure function; the rules, in their
 * order, and why each is there: docs/verdicts.md.
 */
#ifndef VERDICT_GROWTH_H
#define VERDICT_GROWTH_H

#include "../analysis/growth_evidence.h"

enum growth_class {
    GROWTH_RUNTIME,
    GROWTH_NOT_JUDGED,
    GROWTH_RELEASED,
    GROWTH_ONE_TIME,
    GROWTH_BOUNDED,
    GROWTH_SAWTOOTH,
    GROWTH_BACKLOG,
    GROWTH_RETURNED,
    GROWTH_STEP,
    GROWTH_FILLING,
    GROWTH_GROWING,
    GROWTH_LEAK,
    GROWTH_LEAK_INTERMITTENT,
    GROWTH_SPARSE,
    GROWTH_CLASSES
};
enum growth_outcome { GROWTH_PASS, GROWTH_UNJUDGED, GROWTH_WARN, GROWTH_FAIL };
/* Why what grew is filling or bounded, not a leak. */
enum growth_reason {
    GROWTH_REASON_NONE,
    GROWTH_REASON_SLOWS,       /* over the evidence rounds */
    GROWTH_REASON_FEWER,       /* so from round to round, though not by the allocations done */
    GROWTH_REASON_FADES,       /* seen from the first round on */
    GROWTH_REASON_STOPPED,     /* the rounds behind the evidence added far less, whatever will yet be released */
    GROWTH_REASON_POOLED,      /* an interpreter's or a pool's function that never released anything */
    GROWTH_REASON_UNCOLLECTED, /* a function of a collector's that never released anything, and keeps little as yet */
    GROWTH_REASON_PEAKS,       /* only rounds of record work added */
    GROWTH_REASON_CONTENTS,    /* a container that follows the work, but what comes with it slows */
    GROWTH_REASON_UNEVEN,      /* few rounds, unlike amounts */
    GROWTH_REASON_REPLACES,    /* the level stood still: bounded */
    GROWTH_REASON_STRETCHES,   /* added in few stretches: sparse */
    GROWTH_REASON_RELEASES,    /* what its first rounds added is gone: sparse */
    GROWTH_REASON_OLDEST       /* as few as those that live longest: bounded */
};
enum growth_held { GROWTH_HELD_NONE, GROWTH_HELD_UNKNOWN, GROWTH_HELD_TEARDOWN, GROWTH_HELD_EXIT, GROWTH_HELD_NEVER };

struct growth_settings {
    int64_t warm_up_rounds; /* negative: not given */
    double warm_up_share;   /* 0..1; negative: not given */
    int64_t lag;            /* rounds that must follow, at least; negative: not given */
};
#define GROWTH_SETTINGS_DEFAULT ((struct growth_settings){-1, -1.0, -1})

struct growth_rate { /* NAN: absent */
    double value, low, high;
};

struct growth_judgement {
    enum growth_class class;
    enum growth_outcome outcome;
    enum growth_held held_until;
    enum growth_reason reason; /* why it is not called a leak */
    bool container;            /* leak: of a growing container */
    bool warmed_up;        /* leak: only behind the rounds before the first evidence round, in which a cache filled */
    bool backlog;          /* growing: a queue that fills faster than it is emptied */
    double climb;          /* of a backlog that rises from a level it has kept: blocks a round; 0: not known */
    uint32_t n, k, needed; /* evidence rounds, those that added, rounds that are still missing where not judged */
    double reach;
    uint32_t first, last;   /* first and last evidence round, from 1; 0: none */
    uint32_t began;         /* leak: the round since which each adds, where many before did not; 0: none */
    uint64_t blocks, bytes; /* added in the evidence rounds */
    struct growth_rate per_round, per_work; /* bytes; Theil-Sen slope with a 95 % interval; NAN: work unknown */
    double level;                           /* filling and slowing: bytes that it heads for, NAN: unknown */
};

struct growth_judgement growth_classify(const struct growth_evidence *evidence, const struct growth_settings *settings);

const char *growth_class_name(enum growth_class class);
enum growth_outcome growth_class_outcome(enum growth_class class);
const char *growth_kind_name(enum growth_kind kind);
const char *growth_held_name(enum growth_held held); /* NULL: released or unknown */

/* The evidence in words, and what would change the verdict; one line each, cut at `size`. Returns `text`. */
const char *growth_sentence(const struct growth_evidence *evidence, const struct growth_judgement *judgement,
                            char *text, size_t size);
const char *growth_would_change(const struct growth_evidence *evidence, const struct growth_judgement *judgement,
                                char *text, size_t size);

#endif
