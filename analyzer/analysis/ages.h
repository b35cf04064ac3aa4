/*
 * When a site's live bytes were born, and how that went on: the run in at most AGE_SLICES slices of equal length, and for
 * the end of each slice the live bytes by the slice of their birth. Summed over births it is the site's curve.
 *
 * Called by sites.c, on one thread. A row is written when a site first changes after the end of its slice, so time that
 * passes costs nothing. A block that realloc grows stays born when it was first allocated. A site takes 320 bytes, and
 * 6.5 KiB more once it holds memory at the end of a slice.
 */
#ifndef ANALYSIS_AGES_H
#define ANALYSIS_AGES_H

#include <stddef.h>
#include <stdint.h>

#define AGE_SLICES 40u /* even */
#define AGE_CELLS (AGE_SLICES * (AGE_SLICES + 1) / 2)

struct age_clock {
    unsigned shift; /* a slice has 1 << shift ns */
    uint32_t slice; /* now */
};

struct ages {
    uint32_t known;            /* slices whose row is written */
    uint64_t live[AGE_SLICES]; /* now, by slice of birth */
    uint64_t *rows;            /* AGE_CELLS, see ages_row(); NULL: nothing lived at the end of a slice */
};

struct age_clock age_clock_of(uint64_t duration_ns);
static inline uint32_t age_slice(const struct age_clock *clock, uint64_t ns) { return (uint32_t)(ns >> clock->shift); }
/* Slices of twice the length: first the ages of all sites, then the clock. */
void ages_double(struct ages *ages);
void age_clock_double(struct age_clock *clock);

/* Writes the rows of slices before `slice`. */
void ages_pass(struct ages *ages, uint32_t slice);
static inline void ages_change(struct ages *ages, const struct age_clock *clock, uint32_t birth, uint64_t bytes) {
    if (ages->known < clock->slice) ages_pass(ages, clock->slice);
    ages->live[birth] += bytes; /* modulo 2^64: also what is taken away */
}

/* At the end of `slice`: slice + 1 numbers, by birth. NULL: zeros. */
static inline const uint64_t *ages_row(const struct ages *ages, uint32_t slice) {
    return ages->rows ? ages->rows + slice * (slice + 1) / 2 : NULL;
}
void ages_release(struct ages *ages);

#endif
