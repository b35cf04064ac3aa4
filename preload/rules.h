/*
 * Unwind rules: how to get from a frame to its caller, read once per return address from .eh_frame.
 *
 * A rule that is found stays valid and unchanged as long as its module is loaded; after a dlclose (modules_epoch) the
 * address is looked up again. Async-signal-safe, no allocation.
 */
#ifndef PRELOAD_RULES_H
#define PRELOAD_RULES_H

#include "cfi.h"

#include <stdbool.h>
#include <stdint.h>

enum rule_kind {
    RULE_CFA_FROM_BP = 1, /* CFA = rbp + cfa_offset; else rsp + cfa_offset */
    RULE_CFA_DEREF = 2,   /* the CFA is the word stored there */
    RULE_RA_FROM_SP = 4,  /* return address at rsp + ra_offset; else CFA + ra_offset */
    RULE_BP_SAVED = 8,    /* caller's rbp in memory at one of the next two or CFA + bp_offset; else unchanged */
    RULE_BP_FROM_SP = 16, /* at rsp + bp_offset */
    RULE_BP_FROM_BP = 32, /* at rbp + bp_offset */
    RULE_OUTERMOST = 64,  /* no caller */
    RULE_SIGNAL = 128,    /* signal trampoline: the caller's ip is that of the interrupted instruction */
    RULE_COMPLEX = 256,   /* not expressible here: libunwind's case */
    RULE_BARE = 512,      /* no unwind entry: a guess, that rbp is a frame pointer */
    RULE_CONTEXT = 1024,  /* no unwind entry, and outermost: makecontext(3) put it there */
};

struct rule {
    int32_t cfa_offset;
    int16_t ra_offset;
    int16_t bp_offset;
    uint32_t module; /* id */
    uint16_t kind;
};

/* Room that the caller lends for reading a rule. */
struct rules_room {
    struct rule rule; /* as it was read */
    struct cfi_program program;
};

/* Starts with no rules. Returns 0 or -ENOMEM. */
int rules_start(void);

/* The rule for code without an unwind entry, such as a JIT compiler's: libunwind's guess. */
#define RULE_GUESS                                                                                                     \
    { .kind = RULE_BARE | RULE_CFA_FROM_BP | RULE_BP_SAVED, .cfa_offset = 16, .ra_offset = -8, .bp_offset = -16 }

/*
 * The rule for a return address, or for an interrupted instruction (exact). Points into `room` where it can't be kept.
 * `epoch`: modules_epoch() as the caller read it. NULL: no module holds this address.
 */
const struct rule *rules_find(uintptr_t ip, bool exact, uint32_t epoch, struct rules_room *room);

/* Reads the rule into room->rule, without the table. Returns 0, or -ENOENT when no module holds the address. */
int rules_read(uintptr_t ip, bool exact, struct rules_room *room);

#endif
