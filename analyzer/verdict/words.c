/* Sentences of verdicts; called by the classifier's text and the budget rules. */
#include "words.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

struct words words_begin(char *text, size_t size) {
    if (size > 0) text[0] = '\0';
    return (struct words){text, size, 0};
}

void words_add(struct words *words, const char *format, ...) {
    if (words->length + 1 >= words->size) return;
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(words->text + words->length, words->size - words->length, format, arguments);
    va_end(arguments);
    if (added > 0) words->length += (size_t)added;
    if (words->length >= words->size) words->length = words->size - 1;
}

struct unit {
    double factor;
    const char *name;
};

static struct quantity_text scaled(double value, const struct unit *units, size_t count) {
    struct quantity_text result;
    size_t i = 0;
    if (!isfinite(value)) {
        snprintf(result.text, sizeof result.text, "unknown");
        return result;
    }
    while (i + 1 < count && fabs(value) >= units[i + 1].factor * 0.9995) i++;
    double shown = value / units[i].factor, size = fabs(shown);
    int decimals = shown == rint(shown) || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
    snprintf(result.text, sizeof result.text, "%.*f %s", decimals, shown, units[i].name);
    return result;
}

struct quantity_text words_bytes(double bytes) {
    static const struct unit units[] = {
        {1, "B"}, {1024, "KiB"}, {1048576, "MiB"}, {1073741824, "GiB"}, {1099511627776, "TiB"}};
    return scaled(bytes, units, sizeof units / sizeof *units);
}

struct quantity_text words_time(double ns) {
    static const struct unit units[] = {{1, "ns"}, {1e3, "us"}, {1e6, "ms"}, {1e9, "s"}};
    return scaled(ns, units, sizeof units / sizeof *units);
}
