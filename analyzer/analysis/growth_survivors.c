/* Which blocks live at the ends of rounds, by the round of their birth: growth_survivors() of growth.h. */
#include <errno.h>
#include <stdlib.h>

#include "growth.h"
#include "growth_parts.h"

/* Cells of the records' own width at least, and few enough. */
static unsigned cell_shift(const struct growth *growth, const size_t *records, size_t count) {
    size_t phase = growth->phases.phase_of[records[0]];
    unsigned series = growth_phases_series(&growth->phases, phase)->shift, shift = series;
    for (size_t i = 0; i < count; i++) {
        const struct growth_ends *ends = growth->phases.records[records[i]]->ends;
        if (ends && ends->shift > shift) shift = ends->shift;
    }
    size_t raw = growth->phases.list[phase].round_count << series;
    while (raw > ((size_t)GROWTH_ENDS_ROUNDS << shift)) shift++;
    return shift;
}

/* A block lived at the end of a cell if it lives in the end or ended in a later cell. */
static void sum_survivors(const uint64_t *held, const uint64_t *ends, struct growth_survivors *out) {
    for (size_t birth = 0; birth < out->side; birth++) {
        uint64_t alive = held[birth];
        for (size_t end = out->side; end-- > birth; alive += ends[end * out->side + birth])
            out->cells[end * (end + 1) / 2 + birth] = alive;
    }
}

int growth_survivors(const struct growth *growth, const size_t *records, size_t count, struct growth_survivors *out) {
    size_t phase = growth->phases.phase_of[records[0]], round_count = growth->phases.list[phase].round_count;
    const struct series *series = growth_phases_series(&growth->phases, phase);
    struct record_tags tags = growth_phases_tags(growth->rounds, series);
    unsigned shift = cell_shift(growth, records, count);
    size_t side = ((round_count << series->shift) + (1u << shift) - 1) >> shift;
    *out = (struct growth_survivors){.each = 1u << (series_has_windows(series) ? shift - series->shift : shift),
                                     .side = (uint32_t)side};
    uint64_t *held = calloc(side * (side + 1) + 1, sizeof *held);
    out->cells = calloc(side * (side + 1) / 2 + 1, sizeof *out->cells);
    if (!held || !out->cells) {
        free(held);
        free(out->cells);
        return -ENOMEM;
    }
    uint64_t *ends = held + side;
    for (size_t i = 0; i < count; i++) {
        const struct record *record = growth->phases.records[records[i]];
        growth_ends_sum(record->ends, shift, tags.rounds, ends, side);
        for (size_t j = 0; j < record->round_count && record->rounds[j].round < round_count; j++)
            held[record->rounds[j].round >> (shift - series->shift)] +=
                record_round_held(&record->rounds[j], tags).blocks;
    }
    sum_survivors(held, ends, out);
    free(held);
    return 0;
}
