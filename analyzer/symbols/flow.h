/*
 * Control flow inside one function's machine code: can it get from one place to another without returning first?
 *
 * Answers err on the side of yes: where the code can't be read, jumps through registers, leaves for a part of the
 * function that lies elsewhere, or is no x86-64. Pure; any bytes are safe.
 */
#ifndef SYMBOLS_FLOW_H
#define SYMBOLS_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct code {
    const uint8_t *bytes; /* of the whole function */
    size_t size;
    uint64_t base; /* address of bytes[0] */
    /* Whether code at this address, outside, is a part of the function that the compiler split off. */
    bool (*is_part)(void *context, uint64_t address);
    void *context;
};

/* Whether, after the call that returns to `from`, the one that returns to `to` may be made. */
bool flow_may_reach(const struct code *code, uint64_t from, uint64_t to);

#endif
