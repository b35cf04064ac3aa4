/*
 * The symbols of one object file by address. elfutils walks the whole table for each address, which is a millisecond
 * where there are ten thousand symbols and many thousand addresses; here a search is binary.
 *
 * Pure; filled, then searched (which sorts it first if need be). Names stay the caller's. Memory is the only failure.
 */
#ifndef SYMBOLS_SYMBOL_TABLE_H
#define SYMBOLS_SYMBOL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
    uint64_t start, size; /* size 0: a label, of which nobody knows how far it reaches */
    const char *name;
    uint32_t section;
    uint32_t strength; /* of two for the same bytes the stronger one counts */
};

struct symbol_list {
    struct symbol *items;
    uint64_t *reach; /* where the symbols up to this one end at most; once sorted */
    size_t count;
};

struct symbol_table { /* zeroed: empty */
    struct symbol_list global, local, labels;
    bool sorted;
};

/* 0 or -ENOMEM. */
int symbol_table_add(struct symbol_table *table, const struct symbol *symbol, bool local);
/*
 * The symbol around the address: of those that hold it the one that begins last, and a global one before a local one.
 * Else the last label before it, unless a symbol ends behind that. NULL: none.
 */
const struct symbol *symbol_table_find(struct symbol_table *table, uint64_t address);
void symbol_table_release(struct symbol_table *table);

#endif
