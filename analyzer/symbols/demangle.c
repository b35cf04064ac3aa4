/*
 * The gate to libiberty's demanglers. They are recursive and were not made for hostile input: length is bounded here,
 * time and stack by the limits of the process that calls (worker.c).
 */
#include "demangle.h"

#include <libiberty/demangle.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SYMBOL_MAX = 16384 };

static bool is_mangled(const char *symbol) {
    return strncmp(symbol, "_Z", 2) == 0 || strncmp(symbol, "_R", 2) == 0 || strncmp(symbol, "__Z", 3) == 0;
}

/* Length of the name without what the compiler and the linker appended. */
static size_t plain_length(const char *symbol) {
    static const char *const suffixes[] = {".constprop.", ".part.", ".isra.",      ".cold",
                                           ".lto_priv.",  ".llvm.", ".localalias", "@"};
    size_t length = strlen(symbol);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        const char *found = length > 1 ? strstr(symbol + 1, suffixes[i]) : NULL;
        if (found && (size_t)(found - symbol) < length) length = (size_t)(found - symbol);
    }
    return length;
}

char *demangle(const char *symbol) {
    char *plain = strndup(symbol, plain_length(symbol));
    if (!plain || !is_mangled(plain) || strlen(plain) > SYMBOL_MAX) return plain;
    char *readable = cplus_demangle(plain, DMGL_ANSI | DMGL_AUTO);
    if (!readable) return plain;
    free(plain);
    return readable;
}
