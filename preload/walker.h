/*
 * State of a thread's walks, for the files that make a stack of registers: unwind.c, tails.c, stack_names.c,
 * stack_range.c.
 *
 * Whoever reads a word of the stack knows that its page is there: it lies in a range, or was read before and all words
 * outward of it are unchanged. Threads, signals and stack use as unwind.h says.
 */
#ifndef PRELOAD_WALKER_H
#define PRELOAD_WALKER_H

#include <stdbool.h>
#include <stdint.h>

#include "hints.h"
#include "machine_x86_64.h"
#include "reference.h"
#include "rules.h"
#include "tails.h"

enum {
    PAGE = 4096,
    WORD = sizeof(uintptr_t),
    JIT_PAGES_LOG = 6,
};

#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#define slow_path __attribute__((noinline, cold))

/* A frame met on the way from the leaf. Its rule is RULE_COMPLEX where libunwind found the caller. */
struct fresh {
    struct unwind_state at;
    struct rule rule;
};

/*
 * A frame of the previous stack; index 0 is the outermost, below it lies the root: outward of all, with no words and
 * the path 0.
 */
struct kept {
    uintptr_t sp, ip, bp;
    uint32_t node;
    uint32_t info;
    uint32_t checks; /* the words that led outward from here are those below this index */
    uint64_t serial; /* of the settling that put it here */
    uint64_t path;   /* stackid_path of the frames that its node names */
    bool needs_bp;
    bool exact;
    uint8_t bare; /* how it leads outward: its rule's RULE_BARE and RULE_CONTEXT, shifted to the right */
};

/* A word of somebody else's stack, which damaged frames may place at any address. */
typedef uintptr_t word __attribute__((aligned(1), may_alias));

/* A word of the stack that led from a frame to its caller. */
struct check {
    const word *at;
    uintptr_t value;
};

/* Readable pages. words: addresses from start on at which a word can be read. */
struct range {
    uintptr_t start, words;
};

/* What the walks of one thread share. */
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
    struct rule_hint rules[RULE_HINTS];
    struct node_hint nodes[NODE_HINTS];
    struct tails tails;
};

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

static inline bool in(const struct range *range, uintptr_t address) { return address - range->start < range->words; }

static inline void walker_forget(struct walker *w) {
    w->depth = 0;
    w->dropped = 0;
}

static inline struct node_hint *node_hint_of(struct walker *w, uint64_t path) {
    return &w->nodes[hint_of(&w->nodes_spread, path)];
}

static inline bool same_frame(const struct kept *kept, uintptr_t sp, uintptr_t ip, uintptr_t bp, bool exact) {
    return kept->sp == sp && kept->ip == ip && kept->exact == exact && (!kept->needs_bp || kept->bp == bp);
}

/*
 * Index + 1 of the innermost changed word outward of a kept frame; 0: none. In this order, because a word is known to
 * be there only while those before it are unchanged. Below the first lies one that always counts as changed.
 */
static inline uint32_t changed_word(const struct walker *w, const struct kept *from) {
    const struct check *check = &w->checks[from->checks];
    do check--;
    while (load(check->at) == check->value);
    return (uint32_t)(check + 1 - w->checks);
}

#endif
