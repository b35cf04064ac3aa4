/*
 * When a site's live bytes were born, and how that went on: the run in at most AGE_SLICES slices of equal length, and
 * for the end of each slice the live bytes by the slice of their birth. Summed over births it is the site's curve.
 *
 * Called by sites.c, on one thread. Rows are written when a site first changes after the end of a slice, so time that
 * passes costs nothing, and hold only what has changed since the row before. A block that realloc grows stays born when
 * it was first allocated. A site takes 370 bytes, and 8 for each number that is not what it was a slice earlier. Aborts
 * when out of memory.
 */
#ifndef ANALYSIS_AGES_H
#define ANALYSIS_AGES_H

#include <stdbool.h>
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
    uint32_t count;            /* of the changes */
    uint64_t changed;          /* bits of the births whose bytes changed since then */
    uint64_t kept;             /* bits of the births with bytes in the last row */
    uint64_t live[AGE_SLICES]; /* now, by slice of birth */
    uint64_t *changes;         /* what rows have other than the row before: bytes, birth and slice packed */
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
    ages->changed |= 1ull << birth;
}

/* Whether anything lived at the end of a slice. */
static inline bool ages_any(const struct ages *ages) { return ages->count > 0; }
/*
 * Adds what lived to AGE_CELLS numbers: for the end of each slice so many as there are births up to then, one row after
 * the other.
 */
void ages_add_rows(const struct ages *ages, uint64_t *cells);
static inline size_t ages_cell(uint32_t slice, uint32_t birth) { return slice * (slice + 1) / 2 + birth; }
void ages_release(struct ages *ages);

#endif
