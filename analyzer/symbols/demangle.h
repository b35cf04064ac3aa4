/*
 * Readable names from symbols: C++ and Rust are demangled, without parameters; suffixes of the compiler's copies of a
 * function (.constprop.0, .cold) and symbol versions (@GLIBC_2.2.5) are cut. Pure.
 */
#ifndef SYMBOLS_DEMANGLE_H
#define SYMBOLS_DEMANGLE_H

/* malloc'd; NULL: out of memory. */
char *demangle(const char *symbol);

/* In place: std::vector<int, std::allocator<int> > becomes std::vector<int>, and basic_string<char> std::string. */
void shorten_name(char *name);

#endif
