/*
 * A map from address ranges to numbers: filled, sealed by sorting, then searched. Pure; memory is the only failure.
 * Ranges hardly overlap; where they do, the one that begins last wins, and of equal ones the one added last.
 */
#ifndef SYMBOLS_RANGES_H
#define SYMBOLS_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGES_NONE SIZE_MAX

struct range {
    uint64_t low, high; /* high exclusive */
    size_t value;
};

struct ranges { /* zeroed: empty */
    struct range *items;
    size_t count;
    bool sealed;
};

/* 0 or -ENOMEM; empty ranges are left out. */
int ranges_add(struct ranges *ranges, uint64_t low, uint64_t high, size_t value);
/* The value of the range that holds the address, or RANGES_NONE. Seals first if need be. */
size_t ranges_find(struct ranges *ranges, uint64_t address);
void ranges_release(struct ranges *ranges);

#endif
