/*
 * In which round blocks ended, by the round of their birth: with what lives in the end, that tells how many blocks of
 * each round were alive after every later one. Only ends after the round of the birth are kept.
 *
 * Called by growth_record.c for such a death, on one thread. At most GROWTH_ENDS_ROUNDS cells of rounds each way: where
 * there are more rounds, neighbours become one cell. Memory follows the pairs of cells that occur, 8 bytes each.
 */
#ifndef ANALYSIS_GROWTH_ENDS_H
#define ANALYSIS_GROWTH_ENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GROWTH_ENDS_ROUNDS 40u /* even */

struct growth_end {
    uint8_t birth, end; /* cells */
    bool late;          /* in the stretch `tag`, which may lie after the last round */
    uint32_t blocks;
};

struct growth_ends {
    unsigned shift; /* a cell is round >> shift */
    uint32_t tag;
    uint32_t count, room;
    struct growth_end items[];
};

struct growth_end_time {
    uint64_t birth, end; /* rounds */
    bool late;
    uint32_t tag;
};

/* Makes *ends when it is NULL; the caller frees it. Aborts when out of memory, as the collector does. */
void growth_ends_add(struct growth_ends **ends, const struct growth_end_time *time);

/*
 * Blocks by birth and end in cells of `shift`, at least ends->shift: cells[end * side + birth], added to. Left out:
 * what ended in the stretch `tag`, and in cells from `side` on.
 */
void growth_ends_sum(const struct growth_ends *ends, unsigned shift, uint32_t tag, uint64_t *cells, size_t side);

#endif
