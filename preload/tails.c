/*
 * Tails are found by a tag of their leaf, four in a set (tails.h).
 */
#include "tails.h"

#include "machine_x86_64.h"
#include "unwind.h"
#include "walker.h"

enum {
    TRIAL = 1024, /* looks after which a thread that found fewer than a quarter does without tails */
    REST = 32 * TRIAL,
};

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
    if (w->tails.hits < TRIAL / 4) w->tails.rest = REST;
    w->tails.looks = w->tails.hits = 0;
}

uint32_t tails_recall(struct walker *w, const struct unwind_registers *at) {
    if (w->tails.rest) {
        w->tails.rest--;
        return 0;
    }
    uint64_t hash = tail_hash(at->sp, at->ip);
    uint32_t set = tail_set(hash), tag = tail_tag(hash);
    if (unlikely(++w->tails.looks == TRIAL)) end_trial(w);
    for (unsigned ways = machine_equal(w->tails.tags[set].tags, tag); ways; ways &= ways - 1) {
        const struct tail *tail = &w->tails.tails[set][__builtin_ctz(ways)];
        if (!is_current(w, tail, at)) continue;
        w->tails.hits++;
        return tail->node;
    }
    return 0;
}

void tails_remember(struct walker *w, uint32_t base, uint32_t depth) {
    const struct kept *outer = &w->kept[base - 1], *leaf = &w->kept[depth - 1];
    uint64_t hash = tail_hash(leaf->sp, leaf->ip);
    uint32_t count = leaf->checks - outer->checks, set = tail_set(hash);
    if (count > TAIL_CHECKS) return;
    struct tail_tags *tags = &w->tails.tags[set];
    uint32_t way = tags->next++ % TAIL_WAYS;
    struct tail *tail = &w->tails.tails[set][way];
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
