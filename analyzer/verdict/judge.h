/*
 * From collected growth to findings: one verdict per site and phase. A site is a full stack with recursion folded; what
 * no stack explains alone is judged per allocating function.
 *
 * Order of calls, by who builds the report:
 *   1. replay with growth_analysis; 2. resolve symbols; 3. growth_judge() with a callback that tells what a stack is;
 *   4. copy each finding to the report_growth of its site; 5. verdict_decide() of verdict.h; 6.
 * growth_findings_release().
 */
#ifndef VERDICT_JUDGE_H
#define VERDICT_JUDGE_H

#include "../analysis/growth.h"
#include "growth.h"

/* What symbols tell about a stack. growth_owner_of() of owners.h gives the owner. */
struct stack_facts {
    uint64_t folded;   /* equal for stacks that differ in the depth of recursion only; the stack id will do */
    uint64_t function; /* equal for stacks whose call site lies in the same function of the same module */
    enum growth_owner owner;
};
/* Called once for each stack that was seen in any phase. May answer false: nothing is known. */
typedef bool (*stack_facts_of)(void *context, uint32_t stack, struct stack_facts *out);

/* What is declared about a phase (budget file); NULL callback or false: nothing. */
struct phase_facts {
    bool steady, builds;
    struct growth_settings settings;
};
typedef bool (*phase_facts_of)(void *context, const char *phase, struct phase_facts *out);

struct judge_input {
    stack_facts_of stack_facts;
    phase_facts_of phase_facts;
    void *stack_context, *phase_context;
    struct growth_settings settings; /* where the phase has none of its own */
    uint64_t lost_events;
};

struct growth_finding {
    size_t phase;           /* of growth_phase() */
    const char *phase_name; /* owned by the struct growth */
    uint32_t *stacks;       /* most held bytes first */
    size_t stack_count;
    enum growth_kind kind;
    uint64_t rounds;     /* complete, before pairing */
    uint64_t *survivors; /* blocks born in each round that live at the end of the phase */
    size_t survivor_count;
    struct growth_survivors alive; /* of what warns or fails; else no cells */
    uint32_t threads;
    bool only_phase; /* the site grew in no other phase */
    struct growth_judgement judgement;
    char *sentence, *would_change;
};

struct growth_findings {
    struct growth_finding *items; /* worst first */
    size_t count;
    size_t judged_phases, judged_sites, not_judged; /* sites: findings that are not `not-judged` */
};

/* Whether the rounds of a phase repeat the same work, and are enough to judge it. */
bool growth_phase_is_judged(const struct growth_phase *phase, bool steady);

/* 0 or -ENOMEM. Sites that hold nothing at the end of a phase give a finding only if they were live across rounds. */
int growth_judge(const struct growth *growth, const struct judge_input *input, struct growth_findings *out);
void growth_findings_release(struct growth_findings *findings);

#endif
