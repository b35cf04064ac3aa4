/*
 * Call frame information: from a module's .eh_frame to the unwind row of one address (DWARF 5 §6.4, LSB "Exception
 * Frames"). Every byte is read through a bounded cursor; whatever is not understood is an error, never a guess.
 *
 * No allocation, no globals, no state but the caller's; about 300 bytes of stack.
 */
#ifndef PRELOAD_CFI_H
#define PRELOAD_CFI_H

#include "modules.h"

enum cfi_where { CFI_SAME, CFI_UNDEFINED, CFI_SAVED, CFI_OTHER };

/* Where a register of the caller is: at *base + offset, base being a DWARF register number or CFI_CFA. */
struct cfi_place {
    enum cfi_where where;
    uint8_t base;
    int64_t offset;
};
#define CFI_CFA 255u

enum { CFI_REMEMBERED = 8 };

struct cfi_row {
    bool cfa_known;
    bool cfa_deref; /* the CFA is the word at base + offset */
    uint64_t cfa_base;
    int64_t cfa_offset;
    struct cfi_place bp, ra;
    bool signal; /* a signal trampoline */
};

/* A row program at work: room that the caller lends, for it is more than a hook may take of the stack. */
struct cfi_program {
    uint64_t code_align; /* units of the instructions */
    int64_t data_align;
    uint8_t encoding; /* of addresses */
    struct cfi_row now, initial;
    struct cfi_row remembered[CFI_REMEMBERED];
    unsigned depth;
};

/*
 * Leaves the row that holds at `address` in program->now. Returns 0; -ENOENT: no entry covers it; -EINVAL: not
 * understood.
 */
int cfi_find(const struct module *module, uintptr_t address, struct cfi_program *program);

#endif
