/*
 * Live bytes by slice of birth against a list of lives: random blocks of a run that turns out to be longer than the
 * facts said, counted anew for each cell. And sparse counts in slices that become longer, octaves of histograms of any
 * resolution.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../analyzer/analysis/ages.h"
#include "../../analyzer/analysis/histogram.h"
#include "../../analyzer/analysis/slices.h"

#define BLOCKS 2000

struct life {
    uint64_t from, to, bytes;
};

static void move(struct ages *ages, struct age_clock *clock, uint64_t ns) {
    while (age_slice(clock, ns) >= AGE_SLICES) {
        ages_double(ages);
        age_clock_double(clock);
    }
    clock->slice = age_slice(clock, ns);
}

/* Lives lie in time as time passes; every block is born before it ends. */
static uint64_t play(struct life *lives, struct ages *ages, struct age_clock *clock) {
    uint64_t ns = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        ns += (uint64_t)rand() % 1000;
        move(ages, clock, ns);
        lives[i] = (struct life){ns, UINT64_MAX, 1 + (uint64_t)rand() % 100};
        ages_change(ages, clock, age_slice(clock, ns), lives[i].bytes);
        struct life *old = &lives[(size_t)rand() % (i + 1)];
        if (old->to != UINT64_MAX || rand() % 3 == 0) continue;
        old->to = ns;
        ages_change(ages, clock, age_slice(clock, old->from), 0 - old->bytes);
    }
    return ns;
}

static uint64_t counted(const struct life *lives, unsigned shift, uint32_t slice, uint32_t birth) {
    uint64_t sum = 0, end = (uint64_t)(slice + 1) << shift;
    for (size_t i = 0; i < BLOCKS; i++)
        if (lives[i].from >> shift == birth && lives[i].from < end && lives[i].to >= end) sum += lives[i].bytes;
    return sum;
}

static void rows_are_what_lived(void **state) {
    (void)state;
    static const uint64_t expected_ns[] = {0, 7000, 5000000};
    for (size_t run = 0; run < sizeof expected_ns / sizeof *expected_ns; run++) {
        struct life lives[BLOCKS];
        struct ages ages = {0};
        struct age_clock clock = age_clock_of(expected_ns[run]);
        play(lives, &ages, &clock);
        ages_pass(&ages, clock.slice + 1);
        uint64_t cells[AGE_CELLS] = {0};
        ages_add_rows(&ages, cells);
        for (uint32_t slice = 0; slice <= clock.slice; slice++)
            for (uint32_t birth = 0; birth <= slice; birth++)
                assert_int_equal(cells[ages_cell(slice, birth)], counted(lives, clock.shift, slice, birth));
        ages_release(&ages);
    }
}

static void nothing_kept_takes_no_rows(void **state) {
    (void)state;
    struct ages ages = {0};
    struct age_clock clock = age_clock_of(AGE_SLICES - 1);
    for (uint64_t ns = 0; ns < AGE_SLICES; ns++) {
        move(&ages, &clock, ns);
        ages_change(&ages, &clock, age_slice(&clock, ns), 64);
        ages_change(&ages, &clock, age_slice(&clock, ns), 0 - (uint64_t)64);
    }
    ages_pass(&ages, clock.slice + 1);
    assert_false(ages_any(&ages));
    assert_null(ages.changes);
}

static void octaves_add_up(void **state) {
    (void)state;
    for (uint8_t bits = 0; bits < 5; bits++) {
        struct histogram histogram = {.bits = bits};
        uint64_t expected[HISTOGRAM_OCTAVES] = {0}, counts[HISTOGRAM_OCTAVES];
        for (unsigned i = 0; i < 3000; i++) {
            uint64_t value = ((uint64_t)rand() << 31 ^ (uint64_t)rand()) >> rand() % 62;
            uint32_t octave = 0;
            for (uint64_t rest = value; rest; rest >>= 1) octave++;
            expected[octave]++;
            assert_int_equal(histogram_add(&histogram, value), 0);
        }
        uint32_t used = histogram_octaves(&histogram, counts);
        assert_memory_equal(counts, expected, sizeof counts);
        assert_true(used && counts[used - 1]);
        histogram_release(&histogram);
    }
}

static void longer_slices_have_the_sums_of_their_parts(void **state) {
    enum { SLICES = 61, BY = 4 };
    struct slice_counts expected[SLICES / BY + 1] = {{0}};
    struct slice_list list = {0};
    (void)state;
    for (uint32_t slice = 0; slice < SLICES; slice++) {
        if (slice % 7 == 3) continue; /* the site did not run then */
        struct slice_counts *longer = &expected[slice / BY], *counts = slices_at(&list, slice);
        counts->allocations = slice + 1;
        longer->slice = slice / BY;
        longer->allocations += slice + 1;
    }
    for (int by = 1; by < BY; by *= 2) slices_double(&list);
    assert_int_equal(list.count, SLICES / BY + 1);
    assert_memory_equal(list.items, expected, sizeof expected);
    slices_release(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_what_lived),
        cmocka_unit_test(nothing_kept_takes_no_rows),
        cmocka_unit_test(octaves_add_up),
        cmocka_unit_test(longer_slices_have_the_sums_of_their_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
