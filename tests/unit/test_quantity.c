/*
 * Sizes, times and counts as the command line takes them. Expected values are worked out by hand.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "commands/quantity.h"

struct row {
    const char *text;
    int64_t value;
    int error;
};

static void check_rows(const struct row *rows, size_t count, int (*parse)(const char *, int64_t *)) {
    for (size_t i = 0; i < count; i++) {
        int64_t value = -77;
        assert_int_equal(parse(rows[i].text, &value), rows[i].error);
        assert_int_equal(value, rows[i].error ? -77 : rows[i].value);
    }
}

#define CHECK_ROWS(rows, parse) check_rows(rows, sizeof(rows) / sizeof((rows)[0]), parse)

static void sizes(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"0", 0, 0},
        {"100", 100, 0},
        {"64k", 65536, 0},
        {"64K", 65536, 0},
        {"64KiB", 65536, 0},
        {"1.5M", 1572864, 0},
        {"2G", 2147483648, 0},
        {"0.5k", 512, 0},
        {"1T", 1099511627776, 0},
        {"3MB", 3145728, 0},
        {"", 0, -EINVAL},
        {"k", 0, -EINVAL},
        {"-1", 0, -EINVAL},
        {"1x", 0, -EINVAL},
        {"1.k", 0, -EINVAL},
        {"1 k", 0, -EINVAL},
        {" 1", 0, -EINVAL},
        {"0x10", 0, -EINVAL},
        {"1.5.2M", 0, -EINVAL},
        {"1,5M", 0, -EINVAL},
        {"8388608T", 0, -ERANGE},
        {"9223372036854775807", INT64_MAX, 0},
        {"9223372036854775808", 0, -ERANGE},
    };
    CHECK_ROWS(rows, quantity_size);
}

static void times(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"10ms", 10000000, 0}, {"30s", 30000000000, 0}, {"5m", 300000000000, 0}, {"1.5h", 5400000000000, 0},
        {"2", 2000000000, 0},  {"7us", 7000, 0},        {"3ns", 3, 0},           {"0.25s", 250000000, 0},
        {"5k", 0, -EINVAL},    {"ms", 0, -EINVAL},      {"1e3", 0, -EINVAL},     {"3000000h", 0, -ERANGE},
    };
    CHECK_ROWS(rows, quantity_time);
}

static void counts(void **state) {
    (void)state;
    static const struct row rows[] = {
        {"0", 0, 0},        {"12", 12, 0},    {"1.5", 0, -EINVAL},
        {"1k", 0, -EINVAL}, {"", 0, -EINVAL}, {"99999999999999999999", 0, -ERANGE},
    };
    CHECK_ROWS(rows, quantity_count);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sizes), cmocka_unit_test(times), cmocka_unit_test(counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
