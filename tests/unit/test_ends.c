/*
 * Ends by birth against a list of deaths: random rounds of a phase that gets longer than there are cells, some deaths
 * between rounds, counted anew for each pair of cells.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/analysis/growth_ends.h"

#define DEATHS 5000u

static void play(struct growth_end_time *deaths, struct growth_ends **ends, uint64_t rounds) {
    for (uint64_t i = 0; i < DEATHS; i++) {
        uint64_t end = 1 + i * rounds / DEATHS;
        deaths[i] = (struct growth_end_time){(uint64_t)rand() % end, end, rand() % 8 == 0, (uint32_t)end};
        growth_ends_add(ends, &deaths[i]);
    }
}

static uint64_t counted(const struct growth_end_time *deaths, unsigned shift, uint32_t tag, size_t birth, size_t end) {
    uint64_t sum = 0;
    for (size_t i = 0; i < DEATHS; i++) {
        if (deaths[i].late && deaths[i].tag == tag) continue;
        sum += deaths[i].birth >> shift == birth && deaths[i].end >> shift == end;
    }
    return birth == end ? 0 : sum;
}

static void pairs_are_what_ended(void **state) {
    (void)state;
    static const uint64_t rounds[] = {5, 39, 40, 41, 300};
    static struct growth_end_time deaths[DEATHS];
    for (size_t run = 0; run < sizeof rounds / sizeof *rounds; run++)
        for (unsigned coarser = 0; coarser < 2; coarser++) {
            struct growth_ends *ends = NULL;
            play(deaths, &ends, rounds[run]);
            unsigned shift = ends->shift + coarser;
            size_t side = (size_t)(rounds[run] >> shift) + 1;
            uint64_t *cells = calloc(side * side, sizeof *cells);
            growth_ends_sum(ends, shift, (uint32_t)rounds[run], cells, side);
            for (size_t i = 0; i < side * side; i++)
                assert_int_equal(cells[i], counted(deaths, shift, (uint32_t)rounds[run], i % side, i / side));
            assert_true(side <= GROWTH_ENDS_ROUNDS && ends->count <= GROWTH_ENDS_ROUNDS * GROWTH_ENDS_ROUNDS);
            free(cells);
            free(ends);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(pairs_are_what_ended)};
    srand(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
