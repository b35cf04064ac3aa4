/*
 * Numbers as people read them. The dash and the micro sign are UTF-8; the pen replaces them where only ASCII is wanted.
 */
#include "amount.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "../report/report.h"

static const struct amount absent = {"–"};

struct unit {
    double size;
    const char *name;
};

/* Three significant digits. */
static struct amount scaled(double value, const struct unit *unit) {
    struct amount amount;
    double shown = value / unit->size;
    int decimals = fabs(shown) >= 99.95 ? 0 : fabs(shown) >= 9.995 ? 1 : 2;
    snprintf(amount.text, sizeof amount.text, "%.*f %s", decimals, shown, unit->name);
    return amount;
}

/* The largest unit that is not larger than the value; units from large to small. */
static const struct unit *fitting(const struct unit *units, size_t count, double value) {
    size_t i = 0;
    while (i + 1 < count && fabs(value) < units[i].size * 0.9995) i++;
    return &units[i];
}

struct amount amount_bytes_real(double bytes) {
    static const struct unit units[] = {
        {1099511627776.0, "TiB"}, {1073741824.0, "GiB"}, {1048576.0, "MiB"}, {1024.0, "KiB"}, {1, "B"}};
    struct amount amount;
    if (!isfinite(bytes)) return absent;
    if (fabs(bytes) >= 1023.5) return scaled(bytes, fitting(units, 4, bytes));
    bool whole = fabs(bytes) >= 100 || bytes == floor(bytes);
    snprintf(amount.text, sizeof amount.text, whole ? "%.0f B" : "%.1f B", bytes);
    return amount;
}

struct amount amount_bytes(int64_t bytes) {
    return bytes == REPORT_NONE ? absent : amount_bytes_real((double)bytes);
}

static struct amount long_time(double seconds) {
    struct amount amount;
    int64_t whole = llround(seconds);
    if (whole < 3600) snprintf(amount.text, sizeof amount.text, "%" PRId64 "m %02" PRId64 "s", whole / 60, whole % 60);
    else snprintf(amount.text, sizeof amount.text, "%" PRId64 "h %02" PRId64 "m", whole / 3600, whole / 60 % 60);
    return amount;
}

struct amount amount_time(double ns) {
    static const struct unit units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}};
    if (!isfinite(ns)) return absent;
    if (fabs(ns) >= 119.5e9) return long_time(ns / 1e9);
    return ns == 0 ? (struct amount){"0 s"} : scaled(ns, fitting(units, 4, ns));
}

struct amount amount_time_whole(int64_t ns) {
    return ns == REPORT_NONE ? absent : amount_time((double)ns);
}

struct amount amount_count(int64_t count) {
    static const struct unit units[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
    struct amount amount;
    if (count == REPORT_NONE) return absent;
    if (count >= 100000) return scaled((double)count, fitting(units, 3, (double)count));
    snprintf(amount.text, sizeof amount.text, "%" PRId64, count);
    return amount;
}

struct amount amount_number(double number) {
    static const struct unit units[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
    struct amount amount;
    if (!isfinite(number)) return absent;
    if (fabs(number) >= 100000) return scaled(number, fitting(units, 3, number));
    bool whole = fabs(number) >= 1000 || number == floor(number);
    snprintf(amount.text, sizeof amount.text, whole ? "%.0f" : "%.3g", number);
    return amount;
}

struct amount amount_share(double share) {
    struct amount amount;
    if (!isfinite(share)) return absent;
    snprintf(amount.text, sizeof amount.text, "%.0f%%", share * 100);
    return amount;
}
