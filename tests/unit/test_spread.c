/* libs: -lm */
/*
 * Summaries of many values in little memory: histograms by octaves, and thirds of their course.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../../analyzer/analysis/spread.h"

static double median_of_third(const struct drift *drift, bool last) {
    double means[DRIFT_BINS / 3];
    size_t count = drift_third(drift, last, means);
    for (size_t i = 0; i < count; i++) /* a rank statistic, without a sort */
        for (size_t j = i + 1; j < count; j++)
            if (means[j] < means[i]) {
                double swapped = means[i];
                means[i] = means[j];
                means[j] = swapped;
            }
    return count ? (means[(count - 1) / 2] + means[count / 2]) / 2 : NAN;
}

/* Of a ramp from 1 to n: the middle of the first third is n / 6, of the last 5 n / 6, however many values there are. */
static void drift_of_a_ramp(void **state) {
    (void)state;
    static const size_t counts[] = {3, 9, 90, 192, 193, 1000, 100000};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct drift drift = {.width = 0};
        double n = (double)counts[c];
        for (size_t i = 1; i <= counts[c]; i++) assert_int_equal(drift_add(&drift, (double)i), 0);
        double low = median_of_third(&drift, false), high = median_of_third(&drift, true);
        assert_true(fabs(low - n / 6) <= 1 + 0.02 * n);
        assert_true(fabs(high - 5 * n / 6) <= 1 + 0.02 * n);
        drift_release(&drift);
    }
    struct drift few = {.width = 0};
    drift_add(&few, 1);
    drift_add(&few, 2);
    assert_int_equal(drift_third(&few, false, (double[DRIFT_BINS / 3]){0}), 0);
    drift_release(&few);
}

static void histogram_quantiles(void **state) {
    (void)state;
    struct histogram h = {.bits = 5};
    for (uint64_t v = 1; v <= 100000; v++) assert_int_equal(histogram_add(&h, v * 1000), 0);
    for (double share = 0.01; share < 1; share += 0.01)
        assert_true(histogram_at(&h, share) > share * 1e8 * 0.98 && histogram_at(&h, share) < share * 1e8 * 1.02);
    assert_int_equal((uint64_t)histogram_at(&h, 1), 100000000);
    histogram_release(&h);
}

/* Each value is in some part of an octave, whose middle may be below all values that there are. */
static void percentiles_lie_between_the_extremes(void **state) {
    (void)state;
    for (uint64_t value = 1; value < UINT64_C(1) << 40; value = value * 9 / 8 + 1) {
        struct spread spread;
        spread_begin(&spread);
        spread_add(&spread, value);
        for (double share = 0; share <= 1; share += 0.25) assert_int_equal((uint64_t)spread_at(&spread, share), value);
        spread_release(&spread);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drift_of_a_ramp),
        cmocka_unit_test(histogram_quantiles),
        cmocka_unit_test(percentiles_lie_between_the_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
