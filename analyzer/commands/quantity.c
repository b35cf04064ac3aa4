/*
 * Parsing of sizes, times and counts. A number is digits with at most one point; its suffix is a row of a table.
 * Fractions are kept exactly to nine digits, so that 1.5M is 1572864 and no rounding of doubles shows.
 */
#include "quantity.h"

#include <errno.h>
#include <stddef.h>
#include <strings.h>

#define FRACTION_UNIT 1000000000

struct unit {
    const char *suffix;
    int64_t factor;
};

#define KIB INT64_C(1024)
static const struct unit size_units[] = {
    {"", 1},
    {"b", 1},
    {"k", KIB},
    {"kb", KIB},
    {"kib", KIB},
    {"m", KIB *KIB},
    {"mb", KIB *KIB},
    {"mib", KIB *KIB},
    {"g", KIB *KIB *KIB},
    {"gb", KIB *KIB *KIB},
    {"gib", KIB *KIB *KIB},
    {"t", KIB *KIB *KIB *KIB},
    {"tb", KIB *KIB *KIB *KIB},
    {"tib", KIB *KIB *KIB *KIB},
    {NULL, 0},
};

#define SECOND INT64_C(1000000000)
static const struct unit time_units[] = {
    {"", SECOND},  {"ns", 1},          {"us", 1000},         {"ms", 1000000},
    {"s", SECOND}, {"m", 60 * SECOND}, {"min", 60 * SECOND}, {"h", 3600 * SECOND},
    {NULL, 0},
};

static const struct unit count_units[] = {{"", 1}, {NULL, 0}};

struct number {
    int64_t whole;
    int64_t fraction; /* in FRACTION_UNIT parts */
};

static int digit_of(char c) { return c >= '0' && c <= '9' ? c - '0' : -1; }

static const char *read_whole(const char *at, int64_t *whole) {
    *whole = 0;
    for (; digit_of(*at) >= 0; at++)
        if (__builtin_mul_overflow(*whole, 10, whole) || __builtin_add_overflow(*whole, digit_of(*at), whole))
            return NULL;
    return at;
}

static const char *read_fraction(const char *at, int64_t *fraction) {
    int64_t place = FRACTION_UNIT / 10;
    for (*fraction = 0; digit_of(*at) >= 0; at++, place /= 10) *fraction += digit_of(*at) * place;
    return at;
}

/* Sets `rest` to what follows the number. */
static int read_number(const char *text, struct number *out, const char **rest) {
    out->fraction = 0;
    if (digit_of(*text) < 0) return -EINVAL;
    const char *at = read_whole(text, &out->whole);
    if (!at) return -ERANGE;
    if (*at == '.') {
        if (digit_of(at[1]) < 0) return -EINVAL;
        at = read_fraction(at + 1, &out->fraction);
    }
    *rest = at;
    return 0;
}

static int64_t factor_of(const struct unit *units, const char *suffix) {
    for (; units->suffix; units++)
        if (strcasecmp(units->suffix, suffix) == 0) return units->factor;
    return 0;
}

static int64_t share_of(int64_t factor, int64_t fraction) {
    return (int64_t)((__int128)factor * fraction / FRACTION_UNIT);
}

static int quantity(const char *text, const struct unit *units, int64_t *out) {
    struct number number;
    const char *suffix;
    int error = read_number(text, &number, &suffix);
    if (error) return error;
    int64_t factor = factor_of(units, suffix), value;
    if (factor == 0) return -EINVAL;
    if (__builtin_mul_overflow(number.whole, factor, &value)) return -ERANGE;
    if (__builtin_add_overflow(value, share_of(factor, number.fraction), &value)) return -ERANGE;
    *out = value;
    return 0;
}

int quantity_size(const char *text, int64_t *out) { return quantity(text, size_units, out); }
int quantity_time(const char *text, int64_t *out) { return quantity(text, time_units, out); }

int quantity_count(const char *text, int64_t *out) {
    for (const char *at = text; *at; at++)
        if (*at == '.') return -EINVAL;
    return quantity(text, count_units, out);
}
