/*
 * The sites of a report: stacks merged by where they lie, named, with what grew at them.
 *
 * Only stacks that may be shown are named: those with the highest numbers, and those with a finding. What the report
 * does not keep in the end was never copied out of the resolver.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../must.h"
#include "builder.h"

#define MOST_NAMED 1500u /* stacks of a judged process, for each of three orders */
#define MOST_NAMED_OTHERS 60u
#define HOLDERS 12u
#define AGED 8u             /* sites that hold most in the end and show its ages */
#define AGED_THAT_GROW 100u /* those that grow do anyway, and the survivors of each round: hundreds of numbers */

struct naming { /* while one process is added */
    struct builder *builder;
    struct stacks stacks;
    struct site_slot *slots; /* key to candidate, open addressing */
    size_t capacity, used;
    uint8_t *done; /* by site number */
    const struct sites *sites;
    const struct sites *chosen; /* NULL: all blocks are shown */
    const struct residency *residency;
    int64_t pid, process_index;
};

static size_t *slot_of(struct naming *naming, uint64_t key, bool *found) {
    size_t at = (size_t)(key >> 8) & (naming->capacity - 1);
    while (naming->slots[at].key && naming->slots[at].key != key) at = (at + 1) & (naming->capacity - 1);
    *found = naming->slots[at].key != 0;
    naming->slots[at].key = key;
    return &naming->slots[at].number;
}

static void make_room(struct naming *naming) {
    if (naming->used < naming->capacity / 2) return;
    struct site_slot *old = naming->slots;
    size_t count = naming->capacity;
    naming->capacity = count ? 2 * count : 1024;
    naming->slots = must(calloc(naming->capacity, sizeof *naming->slots));
    for (size_t i = 0; i < count; i++) {
        bool found;
        if (old[i].key) *slot_of(naming, old[i].key, &found) = old[i].number;
    }
    free(old);
}

static struct report_frame make_frame(const struct symbol_frame *from) {
    return (struct report_frame){from->function, from->file, from->line, from->module, from->offset, from->inlined};
}

static void set_stack(struct builder *builder, struct report_site *row, const struct named_stack *stack) {
    row->depth = stack->count;
    row->stack = arena_take(builder->arena, row->depth, sizeof *row->stack);
    for (size_t i = 0; i < row->depth; i++) row->stack[i] = make_frame(&stack->frames[i]);
}

static void set_id(struct builder *builder, struct report_site *row, const struct named_stack *stack) {
    char id[SITE_ID_SIZE];
    site_id(stack->frames, stack->count, id);
    row->id = arena_text(builder->arena, id);
}

/* The candidate for this stack; a new one where its site is met for the first time. */
static struct candidate *candidate_of(struct naming *naming, uint32_t stack) {
    struct builder *builder = naming->builder;
    struct named_stack named;
    bool found;
    stacks_name(&naming->stacks, stack, &named);
    make_room(naming);
    size_t *number = slot_of(naming, named.key | 1, &found);
    if (found) return &builder->candidates[*number];
    *number = builder->candidate_count;
    naming->used++;
    struct candidate *candidate = ARENA_ADD(builder->arena, builder->candidates, builder->candidate_count);
    *candidate = (struct candidate){.row = {.process = naming->pid,
                                            .process_index = naming->process_index,
                                            .rss_bytes = REPORT_NONE,
                                            .rss_peak_bytes = REPORT_NONE,
                                            .alone_bytes = REPORT_NONE,
                                            .wasted_bytes = REPORT_NONE},
                                    .lifetimes.bits = 1,
                                    .chosen_lifetimes.bits = 1};
    candidate->row.guessed = named.guessed;
    set_stack(builder, &candidate->row, &named);
    set_id(builder, &candidate->row, &named);
    return candidate;
}

static void add_stats(struct report_site *row, struct histogram *lifetimes, const struct site_stats *stats) {
    report_add(&row->allocations, stats->allocations);
    report_add(&row->allocated_bytes, stats->allocated_bytes);
    report_add(&row->live_bytes_end, stats->live_bytes);
    report_add(&row->live_blocks_end, stats->live_blocks);
    report_add(&row->peak_bytes, stats->peak_bytes);
    report_add(&row->temporary, stats->temporary);
    report_add(&row->live_at_peak, stats->live_at_peak);
    histogram_merge(lifetimes, &stats->lifetimes);
}

static void add_known(int64_t *to, uint64_t bytes) {
    *to = report_sum(*to == REPORT_NONE ? 0 : *to, report_count(bytes));
}

/* Without a look nobody knows; a stack without a share holds nothing. */
static void add_share(struct report_site *row, const struct residency *residency, uint32_t stack) {
    static const struct residency_share nothing;
    const struct residency_share *share = residency_of(residency, stack);
    if (!residency->look_count) return;
    if (!share) share = &nothing;
    add_known(&row->rss_bytes, share->last);
    add_known(&row->rss_peak_bytes, share->peak);
    add_known(&row->alone_bytes, share->alone);
    add_known(&row->wasted_bytes, share->wasted);
}

static void add_chosen(const struct naming *naming, struct candidate *candidate, uint32_t stack) {
    size_t at = naming->chosen ? sites_find(naming->chosen, stack) : SIZE_MAX;
    if (at != SIZE_MAX) add_stats(&candidate->chosen, &candidate->chosen_lifetimes, sites_get(naming->chosen, at));
}

static struct candidate *name_site(struct naming *naming, size_t number) {
    const struct site_stats *stats = sites_get(naming->sites, number);
    struct candidate *candidate = candidate_of(naming, stats->stack);
    if (naming->done[number]) return candidate;
    naming->done[number] = 1;
    add_stats(&candidate->row, &candidate->lifetimes, stats);
    histogram_merge(&candidate->sizes, &stats->sizes);
    builder_add_course(naming->builder, candidate, stats, naming->residency);
    add_share(&candidate->row, naming->residency, stats->stack);
    add_chosen(naming, candidate, stats->stack);
    return candidate;
}

/* The orders in which sites may be asked for. */
static uint64_t by_live(const struct site_stats *s) { return s->live_bytes; }
static uint64_t by_peak(const struct site_stats *s) { return s->live_at_peak; }
static uint64_t by_allocations(const struct site_stats *s) { return s->allocations; }
static uint64_t (*const orders[])(const struct site_stats *) = {by_live, by_peak, by_allocations};

struct ranked {
    uint64_t value;
    size_t number;
};

static int descending(const void *a, const void *b) {
    const struct ranked *left = a, *right = b;
    if (left->value != right->value) return left->value > right->value ? -1 : 1;
    return left->number < right->number ? -1 : left->number > right->number;
}

static void name_highest(struct naming *naming, struct ranked *ranks, size_t most) {
    const struct sites *ranked = naming->chosen ? naming->chosen : naming->sites;
    size_t count = sites_count(ranked);
    for (size_t order = 0; order < sizeof orders / sizeof *orders; order++) {
        for (size_t i = 0; i < count; i++) {
            const struct site_stats *stats = sites_get(ranked, i);
            ranks[i] = (struct ranked){orders[order](stats), sites_find(naming->sites, stats->stack)};
        }
        qsort(ranks, count, sizeof *ranks, descending);
        for (size_t i = 0; i < count && i < most && ranks[i].value; i++) name_site(naming, ranks[i].number);
    }
}

/* Which of them a rule means is known by the names alone, and does not depend on the blocks that are shown. */
static void name_all(struct naming *naming) {
    for (size_t i = 0; i < sites_count(naming->sites); i++) name_site(naming, i);
}

static uint64_t by_last(const struct residency_share *s) { return s->last; }
static uint64_t by_rss_peak(const struct residency_share *s) { return s->peak; }
static uint64_t by_wasted(const struct residency_share *s) { return s->wasted; }
static uint64_t (*const share_orders[])(const struct residency_share *) = {by_last, by_rss_peak, by_wasted};

/* Few bytes may hold many pages. */
static void name_holders(struct naming *naming, size_t most) {
    const struct residency *residency = naming->residency;
    struct ranked *ranks = must(calloc(residency->share_count + 1, sizeof *ranks));
    for (size_t order = 0; order < sizeof share_orders / sizeof *share_orders; order++) {
        for (size_t i = 0; i < residency->share_count; i++)
            ranks[i] = (struct ranked){share_orders[order](&residency->shares[i]),
                                       sites_find(naming->sites, residency->shares[i].stack)};
        qsort(ranks, residency->share_count, sizeof *ranks, descending);
        for (size_t i = 0; i < residency->share_count && i < most && ranks[i].value; i++)
            if (ranks[i].number != SIZE_MAX) name_site(naming, ranks[i].number);
    }
    free(ranks);
}

static void name_pins(struct naming *naming) {
    struct report_residency *out = &naming->builder->report->residency;
    for (size_t i = 0; i < out->pin_count; i++) {
        size_t number = sites_find(naming->sites, naming->residency->pins[i].stack);
        if (number == SIZE_MAX) continue;
        struct candidate *candidate = name_site(naming, number);
        candidate->pins |= 1u << i;
        out->pins[i].site = candidate->row.id;
    }
}

static bool facts_of_stack(void *context, uint32_t stack, struct stack_facts *out) {
    struct naming *naming = context;
    struct named_stack named;
    stacks_name(&naming->stacks, stack, &named);
    *out = (struct stack_facts){named.key, named.function, named.owner};
    return named.count > 0;
}

/*
 * A container grows by few, ever larger steps: the median slope sees none of them, or one. What it grew by on the whole
 * is its rate.
 */
static void set_container_rate(struct report_growth *growth, const struct growth_judgement *judgement) {
    growth->bytes_per_round = (double)judgement->bytes / (judgement->last - judgement->first + 1);
    growth->ci_low = growth->ci_high = growth->bytes_per_item = NAN;
}

static struct report_growth make_growth(struct builder *builder, const struct growth_finding *finding) {
    const struct growth_judgement *j = &finding->judgement;
    struct report_growth growth = {
        .phase = arena_text(builder->arena, finding->phase_name),
        .class_slug = growth_class_name(j->class),
        .held_until = growth_held_name(j->held_until),
        .only_phase = finding->only_phase,
        .rounds_kind = growth_kind_name(finding->kind),
        .rounds = report_count(finding->rounds),
        .n = j->n,
        .k = j->k,
        .reach = j->reach,
        .first = j->first,
        .last = j->last,
        .survivor_count = finding->survivor_count,
        .bytes_per_round = j->per_round.value,
        .ci_low = j->per_round.low,
        .ci_high = j->per_round.high,
        .bytes_per_item = j->per_work.value,
        .threads_affected = finding->threads,
        .sentence = arena_text(builder->arena, finding->sentence),
        .would_change = arena_text(builder->arena, finding->would_change),
    };
    if (j->container) set_container_rate(&growth, j);
    growth.survivors = arena_take(builder->arena, finding->survivor_count, sizeof *growth.survivors);
    for (size_t i = 0; i < finding->survivor_count; i++) growth.survivors[i] = report_count(finding->survivors[i]);
    if (!finding->alive.cells) return growth;
    growth.alive_each = finding->alive.each;
    growth.alive_count = (size_t)finding->alive.side * (finding->alive.side + 1) / 2;
    growth.alive = arena_take(builder->arena, growth.alive_count, sizeof *growth.alive);
    for (size_t i = 0; i < growth.alive_count; i++) growth.alive[i] = report_count(finding->alive.cells[i]);
    return growth;
}

static void add_finding(struct naming *naming, const struct growth_finding *finding) {
    size_t number = finding->stack_count ? sites_find(naming->sites, finding->stacks[0]) : SIZE_MAX;
    enum growth_outcome outcome = finding->judgement.outcome;
    if (number == SIZE_MAX) return;
    struct candidate *candidate = name_site(naming, number);
    struct report_growth *growth =
        ARENA_ADD(naming->builder->arena, candidate->row.growth, candidate->row.growth_count);
    *growth = make_growth(naming->builder, finding);
    candidate->grows |= outcome == GROWTH_WARN || outcome == GROWTH_FAIL;
    candidate->fails |= outcome == GROWTH_FAIL;
}

/* More windows of equal work come of no longer run: there are as many of them as ever. */
static void add_missing(int64_t *rounds, const struct growth_finding *finding) {
    if (finding->kind > GROWTH_ROUNDS_OPERATIONS || finding->judgement.class != GROWTH_NOT_JUDGED) return;
    if (finding->judgement.needed > *rounds) *rounds = finding->judgement.needed;
}

static int judge(struct naming *naming, const struct subject *subject) {
    const struct build_options *options = naming->builder->options;
    struct judge_input input = {
        .stack_facts = facts_of_stack,
        .stack_context = naming,
        .phase_facts = options->phase_facts,
        .phase_context = options->phase_context,
        .settings = options->settings,
        .lost_events = subject->trace.input.header.lost + subject->trace.input.damage.events,
    };
    struct growth_findings findings;
    int error = growth_judge(subject->growth, &input, &findings);
    if (error) return error;
    struct report_verdict *verdict = &naming->builder->report->verdict;
    for (size_t i = 0; i < findings.count; i++) {
        add_finding(naming, &findings.items[i]);
        add_missing(&verdict->rounds_missing, &findings.items[i]);
    }
    report_add(&verdict->judged_phases, findings.judged_phases);
    report_add(&verdict->judged_sites, findings.judged_sites);
    report_add(&verdict->not_judged, findings.not_judged);
    growth_findings_release(&findings);
    return 0;
}

static uint32_t recorder_module(const struct tables *tables) {
    static const char name[] = "/libtrace.so";
    for (size_t i = 0; i < tables->module_count; i++) {
        const char *path = tables->modules[i].path;
        size_t length = strlen(path);
        if (length >= sizeof name - 1 && !strcmp(path + length - (sizeof name - 1), name)) return tables->modules[i].id;
    }
    return 0;
}

/* Stacks that were named: several may be one call site. */
static size_t stacks_done(const struct naming *naming, size_t count) {
    size_t done = 0;
    for (size_t i = 0; naming->done && i < count; i++) done += naming->done[i] != 0;
    return done;
}

int builder_add_sites(struct builder *builder, struct subject *subject, uint32_t space, bool judged, bool resident) {
    size_t count = sites_count(subject->sites);
    const struct symbol_options *symbols = &builder->options->symbols;
    const struct wrapper_set wrappers = {symbols->wrappers, symbols->wrapper_count};
    struct naming naming = {
        .builder = builder,
        .stacks = {.nodes = &subject->trace.nodes,
                   .symbols = builder->symbols,
                   .space = space,
                   .recorder = recorder_module(&subject->trace.tables),
                   .wrappers = &wrappers},
        .sites = subject->sites,
        .chosen = subject->selection ? selection_sites(subject->selection) : NULL,
        .residency = subject->residency,
        .pid = report_count(subject->trace.tables.process.pid),
        .process_index = report_count(space),
        .done = calloc(count + 1, 1),
    };
    struct ranked *ranks = calloc(count + 1, sizeof *ranks);
    size_t before = builder->candidate_count;
    int error = naming.done && ranks ? 0 : -ENOMEM;
    builder_add_timeline(builder, subject);
    size_t most = judged ? MOST_NAMED : MOST_NAMED_OTHERS;
    if (!error) name_highest(&naming, ranks, builder->options->every_site ? SIZE_MAX : most);
    if (!error && builder->options->names_site) name_all(&naming);
    if (!error) name_holders(&naming, most);
    if (!error && resident) name_pins(&naming);
    if (!error && judged) error = judge(&naming, subject);
    report_add(&builder->report->sites_total, count - stacks_done(&naming, count) + builder->candidate_count - before);
    stacks_release(&naming.stacks);
    free(naming.slots);
    free(naming.done);
    free(ranks);
    return error;
}

static int shown_first(const void *a, const void *b) {
    const struct candidate *left = a, *right = b;
    if (left->fails != right->fails) return left->fails ? -1 : 1;
    if (left->grows != right->grows) return left->grows ? -1 : 1;
    if (left->row.live_bytes_end != right->row.live_bytes_end)
        return left->row.live_bytes_end > right->row.live_bytes_end ? -1 : 1;
    if (left->row.allocated_bytes != right->row.allocated_bytes)
        return left->row.allocated_bytes > right->row.allocated_bytes ? -1 : 1;
    return strcmp(left->row.id, right->row.id);
}

static int by_id(const void *a, const void *b) {
    const struct report_site *left = *(struct report_site *const *)a, *right = *(struct report_site *const *)b;
    int order = strcmp(left->id, right->id);
    return order ? order : (left > right) - (left < right);
}

/* Sites of one function chain that differ in the line share an id so far; the later ones get a number. */
static void number_ids(struct builder *builder) {
    size_t count = builder->report->site_count;
    struct report_site **sorted = arena_take(builder->arena, count + 1, sizeof *sorted);
    const char *id = "";
    for (size_t i = 0; i < count; i++) sorted[i] = &builder->report->sites[i];
    qsort(sorted, count, sizeof *sorted, by_id);
    for (size_t i = 0, same = 1; i < count; i++) {
        same = strcmp(sorted[i]->id, id) ? 1 : same + 1;
        id = same > 1 ? id : sorted[i]->id;
        if (same > 1) sorted[i]->id = arena_format(builder->arena, "%s.%zu", id, same);
    }
}

static void own_text(struct arena *arena, const char **text) { *text = arena_text(arena, *text); }

/* Takes the names over from the resolver, which ends before the report. */
static void own_names(struct arena *arena, struct report_site *site) {
    for (size_t i = 0; i < site->depth; i++) {
        own_text(arena, &site->stack[i].function);
        own_text(arena, &site->stack[i].file);
        own_text(arena, &site->stack[i].module);
    }
    site->function = site->stack[0].function;
    site->file = site->stack[0].file;
    site->line = site->stack[0].line;
    site->module = site->stack[0].module;
}

static void set_lifetimes(struct report_site *site, const struct histogram *lifetimes) {
    bool none = !lifetimes->total;
    site->lifetime_p50 = none ? REPORT_NONE : (int64_t)histogram_at(lifetimes, 0.5);
    site->lifetime_p95 = none ? REPORT_NONE : (int64_t)histogram_at(lifetimes, 0.95);
    site->lifetime_max = none ? REPORT_NONE : report_count(lifetimes->max);
}

static int64_t *octaves_of(struct arena *arena, const struct histogram *histogram, size_t *count) {
    uint64_t counts[HISTOGRAM_OCTAVES];
    *count = histogram_octaves(histogram, counts);
    int64_t *out = arena_take(arena, *count, sizeof *out);
    for (size_t i = 0; i < *count; i++) out[i] = report_count(counts[i]);
    return out;
}

static void finish_site(struct builder *builder, struct candidate *candidate) {
    struct report *report = builder->report;
    set_lifetimes(&candidate->row, &candidate->lifetimes);
    set_lifetimes(&candidate->chosen, &candidate->chosen_lifetimes);
    own_names(builder->arena, &candidate->row);
    candidate->row.sizes = octaves_of(builder->arena, &candidate->sizes, &candidate->row.size_count);
    candidate->row.lifetimes = octaves_of(builder->arena, &candidate->lifetimes, &candidate->row.lifetime_count);
    builder_finish_course(builder, candidate);
    if (report->chosen) report->chosen[report->site_count] = candidate->chosen;
    for (size_t i = 0; i < report->residency.pin_count; i++)
        if (candidate->pins >> i & 1) report->residency.pins[i].site_index = report->site_count;
    report->sites[report->site_count++] = candidate->row;
}

static int64_t last_rss(const struct candidate *c) { return c->row.rss_bytes; }
static int64_t highest_rss(const struct candidate *c) { return c->row.rss_peak_bytes; }

static int falling(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left < right) - (left > right);
}

/* Sites that hold most pages are shown, few as their live bytes may be in the end. */
static void keep_holders(struct builder *builder, int64_t (*rss)(const struct candidate *)) {
    size_t count = builder->candidate_count;
    int64_t *values = must(calloc(count + 1, sizeof *values));
    for (size_t i = 0; i < count; i++) values[i] = rss(&builder->candidates[i]);
    qsort(values, count, sizeof *values, falling);
    int64_t least = count > HOLDERS ? values[HOLDERS - 1] : 1;
    for (size_t i = 0; i < count; i++)
        builder->candidates[i].holds |= least > 0 && rss(&builder->candidates[i]) >= least;
    free(values);
}

static void drop_survivors(struct report_site *site) {
    for (size_t i = 0; i < site->growth_count; i++) site->growth[i].alive_count = 0;
}

void builder_finish_sites(struct builder *builder) {
    struct report *report = builder->report;
    const struct build_options *options = builder->options;
    size_t others = 0, count = builder->candidate_count;
    builder_set_slices(builder);
    keep_holders(builder, last_rss);
    keep_holders(builder, highest_rss);
    if (count) qsort(builder->candidates, count, sizeof *builder->candidates, shown_first);
    report->sites = arena_take(builder->arena, count, sizeof *report->sites);
    if (builder->options->choice) report->chosen = arena_take(builder->arena, count, sizeof *report->chosen);
    for (size_t i = 0; i < count; i++) {
        struct candidate *candidate = &builder->candidates[i];
        candidate->aged = i < (candidate->grows ? AGED_THAT_GROW : AGED);
        if (i >= AGED_THAT_GROW) drop_survivors(&candidate->row);
        if (candidate->grows || candidate->holds || candidate->pins || options->every_site || others++ < options->top ||
            (options->names_site && options->names_site(options->site_context, &candidate->row)))
            finish_site(builder, candidate);
        histogram_release(&candidate->lifetimes);
        histogram_release(&candidate->sizes);
        histogram_release(&candidate->chosen_lifetimes);
    }
    number_ids(builder);
}
