/*
 * Live bytes by birth at the end of each slice of the run. See ages.h.
 */
#include "ages.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct age_clock age_clock_of(uint64_t duration_ns) {
    struct age_clock clock = {0};
    while (duration_ns >> clock.shift >= AGE_SLICES) clock.shift++;
    return clock;
}

void age_clock_double(struct age_clock *clock) {
    clock->shift++;
    clock->slice /= 2;
}

static uint64_t *row_of(uint64_t *rows, uint32_t slice) { return rows + slice * (slice + 1) / 2; }

static void halve(uint64_t *by_birth, uint32_t count) {
    for (uint32_t i = 0; i < count; i += 2) by_birth[i / 2] = by_birth[i] + (i + 1 < count ? by_birth[i + 1] : 0);
    memset(by_birth + (count + 1) / 2, 0, (count - (count + 1) / 2) * sizeof *by_birth);
}

/* The ends of odd slices remain. A row moves to one before it, which was read already. */
void ages_double(struct ages *ages) {
    ages_pass(ages, AGE_SLICES);
    halve(ages->live, AGE_SLICES);
    ages->known = AGE_SLICES / 2;
    if (!ages->rows) return;
    for (uint32_t slice = 0; slice < AGE_SLICES / 2; slice++) {
        uint64_t *from = row_of(ages->rows, 2 * slice + 1);
        halve(from, 2 * slice + 2);
        memmove(row_of(ages->rows, slice), from, (slice + 1) * sizeof *from);
    }
}

static bool holds(const struct ages *ages) {
    for (uint32_t i = 0; i < AGE_SLICES; i++)
        if (ages->live[i]) return true;
    return false;
}

void ages_pass(struct ages *ages, uint32_t slice) {
    bool any = holds(ages);
    if (any && !ages->rows) ages->rows = calloc(AGE_CELLS, sizeof *ages->rows);
    for (; ages->known < slice && ages->rows; ages->known++)
        memcpy(row_of(ages->rows, ages->known), ages->live, (ages->known + 1) * sizeof *ages->live);
    ages->known = slice;
}

void ages_release(struct ages *ages) {
    free(ages->rows);
    ages->rows = NULL;
}
