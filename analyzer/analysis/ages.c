/*
 * Live bytes by birth at the end of each slice of the run. See ages.h.
 */
#include "ages.h"

#include <stdlib.h>

#include "../list.h"
#include "../must.h"

struct age_clock age_clock_of(uint64_t duration_ns) {
    struct age_clock clock = {0};
    while (duration_ns >> clock.shift >= AGE_SLICES) clock.shift++;
    return clock;
}

void age_clock_double(struct age_clock *clock) {
    clock->shift++;
    clock->slice /= 2;
}

_Static_assert(AGE_SLICES <= 64, "births are bits, and take six in a change");
#define BYTES_MAX ((1ull << 52) - 1) /* that are told apart */

static void keep_change(struct ages *ages, uint32_t slice, uint32_t birth) {
    uint64_t bytes = ages->live[birth] < BYTES_MAX ? ages->live[birth] : BYTES_MAX;
    uint64_t *change = must(LIST_ADD(ages->changes, ages->count));
    *change = bytes << 12 | birth << 6 | slice;
}

static void write_row(struct ages *ages, uint32_t slice) {
    for (uint64_t left = ages->changed; left; left &= left - 1) {
        uint32_t birth = (uint32_t)__builtin_ctzll(left);
        uint64_t bit = 1ull << birth;
        if (ages->live[birth] || ages->kept & bit) keep_change(ages, slice, birth);
        ages->kept = ages->live[birth] ? ages->kept | bit : ages->kept & ~bit;
    }
    ages->changed = 0;
}

/* Rows after the first are the same. */
void ages_pass(struct ages *ages, uint32_t slice) {
    if (ages->known >= slice) return;
    write_row(ages, ages->known);
    ages->known = slice;
}

/* Calls `see` with each row, ascending. */
static void each_row(const struct ages *ages, void (*see)(void *context, uint32_t slice, const uint64_t *by_birth),
                     void *context) {
    uint64_t row[AGE_SLICES] = {0};
    uint32_t at = 0;
    for (uint32_t slice = 0; slice < ages->known; slice++) {
        for (; at < ages->count && (ages->changes[at] & 63) == slice; at++)
            row[ages->changes[at] >> 6 & 63] = ages->changes[at] >> 12;
        see(context, slice, row);
    }
}

static void add_row(void *context, uint32_t slice, const uint64_t *by_birth) {
    uint64_t *cells = context;
    for (uint32_t birth = 0; birth <= slice; birth++) cells[ages_cell(slice, birth)] += by_birth[birth];
}

void ages_add_rows(const struct ages *ages, uint64_t *cells) {
    if (ages->count) each_row(ages, add_row, cells);
}

static void set_half(struct ages *ages, const uint64_t *by_birth) {
    ages->changed = 0;
    for (uint32_t i = 0; i < AGE_SLICES / 2; i++) {
        uint64_t bytes = by_birth[2 * i] + by_birth[2 * i + 1];
        if (bytes != ages->live[i]) ages->changed |= 1ull << i;
        ages->live[i] = bytes;
    }
}

/* The ends of odd slices remain. */
static void keep_half(void *context, uint32_t slice, const uint64_t *by_birth) {
    struct ages *ages = context;
    if (slice % 2 == 0) return;
    set_half(ages, by_birth);
    write_row(ages, slice / 2);
}

void ages_double(struct ages *ages) {
    struct ages halved = {.known = AGE_SLICES / 2};
    ages_pass(ages, AGE_SLICES);
    if (ages->count) each_row(ages, keep_half, &halved);
    set_half(&halved, ages->live);
    free(ages->changes);
    *ages = halved;
}

void ages_release(struct ages *ages) {
    free(ages->changes);
    *ages = (struct ages){0};
}
