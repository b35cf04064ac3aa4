/*
 * Growth: who keeps blocks from one round of a phase to the next. Collects, for each stack and phase, how many blocks
 * born in each round live at the end of the phase, when the others were released, and how long freed blocks lived.
 *
 * Exact, from births and deaths; memory grows with live blocks, stacks and phases. Above 256 rounds neighbours are
 * paired. Layers: growth by realloc is born in the round of the realloc, a shrink takes the youngest layers; a block
 * freed soon after the same thread allocated a larger one at the same stack hands its layers to that heir.
 *
 * Use: feed growth_analysis in a replay; then verdict/judge.h gives the findings; then growth_release().
 */
#ifndef ANALYSIS_GROWTH_H
#define ANALYSIS_GROWTH_H

#include "analysis.h"
#include "growth_evidence.h"

extern const struct analysis growth_analysis; /* the one that uses block->attached; begin() returns a struct growth */
struct growth;
void growth_release(struct growth *growth);

struct growth_phase {
    const char *name;      /* "requests", "between requests", "run" */
    enum growth_kind kind; /* of its rounds: the best that there is */
    uint64_t rounds;       /* complete ones, before pairing */
    size_t round_count;    /* complete ones as judged */
    size_t told_rounds;    /* of those, the ones whose edges are apart: all, unless lines of output came together */
    bool gap;              /* the time between the rounds of another phase */
    bool siblings;         /* its rounds are its children, which ran once each */
};
size_t growth_phase_count(const struct growth *growth); /* after end() */
struct growth_phase growth_phase(const struct growth *growth, size_t phase);
/* Whether all that is born in `inner` is born in `outer` too. */
bool growth_phase_within(const struct growth *growth, size_t inner, size_t outer);

/* What one stack did in one phase: an evidence without owner, settings and doubts, which the caller adds. */
struct growth_record {
    uint32_t stack;
    size_t phase;
    struct growth_amount held; /* over all complete rounds */
};
size_t growth_record_count(const struct growth *growth);
struct growth_record growth_record(const struct growth *growth, size_t record);

/*
 * Evidence over several records of one phase, as if they were one site. Only the rounds, first, freed, reach, level,
 * steps, threads, kind, exit_seen and cut are set; the arrays belong to the evidence: growth_evidence_release().
 * 0 or -ENOMEM.
 */
int growth_evidence(const struct growth *growth, const size_t *records, size_t count, struct growth_evidence *out);
void growth_evidence_release(struct growth_evidence *evidence);

/* Blocks that live at the ends of rounds, by the round of their birth. */
struct growth_survivors {
    uint32_t each;   /* rounds that a cell stands for */
    uint32_t side;   /* cells, at most GROWTH_ENDS_ROUNDS; the last may stand for fewer rounds */
    uint64_t *cells; /* for the end of cell e from e * (e + 1) / 2 on: by birth, 0 to e; to be freed */
};
/* Over several records of one phase, as growth_evidence(). 0 or -ENOMEM. */
int growth_survivors(const struct growth *growth, const size_t *records, size_t count, struct growth_survivors *out);

#endif
