/*
 * Groups the collected records into sites, judges each, and lets the allocating function speak for what its stacks
 * leave unexplained. Called once, after symbols are known; no I/O.
 */
#include "judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../list.h"
#include "relatives.h"

#define TEXT_SIZE 512
#define COVERED_SHARE 0.8 /* of a finding's blocks that a finding of an inner phase explains */

struct item { /* a record and what is known of its stack */
    size_t record;
    struct growth_record of;
    struct stack_facts facts;
};

struct site {          /* a finding in the making */
    size_t begin, end; /* items */
    struct growth_finding finding;
    uint64_t key;
    bool remaining; /* not explained by its own verdict */
    bool dropped;
};

struct bench {
    const struct growth *growth;
    const struct judge_input *input;
    struct item *items;
    size_t item_count;
    struct site *sites;
    size_t site_count;
    size_t judged, not_judged;
};

static int compare(uint64_t a, uint64_t b) { return (a > b) - (a < b); }

static int by_site(const void *left, const void *right) {
    const struct item *a = left, *b = right;
    int order = compare(a->of.phase, b->of.phase);
    if (!order) order = compare(a->facts.function, b->facts.function);
    if (!order) order = compare(a->facts.folded, b->facts.folded);
    if (!order) order = compare(b->of.held.bytes, a->of.held.bytes);
    return order ? order : compare(a->of.stack, b->of.stack);
}

static int collect(struct bench *bench) {
    bench->item_count = growth_record_count(bench->growth);
    bench->items = calloc(bench->item_count + 1, sizeof *bench->items);
    if (!bench->items) return -ENOMEM;
    for (size_t i = 0; i < bench->item_count; i++) {
        struct item *item = &bench->items[i];
        item->record = i;
        item->of = growth_record(bench->growth, i);
        item->facts = (struct stack_facts){.folded = item->of.stack, .function = UINT64_MAX - item->of.stack};
        const struct judge_input *input = bench->input;
        if (input->stack_facts) input->stack_facts(input->stack_context, item->of.stack, &item->facts);
    }
    qsort(bench->items, bench->item_count, sizeof *bench->items, by_site);
    return 0;
}

/* To be freed; NULL: out of memory. */
static size_t *records_of(const struct bench *bench, size_t begin, size_t end, const bool *left_out, size_t *count) {
    size_t *records = malloc((end - begin + 1) * sizeof *records);
    *count = 0;
    for (size_t i = begin; records && i < end; i++) {
        if (!left_out || !left_out[i - begin]) records[(*count)++] = bench->items[i].record;
    }
    return records;
}

static int evidence_of(const struct bench *bench, size_t begin, size_t end, const bool *left_out,
                       struct growth_evidence *out) {
    size_t count, *records = records_of(bench, begin, end, left_out, &count);
    int error = records ? growth_evidence(bench->growth, records, count, out) : -ENOMEM;
    free(records);
    return error;
}

static int survivors_of(const struct bench *bench, const struct site *site, const bool *left_out,
                        struct growth_survivors *out) {
    size_t count, *records = records_of(bench, site->begin, site->end, left_out, &count);
    int error = records ? growth_survivors(bench->growth, records, count, out) : -ENOMEM;
    free(records);
    if (error) *out = (struct growth_survivors){.each = 0};
    return error;
}

static struct phase_facts facts_of_phase(const struct bench *bench, size_t phase) {
    struct phase_facts facts = {.settings = bench->input->settings};
    const char *name = growth_phase(bench->growth, phase).name;
    if (bench->input->phase_facts) bench->input->phase_facts(bench->input->phase_context, name, &facts);
    return facts;
}

static void complete(const struct bench *bench, struct growth_evidence *evidence, const struct phase_facts *phase,
                     enum growth_owner owner, const struct relatives *relatives) {
    bool pooled = growth_owner_keeps(owner);
    evidence->owner = owner;
    evidence->owner_freed = relatives->freed;
    evidence->owner_held = relatives->held;
    evidence->reach_borrowed = evidence->freed == 0 || pooled;
    if (evidence->reach_borrowed) evidence->reach = pooled ? relatives->reach : relatives_reach(relatives, evidence);
    evidence->steady = phase->steady;
    evidence->builds = phase->builds;
    evidence->lost_events = bench->input->lost_events;
}

static int write_up(struct growth_finding *finding, const struct growth_evidence *evidence) {
    char sentence[TEXT_SIZE], would_change[TEXT_SIZE];
    finding->sentence = strdup(growth_sentence(evidence, &finding->judgement, sentence, sizeof sentence));
    finding->would_change =
        strdup(growth_would_change(evidence, &finding->judgement, would_change, sizeof would_change));
    finding->survivors = calloc(evidence->count + 1, sizeof *finding->survivors);
    if (!finding->sentence || !finding->would_change || !finding->survivors) return -ENOMEM;
    for (size_t i = 0; i < evidence->count; i++) finding->survivors[i] = evidence->rounds[i].held.blocks;
    finding->survivor_count = evidence->count;
    return 0;
}

static int add_site(struct bench *bench, const struct site *made) {
    struct site *site = LIST_ADD(bench->sites, bench->site_count);
    if (site) *site = *made;
    return site ? 0 : -ENOMEM;
}

static int name_stacks(const struct bench *bench, struct site *site, const bool *left_out) {
    struct growth_finding *finding = &site->finding;
    finding->stacks = calloc(site->end - site->begin, sizeof *finding->stacks);
    if (!finding->stacks) return -ENOMEM;
    for (size_t i = site->begin; i < site->end; i++) {
        if (!left_out || !left_out[i - site->begin]) finding->stacks[finding->stack_count++] = bench->items[i].of.stack;
    }
    return 0;
}

/* Held across rounds at some time, or at the end: worth a line. Others were released in their round. */
static bool worth_telling(const struct growth_evidence *evidence, const struct growth_judgement *judgement) {
    return evidence->level.peak > 0 || judgement->k > 0;
}

static int judge_items(struct bench *bench, size_t begin, size_t end, const bool *left_out,
                       const struct relatives *relatives, struct site *out) {
    const struct item *first = &bench->items[begin];
    struct phase_facts phase = facts_of_phase(bench, first->of.phase);
    struct growth_phase name = growth_phase(bench->growth, first->of.phase);
    struct growth_evidence evidence;
    *out = (struct site){.begin = begin, .end = end};
    int error = evidence_of(bench, begin, end, left_out, &evidence);
    if (error) return error;
    complete(bench, &evidence, &phase, first->facts.owner, relatives);
    *out = (struct site){.begin = begin, .end = end, .key = first->facts.folded};
    out->finding = (struct growth_finding){.phase = first->of.phase,
                                           .phase_name = name.name,
                                           .kind = evidence.kind,
                                           .rounds = name.rounds,
                                           .threads = evidence.threads,
                                           .judgement = growth_classify(&evidence, &phase.settings)};
    enum growth_class class = out->finding.judgement.class;
    out->dropped = !worth_telling(&evidence, &out->finding.judgement);
    out->remaining = out->finding.judgement.outcome != GROWTH_FAIL && class != GROWTH_GROWING &&
                     class != GROWTH_RETURNED && class != GROWTH_RUNTIME && first->of.held.blocks > 0;
    if (!out->dropped) error = write_up(&out->finding, &evidence);
    if (!out->dropped && !error) error = name_stacks(bench, out, left_out);
    if (!out->dropped && !error && out->finding.judgement.outcome >= GROWTH_WARN)
        error = survivors_of(bench, out, left_out, &out->finding.alive);
    growth_evidence_release(&evidence);
    return error;
}

static void release_finding(struct growth_finding *finding) {
    free(finding->stacks);
    free(finding->survivors);
    free(finding->alive.cells);
    free(finding->sentence);
    free(finding->would_change);
}

static size_t end_of_stack(const struct bench *bench, size_t begin, size_t end) {
    size_t next = begin + 1;
    while (next < end && bench->items[next].facts.folded == bench->items[begin].facts.folded) next++;
    return next;
}

/* Each stack of one function in one phase by itself. */
static int judge_stacks(struct bench *bench, size_t begin, size_t end, const struct relatives *relatives) {
    for (size_t i = begin, next; i < end; i = next) {
        next = end_of_stack(bench, i, end);
        struct site made;
        int error = judge_items(bench, i, next, NULL, relatives, &made);
        if (!error) error = add_site(bench, &made);
        if (error) {
            release_finding(&made.finding);
            return error;
        }
        bench->judged += made.finding.judgement.class != GROWTH_NOT_JUDGED;
        bench->not_judged += made.finding.judgement.class == GROWTH_NOT_JUDGED && !made.dropped;
    }
    return 0;
}

/* What the stacks leave unexplained, as one site; replaces their findings where it fails or grows. */
static int judge_function(struct bench *bench, size_t begin, size_t end, size_t first_site,
                          const struct relatives *relatives) {
    bool *left_out = calloc(end - begin, sizeof *left_out);
    size_t remaining = 0, last_site = bench->site_count;
    if (!left_out) return -ENOMEM;
    for (size_t i = first_site; i < last_site; i++) {
        const struct site *site = &bench->sites[i];
        remaining += site->remaining;
        for (size_t j = site->begin; j < site->end; j++) left_out[j - begin] = !site->remaining;
    }
    struct site made = {.dropped = true};
    int error = remaining > 1 ? judge_items(bench, begin, end, left_out, relatives, &made) : 0;
    free(left_out);
    enum growth_class class = made.finding.judgement.class;
    bool speaks = remaining > 1 && !error && (made.finding.judgement.outcome == GROWTH_FAIL || class == GROWTH_GROWING);
    if (!speaks) {
        release_finding(&made.finding);
        return error;
    }
    for (size_t i = first_site; i < last_site; i++) bench->sites[i].dropped |= bench->sites[i].remaining;
    made.key = bench->items[begin].facts.function;
    error = add_site(bench, &made);
    if (error) release_finding(&made.finding);
    return error;
}

static int gather_relatives(const struct bench *bench, size_t begin, size_t end, struct relatives *out) {
    struct growth_evidence whole;
    *out = (struct relatives){.count = 0};
    int error = evidence_of(bench, begin, end, NULL, &whole);
    if (error) return error;
    out->reach = whole.reach;
    out->freed = whole.freed;
    for (size_t i = 0; i < whole.count; i++) out->held += whole.rounds[i].held.bytes;
    growth_evidence_release(&whole);
    if (out->reach < 1) return 0;
    for (size_t i = begin, next; i < end && !error && !out->incomplete; i = next) {
        struct growth_evidence evidence;
        next = end_of_stack(bench, i, end);
        error = evidence_of(bench, i, next, NULL, &evidence);
        if (!error) relatives_add(out, &evidence);
    }
    return error;
}

static int judge_functions(struct bench *bench) {
    for (size_t i = 0, next; i < bench->item_count; i = next) {
        const struct item *first = &bench->items[i];
        for (next = i + 1; next < bench->item_count; next++) {
            const struct item *item = &bench->items[next];
            if (item->of.phase != first->of.phase || item->facts.function != first->facts.function) break;
        }
        struct relatives relatives;
        int error = gather_relatives(bench, i, next, &relatives);
        size_t first_site = bench->site_count;
        if (!error) error = judge_stacks(bench, i, next, &relatives);
        if (!error) error = judge_function(bench, i, next, first_site, &relatives);
        relatives_release(&relatives);
        if (error) return error;
    }
    return 0;
}

static bool grew(const struct site *site) { return !site->dropped && site->finding.judgement.outcome >= GROWTH_WARN; }

/* A level of all the site's blocks that climbs by what another phase adds is that phase's growth. */
static bool climbs_by(const struct growth_finding *mine, const struct growth_finding *its) {
    double climbed = mine->judgement.climb * (double)mine->rounds;
    double added = its->judgement.n ? (double)its->judgement.blocks / its->judgement.n * (double)its->rounds : 0;
    return climbed > 0 && its->phase != mine->phase && added >= COVERED_SHARE * climbed;
}

/* The same growth seen in two phases, one inside the other, is told once: the worse verdict, else the inner phase. */
static bool covered_by(const struct bench *bench, const struct site *site, const struct site *other) {
    const struct growth_judgement *mine = &site->finding.judgement, *its = &other->finding.judgement;
    bool inside = growth_phase_within(bench->growth, other->finding.phase, site->finding.phase);
    bool around = growth_phase_within(bench->growth, site->finding.phase, other->finding.phase);
    if (its->outcome < mine->outcome) return false;
    if (climbs_by(&site->finding, &other->finding)) return true;
    if (inside) return its->outcome > mine->outcome || (double)its->blocks >= COVERED_SHARE * (double)mine->blocks;
    return around && its->outcome > mine->outcome;
}

static int by_key(const void *left, const void *right) {
    const struct site *a = left, *b = right;
    int order = compare(a->key, b->key);
    return order ? order : compare(a->finding.phase, b->finding.phase);
}

/* `run` with one site that grows in many phases must stay cheap: only findings of the same site are compared. */
static void relate_phases(struct bench *bench) {
    if (!bench->site_count) return;
    qsort(bench->sites, bench->site_count, sizeof *bench->sites, by_key);
    for (size_t i = 0, next; i < bench->site_count; i = next) {
        for (next = i + 1; next < bench->site_count && bench->sites[next].key == bench->sites[i].key;) next++;
        bool *covered = calloc(next - i, sizeof *covered);
        size_t growing = 0;
        for (size_t j = i; covered && j < next; j++) {
            for (size_t k = i; k < next && grew(&bench->sites[j]) && !covered[j - i]; k++)
                covered[j - i] = k != j && grew(&bench->sites[k]) && !covered[k - i] &&
                                 covered_by(bench, &bench->sites[j], &bench->sites[k]);
        }
        for (size_t j = i; covered && j < next; j++) bench->sites[j].dropped |= covered[j - i];
        for (size_t j = i; j < next; j++) growing += grew(&bench->sites[j]);
        for (size_t j = i; j < next; j++) bench->sites[j].finding.only_phase = growing == 1 && grew(&bench->sites[j]);
        free(covered);
    }
}

static int worst_first(const void *left, const void *right) {
    const struct growth_finding *a = left, *b = right;
    int order = compare(b->judgement.outcome, a->judgement.outcome);
    if (!order) order = compare(b->judgement.class == GROWTH_GROWING, a->judgement.class == GROWTH_GROWING);
    if (!order) order = compare(b->judgement.bytes, a->judgement.bytes);
    if (!order) order = compare(a->phase, b->phase);
    return order ? order : compare(a->stacks[0], b->stacks[0]);
}

static int deliver(struct bench *bench, struct growth_findings *out) {
    out->items = calloc(bench->site_count + 1, sizeof *out->items);
    if (!out->items) return -ENOMEM;
    for (size_t i = 0; i < bench->site_count; i++) {
        struct site *site = &bench->sites[i];
        if (site->dropped) release_finding(&site->finding);
        else out->items[out->count++] = site->finding;
    }
    bench->site_count = 0;
    qsort(out->items, out->count, sizeof *out->items, worst_first);
    return 0;
}

bool growth_phase_is_judged(const struct growth_phase *phase, bool steady) {
    return (phase->kind <= GROWTH_ROUNDS_OPERATIONS || steady) && phase->told_rounds >= 4;
}

static size_t judged_phases(const struct bench *bench) {
    size_t judged = 0;
    for (size_t i = 0; i < growth_phase_count(bench->growth); i++) {
        struct growth_phase phase = growth_phase(bench->growth, i);
        judged += !phase.gap && growth_phase_is_judged(&phase, facts_of_phase(bench, i).steady);
    }
    return judged;
}

int growth_judge(const struct growth *growth, const struct judge_input *input, struct growth_findings *out) {
    struct bench bench = {.growth = growth, .input = input};
    *out = (struct growth_findings){.items = NULL};
    int error = collect(&bench);
    if (!error) error = judge_functions(&bench);
    if (!error) {
        relate_phases(&bench);
        error = deliver(&bench, out);
    }
    out->judged_phases = judged_phases(&bench);
    out->judged_sites = bench.judged;
    out->not_judged = bench.not_judged;
    for (size_t i = 0; i < bench.site_count; i++) release_finding(&bench.sites[i].finding);
    free(bench.sites);
    free(bench.items);
    return error;
}

void growth_findings_release(struct growth_findings *findings) {
    for (size_t i = 0; i < findings->count; i++) release_finding(&findings->items[i]);
    free(findings->items);
    *findings = (struct growth_findings){.items = NULL};
}
