/*
 * The walk. Called in every hook of every thread, also in signal handlers; see unwind.h for what that forbids.
 *
 * A frame is (sp, ip, rbp). Its rule and the words that the rule names on the stack decide its caller, so: if a frame of
 * the new stack equals one of the previous stack, and the words that led outward from there are unchanged, the rest of
 * the previous stack is the rest of the new one. That holds whatever happened in between (returns, longjmp, exceptions,
 * another stack), because nothing but those words is relied on. The walk goes from the leaf to the first such frame;
 * a frame whose caller was found by libunwind ends what is kept. rbp counts only where an outer rule uses it before it
 * is restored.
 *
 * Allocations come from a few stacks in turn, in an interpreter from hundreds. So the ends of the latest stacks are kept by
 * their leaf, too: a tail, from the leaf to a frame that is still kept, with the words that led outward, and its node. The
 * same words once more, the same stack once more: then nothing has to be looked up, and the kept stack stays as it is.
 *
 * Words are read directly inside the stack's range of pages, which is extended page by page through sys_peek; the range
 * is dropped when the thread turns up on another stack.
 */
#include "unwind.h"

#include "../include/trace_format.h"
#include "machine_x86_64.h"
#include "modules.h"
#include "reference.h"
#include "rules.h"
#include "stackid.h"
#include "sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum {
    FRAMES_MAX = 8192, /* deeper stacks become partial */
    CHECKS_A_FRAME = 3,
    RULE_HINTS_FIRST_LOG = 7,
    RULE_HINTS_LOG = 12,
    NODE_HINTS_FIRST_LOG = 7,
    NODE_HINTS_LOG = 13,
    PAGE = 4096,
    WORD = sizeof(uintptr_t),
    REACH = 16 << 20,     /* largest gap in a stack that is taken as one frame's */
    GUESS_REACH = 0x4000, /* farthest frame pointer that libunwind believes in */
    JIT_PAGES_LOG = 6,
    TAIL_SETS_LOG = 6,
    TAIL_WAYS = 4,
    TAIL_CHECKS = 14,
    TAIL_TRIAL = 1024, /* looks after which a thread that found fewer than a quarter does without tails */
    TAIL_REST = 32 * TAIL_TRIAL,
    ANCHOR_SHIFT = 16, /* a stack without a known end is cut where it crosses a multiple of 64 KB */
};

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define slow_path __attribute__((noinline, cold))

/* A frame met on the way from the leaf. Its rule is RULE_COMPLEX where libunwind found the caller. */
struct fresh {
    struct unwind_state at;
    struct rule rule;
};

/* A frame of the previous stack; index 0 is the outermost. */
struct kept {
    uintptr_t sp, ip, bp;
    uint32_t node;
    uint32_t info;
    uint32_t checks; /* the words that led outward from here are those below this index */
    uint64_t serial; /* of the settling that put it here */
    uint64_t path;   /* stackid_path of the frames that its node names */
    bool needs_bp;
    bool exact;
    bool guessed; /* how it leads outward */
};

/* A word of somebody else's stack, which damaged frames may place at any address. */
typedef uintptr_t word __attribute__((aligned(1), may_alias));

/* A word of the stack that led from a frame to its caller. */
struct check {
    const word *at;
    uintptr_t value;
};

/* The innermost frames of a stack that was met before. */
struct tail {
    uintptr_t sp, ip, bp; /* of the leaf */
    uint64_t serial;      /* of the kept frame that it leads to, the innermost of `base` */
    uint32_t base, node;
    uint8_t count;
    bool needs_bp;
    uint16_t offsets[TAIL_CHECKS]; /* of the words from sp, in words, those of the innermost frame first */
    uintptr_t values[TAIL_CHECKS];
};

/* By which the tails of a set are told apart without a look at them; 0: none there. */
struct tail_tags {
    _Alignas(16) uint32_t tags[TAIL_WAYS];
    uint32_t next;
};

/* The thread's own small memory of the shared tables: a rule by address, a node by parent and address. */
struct rule_hint {
    uint64_t key;
    struct rule rule;
};
struct node_hint {
    uintptr_t ip;
    uint32_t parent, info, node;
};

/* How far the hints reach: the first 2 to the power of log, so that a thread with few stacks touches few pages. */
struct spread {
    uint32_t log, misses; /* since it grew last */
};

/* Readable pages. words: addresses from start on at which a word can be read. */
struct range {
    uintptr_t start, words;
};

struct walker {
    struct range stack, other; /* of the stack that the walk began on, and of one that it crossed to */
    struct fresh *fresh;
    struct kept *kept;
    struct check *checks;
    uint32_t depth;       /* frames kept */
    uint32_t found;       /* fresh frames of this walk */
    uint32_t base;        /* kept frames that are the rest of it */
    uint32_t dropped;     /* frames that the kept nodes leave out */
    uint32_t epoch;       /* of the modules that rules and nodes name */
    uint32_t generation;  /* of the trie and the rules; 0 = hints never used */
    uint64_t serial;      /* of the last settling */
    uintptr_t bottomless; /* stacks that reach down to here are deeper than max; 0 = none seen */
    bool unkeepable;      /* something was read that may not be readable again */
    bool fell_back;
    uintptr_t jit[1 << JIT_PAGES_LOG]; /* pages outside of modules that could be read */
    struct rules_room room;            /* for a rule that is read */
    struct spread rules_spread, nodes_spread;
    struct rule_hint rules[1 << RULE_HINTS_LOG];
    struct node_hint nodes[1 << NODE_HINTS_LOG];
    struct tail tails[1 << TAIL_SETS_LOG][TAIL_WAYS];
    struct tail_tags tags[1 << TAIL_SETS_LOG];
    uint32_t tail_looks, tail_hits, tail_rest; /* of this trial; looks to leave out */
};

struct unwind_thread {
    struct walker walker;
    struct unwind_counters counters;
    struct fresh fresh[FRAMES_MAX];
    struct kept kept[FRAMES_MAX];
    struct check checks[1 + FRAMES_MAX * CHECKS_A_FRAME]; /* the first is the sentinel of changed_word */
};

enum outcome { OUTCOME_CALLER, OUTCOME_KEPT, OUTCOME_OUTERMOST, OUTCOME_LOST, OUTCOME_DEEP };

static uint32_t limit = 256;
static uint32_t generation;
static unsigned check_every;

static inline const word *word_at(uintptr_t address) {
    return (const word *)address; // NOLINT(performance-no-int-to-ptr)
}

/* The sanitizer guards the frames that we have to read. */
static inline uintptr_t load(const word *at) {
#ifdef __SANITIZE_ADDRESS__
    return machine_load((uintptr_t)at);
#else
    return *at;
#endif
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

static inline bool in(const struct range *range, uintptr_t address) { return address - range->start < range->words; }

static bool page_readable(uintptr_t address) {
    char byte;
    return sys_peek(word_at(address & -(uintptr_t)PAGE), &byte, 1) == 1;
}

/* Makes the range reach up to the word at `address`, if all pages between can be read. */
static bool extend_up(struct range *range, uintptr_t address) {
    if (!range->words || address < range->start || address - range->start > range->words + REACH) return false;
    while (!in(range, address)) {
        if (!page_readable(range->start + range->words + WORD - 1)) return false;
        range->words += PAGE;
    }
    return true;
}

static struct range one_page(uintptr_t address) { return (struct range){address & -(uintptr_t)PAGE, PAGE - WORD + 1}; }

/* A word outside the stack's known pages: more stack, or another stack that this one leads to. */
static slow_path bool reach(struct walker *w, uintptr_t address) {
    if (in(&w->other, address) || extend_up(&w->stack, address) || extend_up(&w->other, address)) return true;
    if (address % WORD || !page_readable(address)) return false;
    if (w->other.words) w->unkeepable = true;
    w->other = one_page(address);
    return true;
}

static inline bool read_word(struct walker *w, uintptr_t address, uintptr_t *out) {
    if (unlikely(!in(&w->stack, address)) && !reach(w, address)) return false;
    *out = load(word_at(address));
    return true;
}

static void forget(struct walker *w) {
    w->depth = 0;
    w->dropped = 0;
}

/* The stack pointer has left the known pages: deeper on the same stack, or on another one. The word at `address` is the
 * return address of a hook, so its page is readable. */
static slow_path void enter_stack(struct walker *w, uintptr_t address) {
    uintptr_t page = address & -(uintptr_t)PAGE, at = w->stack.start;
    bool same = w->stack.words && (extend_up(&w->stack, address) || (address < at && at - address < REACH));
    while (same && at > page + PAGE && page_readable(at - PAGE)) at -= PAGE;
    if (same && at <= page + PAGE) {
        if (page < w->stack.start) {
            w->stack.words += w->stack.start - page;
            w->stack.start = page;
        }
        return;
    }
    w->stack = one_page(address);
    w->other = (struct range){0};
    w->bottomless = 0;
    forget(w);
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

static inline enum outcome follow(struct walker *w, const struct rule *rule, struct unwind_state *at) {
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

static inline uint64_t mix(uint64_t key) { return key * 0x9e3779b97f4a7c15ull; }

static inline size_t hint_of(const struct spread *spread, uint64_t hash) { return hash >> (64 - spread->log); }

static inline struct node_hint *node_hint_of(struct walker *w, uint64_t path) {
    return &w->nodes[hint_of(&w->nodes_spread, path)];
}

/* As many misses as there are hints: twice as many from now on. What is found in a place that is no longer its own is another's. */
static inline void count_miss(struct spread *spread, unsigned most) {
    if (++spread->misses < 1u << spread->log) return;
    spread->misses = 0;
    spread->log += spread->log < most;
}

static bool code_readable(struct walker *w, uintptr_t address) {
    uintptr_t page = address / PAGE, *known = &w->jit[mix(page) >> (64 - JIT_PAGES_LOG)];
    if (*known != page && page_readable(address)) *known = page;
    return *known == page;
}

/* Code outside of all modules. Not for the hints: a module may be loaded there, and nobody says so. */
static struct rule rule_of_jit(struct walker *w, uintptr_t ip) {
    static const struct rule guess = RULE_GUESS;
    return code_readable(w, ip) ? guess : (struct rule){.kind = RULE_COMPLEX};
}

static slow_path void recall_rule(struct walker *w, struct rule_hint *hint, uintptr_t ip, bool exact) {
    bool inside = modules_find(exact ? ip : ip - 1);
    count_miss(&w->rules_spread, RULE_HINTS_LOG);
    const struct rule *rule = inside ? rules_find(ip, exact, w->epoch, &w->room) : NULL;
    hint->key = rule ? (uint64_t)ip << 1 | exact : 0;
    hint->rule = rule ? *rule : inside ? (struct rule){.kind = RULE_COMPLEX} : rule_of_jit(w, ip);
}

/* Adds a frame and says by which rule it goes on; RULE_COMPLEX where there is none. */
static inline const struct rule *add_frame(struct walker *w, struct unwind_state at) {
    struct fresh *fresh = &w->fresh[w->found++];
    uint64_t key = (uint64_t)at.ip << 1 | at.exact;
    struct rule_hint *hint = &w->rules[hint_of(&w->rules_spread, mix(key))];
    if (unlikely(hint->key != key)) recall_rule(w, hint, at.ip, at.exact);
    fresh->at.sp = at.sp;
    fresh->at.ip = at.ip;
    fresh->at.bp = at.bp;
    fresh->at.exact = at.exact;
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
    if (add_frame(w, *frame)->kind & RULE_COMPLEX) return true;
    w->found--;
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
    if (at->bp && at->bp >= at->sp && at->bp - at->sp <= GUESS_REACH) return follow(w, rule, at);
    w->fresh[w->found - 1].rule.kind = RULE_OUTERMOST | RULE_BARE;
    return OUTCOME_OUTERMOST;
}

/* `at` stays in registers where no address of it is taken. */
static inline enum outcome leave_frame(struct walker *w, const struct rule *rule, struct unwind_state *at,
                                       uint32_t max) {
    if (likely(!(rule->kind & (RULE_OUTERMOST | RULE_COMPLEX | RULE_BARE)))) return follow(w, rule, at);
    if (rule->kind & RULE_OUTERMOST) return OUTCOME_OUTERMOST;
    struct unwind_state copy = *at;
    enum outcome outcome = rule->kind & RULE_BARE ? follow_guess(w, rule, &copy) : follow_reference(w, &copy, max);
    *at = copy;
    return outcome;
}

/* --- the previous stack ------------------------------------------------------------------------------------------ */

static inline bool same_frame(const struct kept *kept, uintptr_t sp, uintptr_t ip, uintptr_t bp, bool exact) {
    return kept->sp == sp && kept->ip == ip && kept->exact == exact && (!kept->needs_bp || kept->bp == bp);
}

/* Index + 1 of the innermost changed word outward of a kept frame; 0: none. In this order, because a word is known to be there
 * only while those before it are unchanged. Below the first lies one that always counts as changed. */
static inline uint32_t changed_word(const struct walker *w, const struct kept *from) {
    const struct check *check = &w->checks[from->checks];
    do check--;
    while (load(check->at) == check->value);
    return (uint32_t)(check + 1 - w->checks);
}

static uint32_t owner_of(const struct walker *w, uint32_t top, uint32_t check) {
    while (top > 1 && w->kept[top - 2].checks >= check) top--;
    return top - 1;
}

/* --- tails ------------------------------------------------------------------------------------------------------- */

static inline uint64_t tail_hash(uintptr_t sp, uintptr_t ip) { return mix(sp ^ (uint64_t)ip << 20); }
static inline uint32_t tail_set(uint64_t hash) { return (uint32_t)(hash >> (64 - TAIL_SETS_LOG)); }
static inline uint32_t tail_tag(uint64_t hash) { return (uint32_t)hash | 1; }

static inline bool is_current(const struct walker *w, const struct tail *tail, const struct unwind_registers *at) {
    if (tail->sp != at->sp || tail->ip != at->ip || (tail->needs_bp && tail->bp != at->bp)) return false;
    if (tail->base > w->depth || w->kept[tail->base - 1].serial != tail->serial) return false;
    for (unsigned i = 0; i < tail->count; i++)
        if (load(word_at(tail->sp) + tail->offsets[i]) != tail->values[i]) return false;
    return !changed_word(w, &w->kept[tail->base - 1]);
}

/* A compiler allocates from ever new stacks: there, tails are looked for again after a while only. */
static slow_path void end_trial(struct walker *w) {
    if (w->tail_hits < TAIL_TRIAL / 4) w->tail_rest = TAIL_REST;
    w->tail_looks = w->tail_hits = 0;
}

/* The node of the stack whose leaf is `at`, if it ends in a tail and what is outward of that is kept; else 0. */
static __attribute__((noinline)) uint32_t recall(struct walker *w, const struct unwind_registers *at) {
    if (w->tail_rest) {
        w->tail_rest--;
        return 0;
    }
    uint64_t hash = tail_hash(at->sp, at->ip);
    uint32_t set = tail_set(hash), tag = tail_tag(hash);
    if (unlikely(++w->tail_looks == TAIL_TRIAL)) end_trial(w);
    for (unsigned ways = machine_equal(w->tags[set].tags, tag); ways; ways &= ways - 1) {
        const struct tail *tail = &w->tails[set][__builtin_ctz(ways)];
        if (!is_current(w, tail, at)) continue;
        w->tail_hits++;
        return tail->node;
    }
    return 0;
}

/* The kept frames from `base` on become a tail, unless they are many, or on two stacks. */
static __attribute__((noinline)) void remember_tail(struct walker *w, uint32_t base, uint32_t depth) {
    const struct kept *outer = &w->kept[base - 1], *leaf = &w->kept[depth - 1];
    uint64_t hash = tail_hash(leaf->sp, leaf->ip);
    uint32_t count = leaf->checks - outer->checks, set = tail_set(hash);
    if (w->tail_rest || count > TAIL_CHECKS) return;
    struct tail_tags *tags = &w->tags[set];
    uint32_t way = tags->next++ % TAIL_WAYS;
    struct tail *tail = &w->tails[set][way];
    tags->tags[way] = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct check *check = &w->checks[leaf->checks - 1 - i];
        uintptr_t offset = (uintptr_t)check->at - leaf->sp;
        if (offset % WORD || offset / WORD > UINT16_MAX || !in(&w->stack, (uintptr_t)check->at)) return;
        tail->offsets[i] = (uint16_t)(offset / WORD);
        tail->values[i] = check->value;
    }
    tail->sp = leaf->sp;
    tail->ip = leaf->ip;
    tail->bp = leaf->bp;
    tail->serial = outer->serial;
    tail->base = base;
    tail->node = leaf->node;
    tail->count = (uint8_t)count;
    tail->needs_bp = leaf->needs_bp;
    tags->tags[way] = tail_tag(hash);
}

/* --- the walk ---------------------------------------------------------------------------------------------------- */

/* From the leaf `at` outward. Leaves frames in w->fresh, and in w->base how many kept ones follow. */
static inline enum outcome walk(struct walker *w, struct unwind_state *at, uint32_t max) {
    uint32_t top = w->depth;
    w->found = 0;
    w->base = 0;
    for (;;) {
        while (top && w->kept[top - 1].sp < at->sp) top--;
        if (top && same_frame(&w->kept[top - 1], at->sp, at->ip, at->bp, at->exact)) {
            uint32_t changed = changed_word(w, &w->kept[top - 1]);
            if (likely(!changed)) {
                w->base = top;
                return OUTCOME_KEPT;
            }
            top = owner_of(w, top, changed);
        }
        if (unlikely(w->found == max)) return OUTCOME_DEEP;
        enum outcome outcome = leave_frame(w, add_frame(w, *at), at, max);
        if (unlikely(outcome != OUTCOME_CALLER)) return outcome;
    }
}

/* --- keeping a stack --------------------------------------------------------------------------------------------- */

static inline void add_check(struct walker *w, struct kept *kept, uintptr_t address, uintptr_t value) {
    w->checks[kept->checks++] = (struct check){word_at(address), value};
}

/* Moves a fresh frame to index `i` of the kept stack. `caller`: where it leads. Words are added in the reverse of the order
 * in which changed_word looks at them. */
static inline void keep_frame(struct walker *w, uint32_t i, const struct fresh *fresh,
                              const struct unwind_state *caller) {
    const struct rule *rule = &fresh->rule;
    const struct unwind_state *at = &fresh->at;
    struct kept *kept = &w->kept[i];
    bool caller_needs_bp = i && w->kept[i - 1].needs_bp;
    kept->sp = at->sp;
    kept->ip = at->ip;
    kept->bp = at->bp;
    kept->exact = at->exact;
    kept->info = rule->module | (at->exact ? TRACE_NODE_SIGNAL : 0);
    kept->checks = i ? w->kept[i - 1].checks : 0;
    kept->serial = w->serial;
    kept->path = stackid_path(i ? w->kept[i - 1].path : 0, at->ip);
    __builtin_prefetch(node_hint_of(w, kept->path), 1);
    kept->needs_bp = rule->kind & (RULE_COMPLEX | RULE_BARE);
    kept->guessed = rule->kind & RULE_BARE;
    if (unlikely(rule->kind & (RULE_COMPLEX | RULE_OUTERMOST))) return;
    kept->needs_bp =
        rule->kind & (RULE_CFA_FROM_BP | RULE_BP_FROM_BP) || (!(rule->kind & RULE_BP_SAVED) && caller_needs_bp);
    if (rule->kind & RULE_BP_SAVED && caller_needs_bp)
        add_check(w, kept, bp_word(rule, at->sp, at->bp, caller->sp), caller->bp);
    add_check(w, kept, ra_word(rule, at->sp, caller->sp), caller->ip);
    if (rule->kind & RULE_CFA_DEREF) add_check(w, kept, cfa_word(rule, at->sp, at->bp), caller->sp);
}

/* Puts the fresh frames on the kept ones. Returns how many of all can serve the next walk. */
static uint32_t keep_frames(struct walker *w, const struct unwind_state *end) {
    uint32_t keep = UINT32_MAX;
    struct unwind_state caller = *end;
    if (w->base) {
        const struct kept *outer = &w->kept[w->base - 1];
        caller = (struct unwind_state){outer->ip, outer->sp, outer->bp, outer->exact};
    }
    for (uint32_t n = w->found, i = w->base; n-- > 0; i++) {
        const struct fresh *fresh = &w->fresh[n];
        keep_frame(w, i, fresh, &caller);
        if (unlikely(fresh->rule.kind & RULE_COMPLEX) && keep == UINT32_MAX) keep = i;
        caller = fresh->at;
    }
    return keep;
}

/* --- names in the trie ------------------------------------------------------------------------------------------- */

/* Frames between the outermost quarter and the innermost are left out a block at a time, so that a stack keeps its path
 * while it grows by less than a block. */
static uint32_t head_length(void) { return limit / 4; }

static uint32_t frames_to_drop(uint32_t depth) {
    uint32_t block = limit / 4 ? limit / 4 : 1;
    return depth <= limit ? 0 : (depth - limit + block - 1) / block * block;
}

static inline bool is_hint_of(const struct node_hint *hint, uint32_t parent, const struct kept *kept) {
    return hint->ip == kept->ip && hint->parent == parent && hint->info == kept->info;
}

static uint32_t look_up_node(struct walker *w, uint32_t parent, const struct kept *kept) {
    uint32_t node = stackid_child(parent, kept->ip, kept->info, kept->path);
    count_miss(&w->nodes_spread, NODE_HINTS_LOG);
    if (node) *node_hint_of(w, kept->path) = (struct node_hint){kept->ip, parent, kept->info, node};
    return node;
}

/* Nodes for the frames [from, depth), whose parent is `node`, where the hint of the first fails. Returns false when the trie is full. */
static __attribute__((noinline)) bool look_up_frames(struct walker *w, uint32_t from, uint32_t depth, uint32_t node) {
    for (uint32_t i = from; i < depth; i++) stackid_expect(w->kept[i].path);
    for (uint32_t i = from; i < depth; i++) {
        struct kept *kept = &w->kept[i];
        const struct node_hint *hint = node_hint_of(w, kept->path);
        node = kept->node = is_hint_of(hint, node, kept) ? hint->node : look_up_node(w, node, kept);
        if (unlikely(!node)) return false;
    }
    return true;
}

/* Nodes for the frames [from, depth). Returns false when the trie is full. */
static inline bool name_frames(struct walker *w, uint32_t from, uint32_t depth) {
    uint32_t node = from ? w->kept[from - 1].node : 0;
    for (uint32_t i = from; i < depth; i++) {
        struct kept *kept = &w->kept[i];
        const struct node_hint *hint = node_hint_of(w, kept->path);
        if (unlikely(!is_hint_of(hint, node, kept))) return look_up_frames(w, i, depth, node);
        node = kept->node = hint->node;
    }
    return true;
}

/* Once more, where other frames are left out than when they were kept. */
static void hash_paths(struct walker *w, uint32_t from, uint32_t depth) {
    for (uint32_t i = from; i < depth; i++) w->kept[i].path = stackid_path(i ? w->kept[i - 1].path : 0, w->kept[i].ip);
}

static slow_path bool name_cut_frames(struct walker *w, uint32_t from, uint32_t depth, uint32_t dropped) {
    uint32_t head = head_length(), first = head + dropped;
    if (dropped != w->dropped && from > head) from = head;
    w->dropped = dropped;
    if (!dropped) hash_paths(w, from, depth);
    if (!dropped || from > first) return name_frames(w, from, depth);
    if (from < head && !name_frames(w, from, head)) return false;
    uint32_t parent = head ? w->kept[head - 1].node : 0;
    struct kept *inner = &w->kept[first];
    inner->path = stackid_path(head ? w->kept[head - 1].path : 0, inner->ip);
    inner->node = stackid_child(parent, inner->ip, inner->info | TRACE_NODE_CUT, inner->path);
    hash_paths(w, first + 1, depth);
    return inner->node && name_frames(w, first + 1, depth);
}

/* A stack whose end is too far: its innermost frames, cut at a place that does not move with the leaf. */
static slow_path uint32_t name_bottomless(struct walker *w) {
    uint32_t last = w->found < limit ? w->found - 1 : limit - 1;
    uint32_t place = last;
    while (place > last / 2 && w->fresh[place].at.sp >> ANCHOR_SHIFT == w->fresh[place - 1].at.sp >> ANCHOR_SHIFT)
        place--;
    if (place == last / 2) place = last;
    uint32_t node = 0, flags = TRACE_NODE_PARTIAL | TRACE_NODE_CUT;
    uint64_t path = 0;
    for (uint32_t i = place + 1; i-- > 0; flags = 0) {
        const struct fresh *fresh = &w->fresh[i];
        path = stackid_path(path, fresh->at.ip);
        node = stackid_child(node, fresh->at.ip, fresh->rule.module | flags | (fresh->at.exact ? TRACE_NODE_SIGNAL : 0),
                             path);
        if (!node) break;
    }
    forget(w);
    return node;
}

/* --- comparison with libunwind ----------------------------------------------------------------------------------- */

struct comparison {
    const struct walker *walker;
    uint32_t left; /* frames not yet met */
    bool equal;
};

/* Behind a guess the two part: libunwind loses the stack pointer there, and with it the frames that need it. */
static bool compare_visit(void *argument, const struct unwind_state *frame) {
    struct comparison *comparison = argument;
    uint32_t left = comparison->left;
    const struct kept *kept = comparison->walker->kept;
    comparison->equal = left && kept[left - 1].ip == frame->ip;
    if (!comparison->equal) return false;
    comparison->left = kept[left].guessed ? 0 : left - 1;
    return !kept[left].guessed;
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
    uint32_t dropped = frames_to_drop(depth);
    bool named;
    if (likely(!dropped && !w->dropped)) {
        named = name_frames(w, w->base, depth);
    } else {
        t->counters.cut += dropped != 0;
        named = name_cut_frames(w, w->base, depth, dropped);
    }
    w->depth = keep < depth ? keep : depth;
    if (unlikely(!named || w->unkeepable)) forget(w);
    else if (outcome == OUTCOME_KEPT && !dropped && w->depth == depth) remember_tail(w, w->base, depth);
    return named ? w->kept[depth - 1].node : 0;
}

static slow_path uint32_t settle_bottomless(struct unwind_thread *t, struct walker *w, uintptr_t sp) {
    if (sp > w->bottomless) w->bottomless = sp;
    t->counters.partial++;
    t->counters.cut++;
    return name_bottomless(w);
}

static slow_path void forget_hints(struct walker *w, uint32_t epoch) {
    memset(w->rules, 0, sizeof w->rules[0] << w->rules_spread.log);
    memset(w->nodes, 0, sizeof w->nodes[0] << w->nodes_spread.log);
    w->epoch = epoch;
}

static __attribute__((noinline)) uint32_t capture_unknown(struct unwind_thread *t,
                                                          const struct unwind_registers *registers, uint32_t known) {
    struct walker *w = &t->walker;
    struct unwind_state at = {registers->ip, registers->sp, registers->bp, false};
    uint32_t epoch = modules_epoch(), max = FRAMES_MAX;
    if (unlikely(epoch != w->epoch)) {
        forget(w);
        forget_hints(w, epoch);
    }
    if (unlikely(!in(&w->stack, at.sp - WORD))) enter_stack(w, at.sp - WORD);
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
                                                                                             : recall(w, at);
}

/* Where walks are checked every stack is walked, and what would have been found without is compared. */
uint32_t unwind_capture(struct unwind_thread *t, const struct unwind_registers *registers) {
    struct walker *w = &t->walker;
    t->counters.stacks++;
    uint32_t known = find_known(w, registers);
    return likely(known && !check_every) ? known : capture_unknown(t, registers, known);
}

void unwind_abandon(struct unwind_thread *t) { forget(&t->walker); }

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
        w->rules_spread.log = RULE_HINTS_FIRST_LOG;
        w->nodes_spread.log = NODE_HINTS_FIRST_LOG;
    }
    if (w->generation && w->generation != generation) forget_hints(w, w->epoch);
    w->generation = generation;
    t->checks[0] = (struct check){&zero, 1};
    w->fresh = t->fresh;
    w->kept = t->kept;
    w->checks = t->checks + 1;
    w->stack = w->other = (struct range){0};
    w->bottomless = 0;
    forget(w);
}

void unwind_thread_start(struct unwind_thread *t) {
    if (t->walker.generation != generation) t->counters = (struct unwind_counters){0};
    start_walker(t);
}

void unwind_thread_counters(const struct unwind_thread *t, struct unwind_counters *out) { *out = t->counters; }
