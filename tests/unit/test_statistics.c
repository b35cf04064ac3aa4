/*
 * Against values computed by another program in another way: ranks from sorted lists, every pair visited by
 * combinations, ties by counting, the binomial tail as a sum of exact fractions. The formulas:
 *   S = sum over pairs of sign(y_j - y_i), Var(S) = (n(n-1)(2n+5) - sum t(t-1)(2t+5)) / 18,
 *   n/n* = 1 + 2/(n(n-1)(n-2)) sum (n-k)(n-k-1)(n-k-2) r_k over the r_k beyond 1.96/sqrt(n)   (Hamed & Rao 1998),
 *   z = (S -+ 1) / sqrt(Var(S) n/n*), interval of the slope at ranks (N -+ 1.96 sqrt(Var)) / 2   (Sen 1968).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "verdict/statistics.h"

static const double rising[] = {1, 2, 2, 3, 5, 4, 6, 8, 7, 9};
static const double waves[] = {5.0, 5.2, 5.9, 6.8, 7.1, 6.9, 6.2, 5.5, 5.1, 5.3,
                               6.0, 6.9, 7.4, 7.6, 7.0, 6.4, 6.1, 6.0, 6.6, 7.5};

static void near(double value, double expected) {
    assert_true(fabs(value - expected) <= 1e-9 * fmax(1, fabs(expected)));
}

static void test_mann_kendall_with_ties(void **state) {
    (void)state;
    struct trend trend = statistics_mann_kendall(rising, 10);
    near(trend.s, 40);
    near(trend.variance, 124); /* one pair of ties: 125 - 18/18 */
    near(trend.z, 3.502303389522111);
    near(trend.p, 0.0004612540671705493);
}

static void test_mann_kendall_with_autocorrelation(void **state) {
    (void)state;
    struct trend trend = statistics_mann_kendall(waves, 20);
    near(trend.s, 60);
    near(trend.variance, 948.0 * 0.5396835768880444);
    near(trend.z, 2.6084243265461637);
    near(trend.p, 0.009096012105663598);
}

static void test_no_trend_in_a_constant(void **state) {
    (void)state;
    double flat[12] = {0};
    assert_true(statistics_mann_kendall(flat, 12).p == 1);
    assert_true(statistics_mann_kendall(rising, 2).p == 1);
}

static void test_theil_sen(void **state) {
    (void)state;
    double x[10];
    for (int i = 0; i < 10; i++) x[i] = i;
    struct slope slope = statistics_theil_sen(x, rising, 10);
    near(slope.value, 8.0 / 9);
    near(slope.low, 0.5);
    near(slope.high, 1.0);
}

static void test_theil_sen_of_a_line_is_exact(void **state) {
    (void)state;
    double x[50], y[50];
    for (int i = 0; i < 50; i++) x[i] = i, y[i] = 7 + 480.0 * i;
    struct slope slope = statistics_theil_sen(x, y, 50);
    assert_true(slope.value == 480 && slope.low == 480 && slope.high == 480);
    assert_true(isnan(statistics_theil_sen(x, y, 1).value));
    x[1] = x[0];
    assert_true(isnan(statistics_theil_sen(x, y, 2).value));
}

static void test_one_wild_value_does_not_matter(void **state) {
    (void)state;
    double x[21], y[21];
    for (int i = 0; i < 21; i++) x[i] = i, y[i] = 3.0 * i;
    y[10] = 1e9;
    near(statistics_theil_sen(x, y, 21).value, 3);
}

/* The rank ratio of 1 to 10 is 9 / 82.5, its variance 4 * 8 * 471 / (5 * 10 * 11 * 81): 3.25 deviations below 2. */
static void test_neighbours_alike(void **state) {
    (void)state;
    double squares[10], turning[10], equal[10] = {0}, stretches[12] = {0, 0, 0, 4, 5, 3, 2, 0, 0, 0, 0, 0};
    for (int i = 0; i < 10; i++) {
        squares[i] = i * i;
        turning[i] = i % 2 ? -i : i;
    }
    near(statistics_neighbours_alike(squares, 10),
         statistics_normal_at_most((9 / 82.5 - 2) / sqrt(4 * 8 * 471 / (5 * 10 * 11 * 81.0))));
    assert_true(statistics_neighbours_alike(turning, 10) > 0.9);
    near(statistics_neighbours_alike(equal, 10), 1);
    near(statistics_neighbours_alike(squares, 2), 1);
    assert_true(statistics_neighbours_alike(stretches, 12) < 0.1);
}

static void test_median(void **state) {
    (void)state;
    double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2};
    near(statistics_median(odd, 3), 2);
    near(statistics_median(even, 4), 2.5);
    assert_true(isnan(statistics_median(odd, 0)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mann_kendall_with_ties),
        cmocka_unit_test(test_mann_kendall_with_autocorrelation),
        cmocka_unit_test(test_no_trend_in_a_constant),
        cmocka_unit_test(test_theil_sen),
        cmocka_unit_test(test_theil_sen_of_a_line_is_exact),
        cmocka_unit_test(test_one_wild_value_does_not_matter),
        cmocka_unit_test(test_neighbours_alike),
        cmocka_unit_test(test_median),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
