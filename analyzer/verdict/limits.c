/* Units of budget limits; called while a budget file is read and when a rule is shown. */
#include "limits.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct suffix {
    const char *text;
    double factor;
};

static const struct suffix sizes[] = {{"", 1},
                                      {"b", 1},
                                      {"k", 1024},
                                      {"kb", 1024},
                                      {"kib", 1024},
                                      {"m", 1048576},
                                      {"mb", 1048576},
                                      {"mib", 1048576},
                                      {"g", 1073741824},
                                      {"gb", 1073741824},
                                      {"gib", 1073741824},
                                      {"t", 1099511627776},
                                      {"tib", 1099511627776},
                                      {NULL, 0}};
static const struct suffix times[] = {{"ns", 1},   {"us", 1e3},   {"ms", 1e6},   {"", 1e9}, {"s", 1e9},
                                      {"m", 60e9}, {"min", 60e9}, {"h", 3600e9}, {NULL, 0}};
static const struct suffix rates[] = {{"b/s", 1},         {"k/s", 1024},       {"kib/s", 1024},       {"m/s", 1048576},
                                      {"mib/s", 1048576}, {"g/s", 1073741824}, {"gib/s", 1073741824}, {NULL, 0}};
static const struct suffix shares[] = {{"%", 0.01}, {"", 0.01}, {NULL, 0}};
static const struct suffix numbers[] = {{"", 1}, {"k", 1e3}, {NULL, 0}};
static const struct suffix plain[] = {{"", 1}, {NULL, 0}};

static const struct suffix *const suffixes[] = {
    [LIMIT_BYTES] = sizes, [LIMIT_BYTES_PER_SECOND] = rates, [LIMIT_TIME] = times,
    [LIMIT_COUNT] = plain, [LIMIT_NUMBER] = numbers,         [LIMIT_SHARE] = shares,
};

/* strtod without locale, signs and exponents. Returns what follows; NULL: no number. */
static const char *parse_number(const char *text, double *out) {
    double value = 0, place = 1;
    bool any = false, fraction = false;
    for (; isdigit((unsigned char)*text) || (*text == '.' && !fraction); text++) {
        if (*text == '.') {
            fraction = true;
            continue;
        }
        any = true;
        value = value * 10 + (*text - '0');
        if (fraction) place *= 10;
    }
    *out = value / place;
    return any ? text : NULL;
}

#define MOST_COUNTED 1e15 /* fits all integers that counts go into */

bool limit_parse(const char *text, enum limit_unit unit, double *out) {
    double value;
    bool negative = *text == '-';
    const char *rest = parse_number(text + negative, &value);
    if (!rest || (negative && unit != LIMIT_NUMBER)) return false;
    while (*rest == ' ') rest++;
    for (const struct suffix *suffix = suffixes[unit]; suffix->text; suffix++) {
        if (strcasecmp(rest, suffix->text) != 0) continue;
        *out = (negative ? -value : value) * suffix->factor;
        return unit != LIMIT_COUNT || (*out == floor(*out) && *out <= MOST_COUNTED);
    }
    return false;
}

struct quantity_text limit_show(double value, enum limit_unit unit) {
    struct quantity_text result;
    if (unit == LIMIT_BYTES) return words_bytes(value);
    if (unit == LIMIT_TIME) return words_time(value);
    if (unit == LIMIT_BYTES_PER_SECOND) {
        result = words_bytes(value);
        strncat(result.text, "/s", sizeof result.text - strlen(result.text) - 1);
        return result;
    }
    if (isinf(value)) snprintf(result.text, sizeof result.text, "infinite");
    else if (isnan(value)) snprintf(result.text, sizeof result.text, "unknown");
    else if (unit == LIMIT_SHARE) snprintf(result.text, sizeof result.text, "%.4g%%", value * 100);
    else
        snprintf(result.text, sizeof result.text, fabs(value) >= 1e6 || value == floor(value) ? "%.0f" : "%.4g", value);
    return result;
}

const char *limit_expects(enum limit_unit unit) {
    static const char *const texts[] = {"a size such as 64k or 1.5M", "a rate such as 10M/s",
                                        "a time such as 10ms or 5m",  "a whole number",
                                        "a number such as 2.5",       "a share such as 15%"};
    return texts[unit];
}
