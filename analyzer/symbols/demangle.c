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

/* The > that closes the < before `text`, or NULL. */
static char *closing(char *text) {
    int depth = 1;
    for (; *text; text++) {
        depth += (*text == '<') - (*text == '>');
        if (depth == 0) return text;
    }
    return NULL;
}

static void cut(char *from, const char *to) { memmove(from, to, strlen(to) + 1); }

/* Template arguments that the standard library gives by itself say nothing to a reader. */
static void drop_defaults(char *text) {
    static const char *const defaults[] = {", std::allocator<", ", std::char_traits<", ", std::default_delete<",
                                           ", std::less<",      ", std::hash<",        ", std::equal_to<"};
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        for (char *at = text, *end; (at = strstr(at, defaults[i]));) {
            end = closing(at + strlen(defaults[i]));
            if (!end) return;
            cut(at, end + 1 + strspn(end + 1, " "));
        }
}

static void replace_shorter(char *text, const char *old, const char *new) {
    for (char *at = text; (at = strstr(at, old)); at++) {
        memcpy(at, new, strlen(new));
        cut(at + strlen(new), at + strlen(old));
    }
}

void shorten_name(char *name) {
    if (!strchr(name, '<')) return;
    drop_defaults(name);
    replace_shorter(name, "> >", ">>");
    replace_shorter(name, "std::__cxx11::basic_string<char>", "std::string");
    replace_shorter(name, "std::basic_string<char>", "std::string");
}

char *demangle(const char *symbol) {
    char *plain = strndup(symbol, plain_length(symbol));
    if (!plain || !is_mangled(plain) || strlen(plain) > SYMBOL_MAX) return plain;
    char *readable = cplus_demangle(plain, DMGL_ANSI | DMGL_AUTO);
    if (!readable) return plain;
    free(plain);
    shorten_name(readable);
    return readable;
}
