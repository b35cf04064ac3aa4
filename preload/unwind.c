/*
 * The walk. Called in every hook of every thread, also in signal handlers; see unwind.h for what that forbids.
 *
 * A frame is (sp, ip, rbp). Its rule and the words that the rule names on the stack decide its caller, so: if a frame
 * of the new stack equals one of the previous stack, and the words that led outward from there are unchanged, the rest
 * of the previous stack is the rest of the new one. That holds whatever happened in between (returns, longjmp,
 * exceptions, another stack), because nothing but those words is relied on. The walk goes from the leaf to the first
 * such frame; a frame whose caller was found by libunwind ends what is kept. rbp counts only where an outer rule uses
 * it before it is restored.
 *
 * A walk is a rule for each frame (rules.h, remembered in hints.h), words of the stack (stack_range.h), and names for
 * the frames that are new (stack_names.h). Stacks whose ends were met lately need none of it (tails.h).
 */
#include "unwind.h"

#include "../include/trace_format.h"
#include "machine_x86_64.h"
#include "modules.h"
#include "reference.h"
#include "rules.h"
#include "stack_names.h"
#include "stack_range.h"
#include "stackid.h"
#include "tails.h"
#include "walker.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum {
    FRAMES_MAX = 8192, /* deeper stacks become partial */
    CHECKS_A_FRAME = 3,
    GUESS_REACH = 0x4000, /* farthest frame pointer that libunwind believes in */
};

enum outcome { OUTCOME_CALLER, OUTCOME_KEPT, OUTCOME_OUTERMOST, OUTCOME_LOST, OUTCOME_DEEP };

static uint32_t limit = 256;
static uint32_t generation;
static unsigned check_every;

struct unwind_thread {
    struct walker walker;
    struct unwind_counters counters;
    struct fresh fresh[FRAMES_MAX];
    _Alignas(64) struct kept kept[1 + FRAMES_MAX];        /* the first is the root, outward of all frames */
    struct check checks[1 + FRAMES_MAX * CHECKS_A_FRAME]; /* the first is the sentinel of changed_word */
};

static inline bool read_word(struct walker *w, uintptr_t address, uintptr_t *out) {
    if (unlikely(!in(&w->stack, address)) && !stack_range_reach(w, address)) return false;
    *out = load(word_at(address));
    return true;
}

/* --- from a frame to its caller ---------------------------------------------------------------------------------- */

static inline uintptr_t cfa_word(const struct rule *rule, uintptr_t sp, uintptr_t bp) {
    return (rule->kind & RULE_CFA_FROM_BP ? bp : sp) + (uintptr_t)(intptr_t)rule->cfa_offset;
}

static inline uintptr_t ra_word(const struct rule *rule, uintptr_t sp, uintptr_t cfa) {
    return (rule->kind & RULE_RA_FROM_SP ? sp : cfa) + (uintptr_t)(intptr_t)rule->ra_offset;
}

static inline uintptr_t bp_word(const struct rule *rule, uintptr_t sp, uintptr_t bp, uintptr_t cfa) {
    uintptr_t base = rule->kind & RULE_BP_FROM_SP ? sp : rule->kind & RULE_BP_FROM_BP ? bp : cfa;
    return base + (uintptr_t)(intptr_t)rule->bp_offset;
}

static enum outcome follow(struct walker *w, const struct rule *rule, struct unwind_state *at) {
    uintptr_t cfa = cfa_word(rule, at->sp, at->bp), ip, bp = at->bp;
    if (unlikely(rule->kind & RULE_CFA_DEREF) && !read_word(w, cfa, &cfa)) return OUTCOME_LOST;
    if (!read_word(w, ra_word(rule, at->sp, cfa), &ip)) return OUTCOME_LOST;
    if (rule->kind & RULE_BP_SAVED && !read_word(w, bp_word(rule, at->sp, at->bp, cfa), &bp)) {
        bp = 0;
        w->unkeepable = true;
    }
    if (ip == at->ip && cfa == at->sp) return OUTCOME_LOST;
    *at = (struct unwind_state){ip, cfa, bp, rule->kind & RULE_SIGNAL};
    return ip ? OUTCOME_CALLER : OUTCOME_OUTERMOST;
}

/* Rules of nearly all frames: what leads outward lies at known distances from the CFA. */
static inline bool is_usual(const struct rule *rule) {
    return likely(!(rule->kind & ~(RULE_CFA_FROM_BP | RULE_BP_SAVED)));
}

/* Follows a usual rule through pages known to be there. False, and nothing done, where it may be otherwise. */
static inline bool follow_usual(const struct walker *w, const struct rule *rule, struct unwind_state *at) {
    if (!is_usual(rule)) return false;
    uintptr_t cfa = cfa_word(rule, at->sp, at->bp), ra = cfa + (uintptr_t)(intptr_t)rule->ra_offset, bp = at->bp;
    if (unlikely(!in(&w->stack, ra) || cfa == at->sp)) return false;
    if (rule->kind & RULE_BP_SAVED) {
        uintptr_t saved = cfa + (uintptr_t)(intptr_t)rule->bp_offset;
        if (unlikely(!in(&w->stack, saved))) return false;
        bp = load(word_at(saved));
    }
    uintptr_t ip = load(word_at(ra));
    if (unlikely(!ip)) return false;
    *at = (struct unwind_state){ip, cfa, bp, false};
    return true;
}

static bool code_readable(struct walker *w, uintptr_t address) {
    uintptr_t page = address / PAGE, *known = &w->jit[mix(page) >> (64 - JIT_PAGES_LOG)];
    if (*known != page && stack_page_readable(address)) *known = page;
    return *known == page;
}

/* Code outside of all modules. Not for the hints: a module may be loaded there, and nobody says so. */
static struct rule rule_of_jit(struct walker *w, uintptr_t ip) {
    static const struct rule guess = RULE_GUESS;
    return code_readable(w, ip) ? guess : (struct rule){.kind = RULE_COMPLEX};
}

static slow_path void recall_rule(struct walker *w, struct rule_hint *hint, uintptr_t ip, bool exact) {
    bool inside = modules_find(exact ? ip : ip - 1);
    count_miss(&w->rules_spread, RULE_HINTS);
    const struct rule *rule = inside ? rules_find(ip, exact, w->epoch, &w->room) : NULL;
    hint->key = rule ? (uint64_t)ip << 1 | exact : 0;
    hint->rule = rule ? *rule : inside ? (struct rule){.kind = RULE_COMPLEX} : rule_of_jit(w, ip);
}

/* Adds a frame and says by which rule it goes on; RULE_COMPLEX where there is none. */
static inline const struct rule *add_frame(struct walker *w, struct fresh *fresh, const struct unwind_state *at) {
    uint64_t key = (uint64_t)at->ip << 1 | at->exact;
    struct rule_hint *hint = &w->rules[hint_of(&w->rules_spread, mix(key))];
    if (unlikely(hint->key != key)) recall_rule(w, hint, at->ip, at->exact);
    fresh->at.sp = at->sp;
    fresh->at.ip = at->ip;
    fresh->at.bp = at->bp;
    fresh->at.exact = at->exact;
    fresh->rule = hint->rule;
    return &hint->rule;
}

struct detour {
    struct walker *walker;
    struct unwind_state at;
    uint32_t max;
    enum outcome outcome;
};

/* Frames by libunwind, up to one that has a rule of its own. */
static bool detour_visit(void *argument, const struct unwind_state *frame) {
    struct detour *detour = argument;
    struct walker *w = detour->walker;
    detour->outcome = OUTCOME_DEEP;
    if (w->found == detour->max) return false;
    if (add_frame(w, &w->fresh[w->found], frame)->kind & RULE_COMPLEX) {
        w->found++;
        return true;
    }
    detour->at = *frame;
    detour->outcome = OUTCOME_CALLER;
    return false;
}

static slow_path enum outcome follow_reference(struct walker *w, struct unwind_state *at, uint32_t max) {
    struct detour detour = {.walker = w, .max = max, .outcome = OUTCOME_LOST};
    w->fell_back = true;
    int result = reference_walk(at, detour_visit, &detour);
    *at = detour.at;
    if (result < 0) return OUTCOME_LOST;
    return result ? detour.outcome : OUTCOME_OUTERMOST;
}

/* Without a frame pointer that can be right the frame counts as the outermost, as it does for libunwind. */
static slow_path enum outcome follow_guess(struct walker *w, const struct rule *rule, struct unwind_state *at) {
    struct rule *guessed = &w->fresh[w->found - 1].rule;
    if (at->bp && at->bp >= at->sp && at->bp - at->sp <= GUESS_REACH) {
        enum outcome outcome = follow(w, rule, at);
        if (outcome == OUTCOME_CALLER) guessed->module |= TRACE_NODE_GUESSED;
        return outcome;
    }
    guessed->kind = RULE_OUTERMOST | RULE_BARE;
    return OUTCOME_OUTERMOST;
}

static __attribute__((noinline)) enum outcome leave_frame(struct walker *w, const struct rule *rule,
                                                          struct unwind_state *at, uint32_t max) {
    if (likely(!(rule->kind & (RULE_OUTERMOST | RULE_COMPLEX | RULE_BARE)))) return follow(w, rule, at);
    if (rule->kind & RULE_OUTERMOST) return OUTCOME_OUTERMOST;
    return rule->kind & RULE_BARE ? follow_guess(w, rule, at) : follow_reference(w, at, max);
}

/* --- the previous stack ------------------------------------------------------------------------------------------ */

static const struct kept *owner_of(const struct kept *from, uint32_t check) {
    while (from[-1].checks >= check) from--;
    return from - 1;
}

/* --- the walk ---------------------------------------------------------------------------------------------------- */

/*
 * From the leaf `end` outward, which becomes the last state. Leaves frames in w->fresh, and in w->base how many kept
 * ones follow. What changes with each frame stays in registers: no address of it is taken.
 */
static inline enum outcome walk(struct walker *w, struct unwind_state *end, uint32_t max) {
    const struct kept *top = &w->kept[w->depth] - 1;
    struct fresh *fresh = w->fresh;
    struct unwind_state at = *end;
    enum outcome outcome;
    w->base = 0;
    for (;;) {
        while (top->sp < at.sp) top--;
        if (same_frame(top, at.sp, at.ip, at.bp, at.exact)) {
            uint32_t changed = changed_word(w, top);
            outcome = OUTCOME_KEPT;
            if (likely(!changed)) break;
            top = owner_of(top, changed);
        }
        outcome = OUTCOME_DEEP;
        if (unlikely(fresh == w->fresh + max)) break;
        const struct rule *rule = add_frame(w, fresh++, &at);
        if (likely(follow_usual(w, rule, &at))) continue;
        *end = at;
        w->found = (uint32_t)(fresh - w->fresh);
        outcome = leave_frame(w, rule, end, max);
        fresh = w->fresh + w->found;
        at = *end;
        if (unlikely(outcome != OUTCOME_CALLER)) break;
    }
    if (outcome == OUTCOME_KEPT) w->base = (uint32_t)(top + 1 - w->kept);
    w->found = (uint32_t)(fresh - w->fresh);
    *end = at;
    return outcome;
}

/* --- keeping a stack --------------------------------------------------------------------------------------------- */

static inline void add_check(struct walker *w, struct kept *kept, uintptr_t address, uintptr_t value) {
    w->checks[kept->checks++] = (struct check){word_at(address), value};
}

/*
 * Moves a fresh frame to the kept stack. `caller`: where it leads. Words are added in the reverse of the order in which
 * changed_word looks at them.
 */
static __attribute__((noinline)) void keep_frame(struct walker *w, struct kept *kept, const struct fresh *fresh,
                                                 const struct unwind_state *caller) {
    const struct rule *rule = &fresh->rule;
    const struct unwind_state *at = &fresh->at;
    const struct kept *outer = kept - 1;
    kept->sp = at->sp;
    kept->ip = at->ip;
    kept->bp = at->bp;
    kept->exact = at->exact;
    kept->info = rule->module | (at->exact ? TRACE_NODE_SIGNAL : 0);
    kept->checks = outer->checks;
    kept->serial = w->serial;
    kept->path = stackid_path(outer->path, at->ip);
    kept->needs_bp = rule->kind & (RULE_COMPLEX | RULE_BARE);
    kept->bare = (uint8_t)(rule->kind / RULE_BARE);
    if (unlikely(rule->kind & (RULE_COMPLEX | RULE_OUTERMOST))) return;
    kept->needs_bp =
        rule->kind & (RULE_CFA_FROM_BP | RULE_BP_FROM_BP) || (!(rule->kind & RULE_BP_SAVED) && outer->needs_bp);
    if (rule->kind & RULE_BP_SAVED && outer->needs_bp)
        add_check(w, kept, bp_word(rule, at->sp, at->bp, caller->sp), caller->bp);
    add_check(w, kept, ra_word(rule, at->sp, caller->sp), caller->ip);
    if (rule->kind & RULE_CFA_DEREF) add_check(w, kept, cfa_word(rule, at->sp, at->bp), caller->sp);
}

/* What the next frame inward is kept by: where it leads, and the innermost frame so far. */
struct outward {
    struct unwind_state caller;
    uint64_t path;
    uint32_t checks;
    bool needs_bp;
};

static inline struct unwind_state state_of(const struct kept *kept) {
    return (struct unwind_state){kept->ip, kept->sp, kept->bp, kept->exact};
}

static inline struct outward outward_of(const struct kept *kept, struct unwind_state caller) {
    return (struct outward){caller, kept->path, kept->checks, kept->needs_bp};
}

/* keep_frame for a usual rule. */
static inline void keep_usual(struct walker *w, struct kept *kept, const struct fresh *fresh, struct outward *o) {
    const struct rule *rule = &fresh->rule;
    const uintptr_t sp = fresh->at.sp, ip = fresh->at.ip, bp = fresh->at.bp;
    struct check *check = &w->checks[o->checks++];
    if (rule->kind & RULE_BP_SAVED && o->needs_bp) {
        *check++ = (struct check){word_at(o->caller.sp + (uintptr_t)(intptr_t)rule->bp_offset), o->caller.bp};
        o->checks++;
    }
    *check = (struct check){word_at(o->caller.sp + (uintptr_t)(intptr_t)rule->ra_offset), o->caller.ip};
    if (rule->kind) o->needs_bp = rule->kind & RULE_CFA_FROM_BP;
    o->path = stackid_path(o->path, ip);
    o->caller = (struct unwind_state){ip, sp, bp, false};
    kept->sp = sp;
    kept->ip = ip;
    kept->bp = bp;
    kept->info = rule->module;
    kept->checks = o->checks;
    kept->serial = w->serial;
    kept->path = o->path;
    kept->needs_bp = o->needs_bp;
    kept->exact = false;
    kept->bare = 0;
}

/* Puts the fresh frames on the kept ones. Returns how many of all can serve the next walk. */
static uint32_t keep_frames(struct walker *w, const struct unwind_state *end) {
    uint32_t keep = UINT32_MAX;
    struct kept *kept = &w->kept[w->base];
    struct outward outward = outward_of(kept - 1, w->base ? state_of(kept - 1) : *end);
    for (const struct fresh *fresh = w->fresh + w->found; fresh-- > w->fresh; kept++) {
        if (is_usual(&fresh->rule) && !fresh->at.exact) {
            keep_usual(w, kept, fresh, &outward);
        } else {
            struct unwind_state caller = outward.caller;
            keep_frame(w, kept, fresh, &caller);
            outward = outward_of(kept, fresh->at);
            if (fresh->rule.kind & RULE_COMPLEX && keep == UINT32_MAX) keep = (uint32_t)(kept - w->kept);
        }
        __builtin_prefetch(node_hint_of(w, outward.path), 1);
    }
    return keep;
}

/* --- comparison with libunwind ----------------------------------------------------------------------------------- */

struct comparison {
    const struct walker *walker;
    uint32_t left; /* frames not yet met */
    bool equal;
};

enum bare { BARE_GUESSED = 1, BARE_CONTEXT = RULE_CONTEXT / RULE_BARE };

/*
 * Behind a guess the two part: libunwind loses the stack pointer there, and with it the frames that need it. It guesses
 * also where a context begins.
 */
static bool compare_visit(void *argument, const struct unwind_state *frame) {
    struct comparison *comparison = argument;
    uint32_t left = comparison->left;
    const struct kept *kept = comparison->walker->kept;
    if (!left && kept[0].bare & BARE_CONTEXT) return false;
    comparison->equal = left && kept[left - 1].ip == frame->ip;
    if (!comparison->equal) return false;
    comparison->left = kept[left].bare & BARE_GUESSED ? 0 : left - 1;
    return !(kept[left].bare & BARE_GUESSED);
}

/* `known`: its node as it was found without a walk, or 0. */
static slow_path void check(struct unwind_thread *t, const struct unwind_registers *registers, uint32_t node,
                            uint32_t known, bool partial) {
    const struct walker *w = &t->walker;
    struct comparison comparison = {w, w->base + w->found - 1, true};
    struct unwind_state leaf = {registers->ip, registers->sp, registers->bp, false};
    if (known && known != node) t->counters.different++;
    if (t->counters.stacks % check_every) return;
    int result = reference_walk(&leaf, compare_visit, &comparison);
    if (result == -ENOSYS || result == -EAGAIN) return;
    t->counters.checked++;
    if (comparison.left || (!partial && (!comparison.equal || result < 0))) t->counters.different++;
}

/* --- a capture --------------------------------------------------------------------------------------------------- */

/* What a walk that did not end in an unchanged stack, or met new frames, leaves to do. */
static inline uint32_t settle(struct unwind_thread *t, struct walker *w, enum outcome outcome,
                              const struct unwind_state *end) {
    uint32_t depth = w->base + w->found;
    w->serial++;
    uint32_t keep = keep_frames(w, end);
    if (unlikely(outcome == OUTCOME_LOST)) {
        w->kept[0].info |= TRACE_NODE_PARTIAL;
        t->counters.partial++;
        keep = 0;
    }
    t->counters.cut += depth > limit;
    bool named = stack_names_give(w, w->base, depth, limit);
    w->depth = keep < depth ? keep : depth;
    if (unlikely(!named || w->unkeepable)) walker_forget(w);
    else if (!w->tails.rest && outcome == OUTCOME_KEPT && depth <= limit && w->depth == depth)
        tails_remember(w, w->base, depth);
    return named ? w->kept[depth - 1].node : 0;
}

static slow_path uint32_t settle_bottomless(struct unwind_thread *t, struct walker *w, uintptr_t sp) {
    if (sp > w->bottomless) w->bottomless = sp;
    t->counters.partial++;
    t->counters.cut++;
    return stack_names_bottomless(w, limit);
}

static slow_path void forget_hints(struct walker *w, uint32_t epoch) {
    memset(w->rules, 0, sizeof w->rules[0] * (w->rules_spread.mask + 1));
    memset(w->nodes, 0, sizeof w->nodes[0] * (w->nodes_spread.mask + 1));
    w->epoch = epoch;
}

static __attribute__((noinline)) uint32_t capture_unknown(struct unwind_thread *t,
                                                          const struct unwind_registers *registers, uint32_t known) {
    struct walker *w = &t->walker;
    struct unwind_state at = {registers->ip, registers->sp, registers->bp, false};
    uint32_t epoch = modules_epoch(), max = FRAMES_MAX;
    if (unlikely(epoch != w->epoch)) {
        walker_forget(w);
        forget_hints(w, epoch);
    }
    if (unlikely(!in(&w->stack, at.sp - WORD))) stack_range_enter(w, at.sp - WORD);
    if (unlikely(at.sp <= w->bottomless && limit < max)) max = limit;
    w->unkeepable = false;
    w->fell_back = false;
    enum outcome outcome = walk(w, &at, max);
    t->counters.fallbacks += w->fell_back;
    if (unlikely(outcome == OUTCOME_DEEP || w->base + w->found > FRAMES_MAX))
        return settle_bottomless(t, w, registers->sp);
    uint32_t node;
    if (likely(!w->found && !w->dropped)) {
        w->depth = w->base;
        node = w->kept[w->base - 1].node;
    } else {
        node = settle(t, w, outcome, &at);
    }
    if (unlikely(check_every)) check(t, registers, node, known, outcome == OUTCOME_LOST);
    return node;
}

/* The node of a stack that is the previous one, or was met lately; else 0. */
static inline uint32_t find_known(struct walker *w, const struct unwind_registers *at) {
    if (unlikely(!w->depth || w->dropped || w->epoch != modules_epoch())) return 0;
    const struct kept *leaf = &w->kept[w->depth - 1];
    return likely(same_frame(leaf, at->sp, at->ip, at->bp, false)) && !changed_word(w, leaf) ? leaf->node
                                                                                             : tails_recall(w, at);
}

/* Where walks are checked every stack is walked, and what would have been found without is compared. */
uint32_t unwind_capture(struct unwind_thread *t, const struct unwind_registers *registers) {
    struct walker *w = &t->walker;
    t->counters.stacks++;
    uint32_t known = find_known(w, registers);
    return likely(known && !check_every) ? known : capture_unknown(t, registers, known);
}

void unwind_abandon(struct unwind_thread *t) { walker_forget(&t->walker); }

void unwind_open_reference(void) { reference_open(); }

int unwind_start(unsigned depth, unsigned check) {
    limit = depth == 0 ? 1 : depth < FRAMES_MAX ? depth : FRAMES_MAX;
    check_every = check;
    generation++;
    reference_start();
    return rules_start();
}

size_t unwind_thread_size(void) { return sizeof(struct unwind_thread); }

/* Hints hold for every thread of a process; new memory has none. */
static void start_walker(struct unwind_thread *t) {
    static const word zero;
    struct walker *w = &t->walker;
    if (!w->generation) {
        w->rules_spread.mask = RULE_HINTS_FIRST - 1;
        w->nodes_spread.mask = NODE_HINTS_FIRST - 1;
    }
    if (w->generation && w->generation != generation) forget_hints(w, w->epoch);
    w->generation = generation;
    t->checks[0] = (struct check){&zero, 1};
    w->fresh = t->fresh;
    w->kept = t->kept + 1;
    t->kept[0] = (struct kept){.sp = UINTPTR_MAX};
    w->checks = t->checks + 1;
    w->stack = w->other = (struct range){0};
    w->bottomless = 0;
    walker_forget(w);
}

void unwind_thread_start(struct unwind_thread *t) {
    if (t->walker.generation != generation) t->counters = (struct unwind_counters){0};
    start_walker(t);
}

void unwind_thread_counters(const struct unwind_thread *t, struct unwind_counters *out) { *out = t->counters; }
