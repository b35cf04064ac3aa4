/*
 * The innermost frames of the stacks met lately. Allocations come from a few stacks in turn, in an interpreter from
 * hundreds, which differ in these frames only.
 *
 * A tail leads from the leaf to a frame that is still kept (walker.h), with the words that led outward, and its node.
 * The same words once more, the same stack once more: then nothing has to be looked up, and the kept stack stays as it
 * is. Owned by the thread, used as unwind.h says.
 */
#ifndef PRELOAD_TAILS_H
#define PRELOAD_TAILS_H

#include <stdbool.h>
#include <stdint.h>

struct walker;
struct unwind_registers;

enum {
    TAIL_SETS_LOG = 6,
    TAIL_WAYS = 4,
    TAIL_CHECKS = 14,
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

struct tails {
    struct tail tails[1 << TAIL_SETS_LOG][TAIL_WAYS];
    struct tail_tags tags[1 << TAIL_SETS_LOG];
    uint32_t looks, hits, rest; /* of this trial; looks to leave out */
};

/* The node of the stack whose leaf is `at`, if it ends in a tail and what is outward of that is kept; else 0. */
uint32_t tails_recall(struct walker *walker, const struct unwind_registers *at);

/* The kept frames from `base`, at least 1, to `depth` become a tail, unless they are many, or on two stacks. */
void tails_remember(struct walker *walker, uint32_t base, uint32_t depth);

#endif
